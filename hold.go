package retry

import (
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// holds is what Policy.ShareRetryAfter knows: until when each authority asked not to be asked.
//
// Requests are released over the time from the end of the Retry-After to twice that. It is tempting to release them at
// its end, but then all that was held comes back at one instant, which is a worse overload than the first.
type holds struct {
	active atomic.Int32 // len(until): lets a Transport without holds pass without the lock
	mu     sync.Mutex
	until  map[authority]held // at most maxHolds, some of them over
	swept  time.Time          // when all of them were last looked at
}

// held is one authority's Retry-After: it was asked for at end-length.
type held struct {
	end             time.Time
	length          time.Duration
	refused, served int // of its latest answers: refused + served < latest
}

const latest = 16

// maxHolds bounds the memory. Past it an authority is not held: the gate fails open.
const maxHolds = 1 << 12

// close holds a until retryAfter from now, unless it is held for longer already.
func (h *holds) close(a authority, retryAfter time.Duration, now time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	one, known := h.until[a]
	one.count(1, 0)
	if end := now.Add(retryAfter); end.After(one.end) {
		one.end, one.length = end, retryAfter
	}
	h.sweep(now, 4)
	if len(h.until) >= maxHolds && now.Sub(h.swept) >= time.Second {
		h.sweep(now, maxHolds)
		h.swept = now
	}
	if !known && len(h.until) >= maxHolds {
		return
	}
	if h.until == nil {
		h.until = make(map[authority]held)
	}
	a.host = strings.Clone(a.host) // a part of the URL's text, which must not stay in memory for it
	h.until[a] = one
	h.active.Store(int32(len(h.until)))
}

// sweep looks at some holds, at random as a map's order is, and forgets those that are over.
func (h *holds) sweep(now time.Time, looks int) {
	for a, one := range h.until {
		if looks--; looks < 0 {
			return
		}
		if one.over(now) {
			delete(h.until, a)
		}
	}
}

// over reports whether all who waited for one have been released.
func (one held) over(now time.Time) bool { return !now.Before(one.end.Add(one.length)) }

// count adds to the answers. The older ones count half.
func (one *held) count(refused, served int) {
	one.refused += refused
	one.served += served
	if one.refused+one.served >= latest {
		one.refused /= 2
		one.served /= 2
	}
}

// succeeded notes that a has served a request.
func (h *holds) succeeded(a authority) {
	if h.active.Load() == 0 {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if one, ok := h.until[a]; ok {
		one.count(0, 1)
		h.until[a] = one
	}
}

// get returns what a is held by, if anything.
func (h *holds) get(a authority, now time.Time) held {
	if h.active.Load() == 0 {
		return held{}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	one := h.until[a]
	if one.over(now) {
		delete(h.until, a)
		h.active.Store(int32(len(h.until)))
	}
	return one
}

// hold returns how long a request to the authority of req is held at now, if it has been held since start, and why that
// is too long for it.
func (t *Transport) hold(p *Policy, req *http.Request, start, now time.Time) (time.Duration, error) {
	return t.holdAt(p, req, start, now, rand.Float64())
}

// holdAt is hold with its random number given: 0 <= u < 1.
func (t *Transport) holdAt(p *Policy, req *http.Request, start, now time.Time, u float64) (time.Duration, error) {
	one := t.holds.get(authorityOf(req.URL), now)
	rest, waited := one.end.Sub(now), now.Sub(start)
	room := max(p.maxRetryAfter(), 0) - waited - rest
	switch {
	case rest <= 0:
		return 0, nil
	case waited > 0 && (room < 0 || one.served > one.refused):
		// The gate fails open for a request that has waited in it for long, and for any that has if the server is up:
		// it may refuse a few for ever, while it serves the others.
		return 0, nil
	case room < 0:
		return rest, ErrRetryAfter
	}
	// Half the Retry-After is the least spread that keeps what was held from coming back as one burst.
	d := rest + time.Duration(u*float64(max(min(one.length, room), one.length/2)))
	if deadline, ok := req.Context().Deadline(); ok && deadline.Sub(now) <= d {
		return d, ErrDeadline
	}
	return d, nil
}

// awaitRelease waits until c's next attempt may go, which has been waiting since start, or returns why it must not, and
// the wait that it would have been. It asks again after each wait: in an outage, others have been told to come back
// later in the meantime.
func (t *Transport) awaitRelease(p *Policy, c *call, start time.Time) (time.Duration, error) {
	begin := time.Now()
	for now := begin; ; now = time.Now() {
		c.Held = now.Sub(begin)
		d, reason := t.hold(p, c.req, start, now)
		if reason == nil && d > 0 {
			reason = wait(c.req, now, d)
		}
		if reason != nil || d == 0 {
			return d, reason
		}
	}
}

// refuse is the outcome of a request that is not sent at all.
func (t *Transport) refuse(p *Policy, c *call, d Decision) error {
	closeBody(c.req.Body)
	err := &Error{Reason: d.Reason}
	if p.OnAttempt != nil {
		p.OnAttempt(Attempt{Request: c.req, Err: err, Held: c.Held}, d)
	}
	return err
}

// share holds the authority if c's response asks for it, and c's own retry too.
func (t *Transport) share(p *Policy, c *call, d *Decision) {
	if d.Class != Final && c.Response != nil {
		if retryAfter, ok := ParseRetryAfter(c.Response.Header, c.judged); ok && retryAfter <= p.maxRetryAfter() {
			t.holds.close(authorityOf(c.req.URL), retryAfter, c.judged)
		}
	}
	if !d.Retry {
		return
	}
	held, reason := t.hold(p, c.req, c.judged, c.judged)
	if held > d.Delay {
		d.Delay, d.FromServer = held, true
	}
	d.Retry, d.Reason = reason == nil, reason
}
