package retry

import (
	"net/http"
	"time"
)

// A call is one RoundTrip: its current attempt, what its attempts share, and whom it asks.
type call struct {
	Attempt
	req    *http.Request // the caller's
	base   http.RoundTripper
	policy Policy          // with its defaults filled in
	layer  *layer          // made for the first retry
	orders *orders         // of the request's context; never nil
	quiet  bool            // nobody but this package has a say in an outcome, or looks at it
	trail  *trailingBody   // of the current attempt, if the request has trailers
	timed  *attemptContext // of the current attempt, if it has a timeout
	source *source         // of the bodies of all attempts, if the caller's is a file

	part   *part         // what it is of an operation, or nil
	unsent *http.Request // the next attempt's, while it may still not be made

	verdict Decision // the last one

	before uint64    // how many layers there were when the current attempt began
	sent   int       // how often the base has been asked
	status int       // of the current attempt's response, if it was discarded
	judged time.Time // when the decision on the last failure was made
}

// init makes c a call of req under the settings s, which may be nil. It finds the policy of t in c: to copy that here,
// through a pointer, would cost a write barrier for each of its fields while the garbage collector is at work.
func (c *call) init(t *Transport, req *http.Request, s *settings) {
	c.Number, c.Request, c.req = 1, req, req
	c.base, c.orders = t.roundTripper(), &noOrders
	if s != nil {
		c.orders = s.orders
		if c.nested = s.around(req); c.nested {
			c.Number = s.attempt
		}
		if s.policy != nil {
			c.policy.override(s.policy)
		}
	}
	if c.policy.Budget == nil {
		c.policy.Budget, c.policy.floor = &t.budget, ownFloor(c.policy.MaxAttempts)
	}
	c.quiet = c.policy.unobserved() && c.orders.decision == nil
	c.policy.fill()
	if hasOneBody(req) {
		c.useFile()
	}
	if s != nil && s.operation != nil {
		c.partOf(s.operation)
	}
	if hasTrailers(req) && Replayable(c.req) {
		c.Request = c.req.WithContext(req.Context())
		c.trail = trail(c.Request)
	}
}

// run takes a call from its beginning to its end.
func (c *call) run() (*http.Response, error) {
	if c.policy.Gate != nil {
		if c.enter(); c.verdict.Reason != nil {
			return nil, c.refuse()
		}
	}
	c.send()
	return c.finish()
}

// finish takes a call from its first outcome to its last. It guards the response in hand, and the request that follows,
// against a panic, or a Goexit, in the functions of the policy, in GetBody and in bodies.
func (c *call) finish() (*http.Response, error) {
	returned := false
	defer func() {
		c.end()
		if !returned {
			c.drop()
		}
	}()
	for c.judge() {
		if reason := c.prepare(c.verdict.Delay); reason != nil {
			resp, err := c.abandon(reason)
			returned = true
			return resp, err
		}
		c.send()
	}
	returned = true
	return c.result()
}

// send makes an attempt.
func (c *call) send() {
	c.status, c.before = 0, layers.Load()
	var start time.Time
	if c.policy.OnAttempt != nil {
		start = time.Now()
	}
	if c.policy.AttemptTimeout > 0 {
		c.sendWithin(c.policy.AttemptTimeout)
	} else {
		c.Response, c.Err = c.base.RoundTrip(c.Request)
	}
	if c.policy.OnAttempt != nil {
		c.Duration = time.Since(start)
	}
	c.sent++
}

// judge decides on an attempt, tells whoever asked to be told, and reports whether there is to be another.
func (c *call) judge() bool {
	c.check()
	if c.quiet && succeeded(c.Response, c.Err) {
		c.policy.settle(&c.Attempt, c.judged)
		return false
	}
	c.countInner(c.Response, c.Err)
	a, class := c.outcome()
	c.judged = time.Now()
	c.verdict = Decision{Class: class}
	c.policy.decide(&c.verdict, a, c.judged)
	if c.policy.OnAttempt != nil {
		c.policy.OnAttempt(*a, c.verdict)
	}
	c.Spent += c.verdict.Price
	c.tell()
	c.tellOperation()
	return c.verdict.Retry
}

// check makes good what a base may leave open, or get wrong. It writes nothing into what the base may share.
func (c *call) check() {
	switch {
	case c.Err == nil && c.Response == nil:
		c.Err = errBrokenBase
	case c.Err == nil && c.Response.Request == nil:
		own := *c.Response
		own.Request = c.Request
		c.Response = &own
	case c.Err != nil && c.Response != nil:
		c.lost, c.Response = c.Response, nil
		closeSoon(c.lost.Body)
	}
}

// prepare gets everything ready for the next attempt, or returns why it cannot be made.
//
// The response of a request with a body is kept until GetBody has made the next one: if it fails, the response is all
// that the caller has. It is tempting to call GetBody before the wait, but one that rewinds the body that was sent
// needs the wait, in which the attempt before comes to its end. So it is called near the end, with time left for the
// discard.
func (c *call) prepare(delay time.Duration) (err error) {
	if hasBody(c.req) && c.Response != nil {
		if err = wait(c.req, c.judged, delay-grace); err != nil {
			return err
		}
		if c.unsent, err = c.next(); err != nil {
			return err
		}
	}
	c.discard(delay)
	if err = wait(c.req, c.judged, delay); err != nil {
		return err
	}
	if c.policy.Gate != nil {
		if err = c.pass(c.judged, time.Now()).Reason; err != nil {
			return err
		}
	}
	if c.unsent == nil {
		if c.unsent, err = c.next(); err != nil {
			return err
		}
	}
	if c.Err != nil {
		if err = c.passDeadConnections(c.unsent); err != nil {
			return err
		}
	}
	c.Number++
	c.Request, c.Err, c.lost, c.until = c.unsent, nil, nil, time.Time{}
	c.unsent = nil
	return nil
}

// discard closes the response in hand within what is left of the wait.
func (c *call) discard(delay time.Duration) {
	if c.Response == nil {
		return
	}
	resp := c.Response
	c.status = resp.StatusCode
	c.Response = nil // its headers need not live through the wait, and it is closed once, also if that panics
	if resp.Body != nil && resp.Body != http.NoBody {
		discard(c.Request, resp, delay-time.Since(c.judged))
	}
}

// pass waits until the Gate lets the next attempt go, which at begin, which is now, has waited since start. If it must
// not go, the Decision has the wait that was refused, and why. It asks again after each wait: in an outage, others have
// been told to come back later in the meantime.
func (c *call) pass(start, begin time.Time) Decision {
	for now := begin; ; now = time.Now() {
		c.Held = now.Sub(begin)
		d := c.policy.admit(c.req, start, now)
		if d.Reason == nil && d.Delay > 0 {
			d.Reason = wait(c.req, now, d.Delay)
		}
		if d.Reason != nil || d.Delay <= 0 {
			return d
		}
	}
}

// next makes the request of the next attempt.
func (c *call) next() (*http.Request, error) {
	if c.trail != nil {
		if err := c.awaitTrail(); err != nil {
			return nil, err
		}
	}
	next := c.req.WithContext(c.withAttempt(c.Number + 1))
	if !hasBody(next) {
		return next, nil
	}
	err := rewind(next)
	// GetBody may have taken its time, or failed because that ran out.
	if reason := ended(c.req); reason != nil {
		if err == nil {
			closeSoonOf(next)
		}
		return nil, reason
	}
	if err != nil {
		return nil, &rewindError{err}
	}
	if c.trail != nil {
		c.trail = trail(next)
	}
	return next, nil
}
