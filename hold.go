package retry

import (
	"math/rand/v2"
	"net/http"
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
	if !known && len(h.until) >= maxHolds && !h.sweep(now) {
		return
	}
	if h.until == nil {
		h.until = make(map[authority]held)
	}
	h.until[a] = held{end, retryAfter}
	h.active.Store(int32(len(h.until)))
}

// sweep forgets the holds that are over, and reports whether there were any.
func (h *holds) sweep(now time.Time) bool {
	before := len(h.until)
	for a, one := range h.until {
		if !now.Before(one.end) {
			delete(h.until, a)
		}
	}
	return len(h.until) < before
}

// wait returns how long a request to a is held at now, zero if it is not. Its spread stays below limit; if the hold
// itself does not, neither does the wait.
func (h *holds) wait(a authority, now time.Time, limit time.Duration) time.Duration {
	return h.waitAt(a, now, limit, rand.Float64())
}

// waitAt is wait with its random number given: 0 <= u < 1.
func (h *holds) waitAt(a authority, now time.Time, limit time.Duration, u float64) time.Duration {
	if h.active.Load() == 0 {
		return 0
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	one, ok := h.until[a]
	if !ok {
		return 0
	}
	rest := one.end.Sub(now)
	if rest <= 0 {
		delete(h.until, a)
		h.active.Store(int32(len(h.until)))
		return 0
	}
	spread := max(min(one.length, limit-rest), 0)
	return rest + time.Duration(u*float64(spread))
}

// hold returns how long a request to the authority of req is held at now, after it was held for as long as held says,
// and why that is too long for it.
func (t *Transport) hold(p *Policy, req *http.Request, now time.Time, held time.Duration) (time.Duration, error) {
	limit := max(p.maxRetryAfter(), 0)
	d := t.holds.wait(authorityOf(req.URL), now, limit-held)
	if d > limit-held {
		// The gate fails open for a request that has waited in it.
		if held > 0 {
			return 0, nil
		}
		return d, ErrRetryAfter
	}
	if deadline, ok := req.Context().Deadline(); ok && d > 0 && deadline.Sub(now) <= d {
		return d, ErrDeadline
	}
	return d, nil
}

// awaitRelease waits until c's next attempt may go, or returns why it must not. Others may have been told to come back
// later in the meantime, so it asks again after each wait.
func (t *Transport) awaitRelease(p *Policy, c *call) error {
	start := time.Now()
	for now := start; ; now = time.Now() {
		c.Held = now.Sub(start)
		d, reason := t.hold(p, c.req, now, c.Held)
		if reason == nil && d > 0 {
			reason = wait(c.req, now, d)
		}
		if reason != nil || d == 0 {
			return reason
		}
	}
}

// refuse is the outcome of a request that is not sent at all.
func (t *Transport) refuse(p *Policy, c *call, reason error) error {
	closeBody(c.req.Body)
	err := &Error{Reason: reason}
	if p.OnAttempt != nil {
		a := Attempt{Request: c.req, Err: err, Held: c.Held}
		p.OnAttempt(a, Decision{Class: Transient, FromServer: true, Reason: reason})
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
