package retry

import (
	"context"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// An operation is one Do: its current run, and what it knows of the requests in all of them.
type operation struct {
	ctx    context.Context
	policy Policy
	told   *Decision
	around *operation // of a Do around this one, or nil

	run     Attempt
	started time.Time
	reason  error // why there is no further run
	waited  bool  // and it was found in a wait

	mu       sync.Mutex
	attempts map[string]int // at each request of the operation, in all runs
	seen     map[string]int // requests of each method and URL in this run; negative while the last of them is under way
	until    time.Time      // when a server that was met in this run wants to be asked again, at the earliest
	stop     error          // why no further run may be made
}

// A part is a call within an operation.
type part struct {
	of     *operation
	key    string // the method and the URL
	nth    int    // of those with that key in its run
	inner  bool   // within another call, which counts the same attempts
	before int    // attempts in earlier runs
}

// enter makes a call of req a part of o. A Transport within another one enters the same request again, while that is
// under way.
func (o *operation) enter(req *http.Request) *part {
	c := &part{of: o, key: methodOf(req.Method)}
	if req.URL != nil {
		c.key += " " + req.URL.String()
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if c.nth = o.seen[c.key]; c.nth < 0 {
		c.nth, c.inner = -c.nth, true
	} else {
		c.nth++
		o.seen[c.key] = -c.nth
	}
	c.before = o.attempts[c.name()]
	return c
}

func (c *part) name() string { return strconv.Itoa(c.nth) + " " + c.key }

// leave takes the call, whose last attempt had that number, out of the operation. There is no further run if that would
// be one attempt too many, of which the outermost call has the say.
func (c *part) leave(number, limit int) {
	o := c.of
	o.mu.Lock()
	defer o.mu.Unlock()
	if !c.inner {
		o.seen[c.key] = c.nth
	}
	o.attempts[c.name()] = max(o.attempts[c.name()], number)
	if number >= limit && !c.inner && o.stop == nil {
		o.stop = ErrMaxAttempts
	}
}

// note tells o, and the operations around it, when a server wants to be asked again, and why a call was not repeated.
func (o *operation) note(until time.Time, reason error) {
	if o == nil {
		return
	}
	o.mu.Lock()
	o.until = later(o.until, until)
	if isExhausted(reason) && o.stop == nil {
		o.stop = reason
	}
	o.mu.Unlock()
	o.around.note(until, reason)
}

// isExhausted reports whether a reason not to send a request again holds for the whole operation. It is tempting to ask
// errors.Is, but the cause of a context that has ended may be such an error too, of another request.
func isExhausted(reason error) bool { return reason == ErrMaxAttempts || reason == ErrBudget }

// partOf makes c a part of the operation that its context belongs to.
func (c *call) partOf(o *operation) {
	c.part = o.enter(c.req)
	c.Number = max(c.Number, c.part.before+1)
	c.once = c.policy.MaxAttempts <= 1
	c.policy.MaxAttempts = c.part.limit(c.policy.MaxAttempts)
}

// limit is the smaller MaxAttempts of the two. A Transport that makes none but the first attempt leaves the others to
// Do.
func (c *part) limit(attempts int) int {
	if attempts <= 1 {
		return c.of.policy.MaxAttempts
	}
	return min(attempts, c.of.policy.MaxAttempts)
}

// refused reports whether a response says no, whatever has been made of it.
func (a *Attempt) refused() bool {
	return a.lost != nil || a.Response != nil && ClassifyStatus(a.Response.StatusCode) != Final
}

// tellOperation says what becomes of c, of whose response nobody waits for the Retry-After.
func (c *call) tellOperation() {
	d := &c.verdict
	if c.part == nil || d.Retry || d.Class == Final && !c.refused() {
		return
	}
	var until time.Time
	if wish, ok := c.policy.wish(&c.Attempt, c.judged); ok {
		until = c.judged.Add(wish)
	}
	reason := d.Reason
	if c.once || c.part.inner {
		reason = nil // the outer Transport's word counts
	}
	c.part.of.note(until, reason)
}
