package retry

import (
	"cmp"
	"maps"
	"net/http"
	"time"
)

// A call is one RoundTrip: its current attempt, what its attempts share, and whom it asks.
type call struct {
	Attempt
	req    *http.Request // the caller's
	base   http.RoundTripper
	policy Policy        // with its defaults filled in
	layer  *layer        // made for the first retry
	told   *Decision     // the caller's, or nil
	trail  *trailingBody // of the current attempt, if the request has trailers

	sent   int       // how often the base has been asked
	status int       // of the current attempt's response, if it was discarded
	judged time.Time // when the decision on the last failure was made
}

func (t *Transport) newCall(req *http.Request, s *settings) call {
	c := call{Attempt: Attempt{Number: 1, Request: req}, req: req, base: t.roundTripper(), policy: t.policy}
	if s != nil {
		c.told = s.decision
		c.nested = s.around(req)
		if c.nested {
			c.Number = s.attempt
		}
		if s.policy != nil {
			c.policy = t.policy.override(s.policy)
		}
	}
	if c.policy.Budget == nil {
		c.policy.Budget, c.policy.floor = &t.budget, ownFloor(c.policy.MaxAttempts)
	}
	c.policy.fill()
	if hasTrailers(req) && Replayable(req) {
		c.Request = req.WithContext(req.Context())
		c.trail = trail(c.Request)
	}
	return c
}

// run takes a call from its beginning to its end.
func (c *call) run() (*http.Response, error) {
	if d := c.pass(time.Now()); d.Reason != nil {
		return nil, c.refuse(d)
	}
	c.send()
	return c.finish()
}

// finish takes a call from its first outcome to its last. It guards the response in hand against a panic, or a Goexit, in
// the functions of the policy and in GetBody.
func (c *call) finish() (*http.Response, error) {
	returned := false
	defer func() {
		if !returned && c.Response != nil {
			closeSoon(c.Response.Body)
		}
		c.end()
	}()
	for {
		d := c.judge()
		if !d.Retry {
			returned = true
			return c.result(d)
		}
		if reason := c.prepare(d.Delay); reason != nil {
			returned = true
			return c.abandon(d, reason)
		}
		c.send()
	}
}

// end tells the requests under the context of a retry that they are requests of their own from now on.
func (c *call) end() {
	if c.layer != nil {
		c.layer.over.Store(true)
	}
}

// send makes an attempt.
func (c *call) send() {
	c.status = 0
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

// judge decides on an attempt and tells whoever asked to be told.
func (c *call) judge() Decision {
	c.check()
	if c.policy.unobserved() && c.told == nil && succeeded(c.Response, c.Err) {
		c.policy.settle(c.Attempt, c.judged)
		return Decision{}
	}
	c.countInner(c.Response, c.Err)
	c.judged = time.Now()
	d := c.policy.decide(c.Attempt, c.judged)
	c.Spent += d.Price
	if c.policy.OnAttempt != nil {
		c.policy.OnAttempt(c.Attempt, d)
	}
	c.tell(d)
	return d
}

func (c *call) tell(d Decision) {
	if c.told != nil {
		*c.told = d
	}
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
// The response of a request with a body is kept until GetBody has made the next one: if it fails, the response is all that
// the caller has. It is tempting to call GetBody before the wait, but one that rewinds the body that was sent needs the
// wait, in which the attempt before comes to its end. So it is called near the end, with time left for the discard.
func (c *call) prepare(delay time.Duration) error {
	var next *http.Request
	if hasBody(c.req) && c.Response != nil {
		err := wait(c.req, c.judged, delay-grace)
		if err == nil {
			next, err = c.next()
		}
		if err != nil {
			return err
		}
	}
	c.discard(delay)
	if reason := c.waitAndPass(delay); reason != nil {
		closeSoonOf(next)
		return reason
	}
	if next == nil {
		var err error
		if next, err = c.next(); err != nil {
			return err
		}
		if reason := ended(c.req); reason != nil {
			closeSoonOf(next)
			return reason
		}
	}
	c.passDeadConnections(next)
	c.Attempt = Attempt{Number: c.Number + 1, Request: next, Held: c.Held, Spent: c.Spent, nested: c.nested}
	return nil
}

// closeSoonOf closes the body of a request that is not sent.
func closeSoonOf(req *http.Request) {
	if req != nil && req.Body != nil {
		closeSoon(req.Body)
	}
}

func (c *call) waitAndPass(delay time.Duration) error {
	if reason := wait(c.req, c.judged, delay); reason != nil {
		return reason
	}
	return c.pass(c.judged).Reason
}

// discard closes the response in hand within what is left of the wait.
func (c *call) discard(delay time.Duration) {
	if c.Response == nil {
		return
	}
	c.status = c.Response.StatusCode
	discard(c.Request, c.Response, delay-time.Since(c.judged))
	c.Response = nil // its headers need not live through the wait
}

// pass waits until the next attempt may go, which has been waiting since start. If it must not go, the Decision has the
// wait that was refused, and why. It asks again after each wait: in an outage, others have been told to come back later
// in the meantime.
func (c *call) pass(start time.Time) Decision {
	if c.policy.Gate == nil {
		return Decision{}
	}
	begin := time.Now()
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
	if c.layer == nil {
		c.layer = layerOf(c.req)
	}
	if c.trail != nil && !c.awaitTrail() {
		return nil, &rewindError{errStillRead}
	}
	next := c.req.WithContext(withAttempt(c.req.Context(), c.Number+1, c.layer))
	if err := rewind(next); err != nil {
		return nil, cmp.Or(ended(c.req), error(&rewindError{err}))
	}
	if c.trail != nil {
		c.trail = trail(next)
	}
	return next, nil
}

// awaitTrail waits a little until nobody reads the body of the attempt before, and reports whether that is so.
func (c *call) awaitTrail() bool {
	t := time.NewTimer(grace)
	defer t.Stop()
	select {
	case <-c.trail.done:
		return true
	case <-t.C:
	case <-c.req.Context().Done():
	}
	return false
}

// result is the outcome of a call after its last attempt.
func (c *call) result(d Decision) (*http.Response, error) {
	if c.Err == nil || c.sent == 1 {
		return c.Response, c.Err
	}
	return nil, c.error(d.Reason)
}

// abandon gives back the retry that d has withdrawn, and ends the call with reason, or with the response if it is still in
// hand and the context is not done.
func (c *call) abandon(d Decision, reason error) (*http.Response, error) {
	c.policy.refund(c.Attempt, d.Price, time.Now())
	d.Retry, d.Reason = false, reason
	c.tell(d)
	if c.Response != nil && ended(c.req) == nil {
		return c.Response, nil
	}
	c.discard(0)
	return nil, c.error(reason)
}

// refuse is the outcome of a call of which nothing is sent at all.
func (c *call) refuse(d Decision) error {
	closeSoonOf(c.req)
	c.Number = 0
	err := c.error(d.Reason)
	if c.policy.OnAttempt != nil {
		c.policy.OnAttempt(Attempt{Request: c.req, Err: err, Held: c.Held}, d)
	}
	c.tell(d)
	return err
}

func (c *call) error(reason error) error {
	if c.layer == nil {
		c.layer = layerOf(c.req)
	}
	return &Error{Attempts: c.Number, Reason: reason, Err: c.Err, StatusCode: c.status, layer: c.layer}
}

// wait waits until d after start, or until req must not be sent any more, and returns why. A wait of zero asks no clock.
func wait(req *http.Request, start time.Time, d time.Duration) error {
	if d > 0 {
		timer := time.NewTimer(time.Until(start.Add(d)))
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-req.Context().Done():
		case <-canceled(req):
		}
	}
	// Both may have been ready, and select chooses at random.
	return ended(req)
}

// passDeadConnections makes net/http go through idle connections that are dead by itself, within the next attempt, after
// an attempt that one of them has ended: else each attempt would take the next dead one, and a pool can hold more of them
// than there are attempts.
//
// net/http does that for a request that it knows to be idempotent. The key marks this one, and without a value no field is
// sent (see [http.Transport]). Only a base that is known to be one gets the key, since one that signs requests might sign
// it; the idle connections of another are closed once a second attempt has failed.
func (c *call) passDeadConnections(next *http.Request) {
	if c.Err == nil || c.lost != nil || next.Header == nil || marked(next) || !c.policy.Idempotent(c.req) {
		return
	}
	if _, ok := c.base.(*http.Transport); ok {
		next.Header = maps.Clone(next.Header)
		next.Header["X-Idempotency-Key"] = nil
		return
	}
	if base, ok := c.base.(interface{ CloseIdleConnections() }); ok && c.sent > 1 {
		begin(base.CloseIdleConnections).wait(grace, c.req)
	}
}

// marked reports whether net/http knows that req is idempotent.
func marked(req *http.Request) bool {
	switch methodOf(req.Method) {
	case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace:
		return true
	}
	return hasKey(req.Header)
}

// hasKey reports whether h has one of the keys that mark a request as idempotent, even without a value.
func hasKey(h http.Header) bool {
	_, standard := h["Idempotency-Key"]
	_, older := h["X-Idempotency-Key"]
	return standard || older
}
