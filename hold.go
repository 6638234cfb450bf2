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
	until  map[authority]held // at most maxHolds
	swept  time.Time          // when all of them were last looked at
}

// held is one authority's Retry-After: it was asked for at end-length.
type held struct {
	end    time.Time
	length time.Duration
}

// maxHolds bounds the memory. Past it an authority is not held: the gate fails open.
const maxHolds = 1 << 12

// close holds a until retryAfter from now, unless it is held for longer already.
func (h *holds) close(a authority, retryAfter time.Duration, now time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	end := now.Add(retryAfter)
	old, known := h.until[a]
	if retryAfter <= 0 || known && !old.end.Before(end) {
		return
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
	h.until[a] = held{end, retryAfter}
	h.active.Store(int32(len(h.until)))
}

// sweep looks at some holds, at random as a map's order is, and forgets those that are over.
func (h *holds) sweep(now time.Time, looks int) {
	for a, one := range h.until {
		if looks--; looks < 0 {
			return
		}
		if !now.Before(one.end) {
			delete(h.until, a)
		}
	}
}

// rest returns how long a is still held at now, zero if it is not, and the Retry-After that it is held for.
func (h *holds) rest(a authority, now time.Time) (rest, length time.Duration) {
	if h.active.Load() == 0 {
		return 0, 0
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	one, ok := h.until[a]
	if !ok {
		return 0, 0
	}
	if rest = one.end.Sub(now); rest > 0 {
		return rest, one.length
	}
	delete(h.until, a)
	h.active.Store(int32(len(h.until)))
	return 0, 0
}

// hold returns how long a request to the authority of req is held at now, after it was held for as long as held says,
// and why that is too long for it.
func (t *Transport) hold(p *Policy, req *http.Request, now time.Time, held time.Duration) (time.Duration, error) {
	return t.holdAt(p, req, now, held, rand.Float64())
}

// holdAt is hold with its random number given: 0 <= u < 1.
func (t *Transport) holdAt(p *Policy, req *http.Request, now time.Time, held time.Duration, u float64) (time.Duration, error) {
	rest, length := t.holds.rest(authorityOf(req.URL), now)
	if rest == 0 {
		return 0, nil
	}
	room := max(p.maxRetryAfter(), 0) - held - rest
	switch {
	case room < 0 && held > 0:
		return 0, nil // the gate fails open for a request that has waited in it
	case room < 0:
		return rest, ErrRetryAfter
	}
	// Half the Retry-After is the least spread that keeps what was held from coming back as one burst.
	d := rest + time.Duration(u*float64(max(min(length, room), length/2)))
	if deadline, ok := req.Context().Deadline(); ok && deadline.Sub(now) <= d {
		return d, ErrDeadline
	}
	return d, nil
}

// awaitRelease waits until c's next attempt may go, or returns why it must not, and the wait that it would have been.
// Others may have been told to come back later in the meantime, so it asks again after each wait.
func (t *Transport) awaitRelease(p *Policy, c *call) (time.Duration, error) {
	start := time.Now()
	for now := start; ; now = time.Now() {
		c.Held = now.Sub(start)
		d, reason := t.hold(p, c.req, now, c.Held)
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
	held, reason := t.hold(p, c.req, c.judged, 0)
	if held > d.Delay {
		d.Delay, d.FromServer = held, true
	}
	d.Retry, d.Reason = reason == nil, reason
}
