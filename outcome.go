package retry

import (
	"net/http"
	"time"
)

// result is the outcome of a call after its last attempt.
func (c *call) result() (*http.Response, error) {
	if c.Err == nil || c.sent == 1 && !c.misleads() {
		return c.Response, c.Err
	}
	return nil, c.error(c.verdict.Reason)
}

// misleads reports whether the error alone would tell an outer Transport less than what is known of the response that
// came with it: that there was one, and when the server wants to be asked again.
func (c *call) misleads() bool {
	return c.lost != nil && (!c.until.IsZero() || Classify(Attempt{Request: c.req, Err: c.Err}) == Unprocessed)
}

// abandon gives back the retry that was withdrawn, and ends the call with reason, or with the response if it is still
// in hand and the context is not done.
func (c *call) abandon(reason error) (*http.Response, error) {
	defer closeSoonOf(c.unsent)
	c.policy.Abandon(c.Attempt, c.verdict, time.Now())
	c.verdict.Retry, c.verdict.Reason = false, reason
	c.tell()
	c.tellOperation()
	if c.Response != nil && ended(c.req) == nil {
		return c.Response, nil
	}
	c.discard(0)
	return nil, c.error(reason)
}

// tell gives the last verdict to the caller who has asked for it.
func (c *call) tell() {
	if c.orders.decision != nil {
		*c.orders.decision = c.verdict
	}
}

// enter waits until the Gate lets the first attempt go, or says why it must not. It guards the request against a panic,
// or a Goexit, in the Gate's Rand.
func (c *call) enter() {
	asked := false
	defer func() {
		if !asked {
			c.Number = 0
			closeSoonOf(c.req)
			c.end()
		}
	}()
	now := time.Now()
	c.verdict = c.pass(now, now)
	asked = true
}

// refuse is the outcome of a call of which nothing is sent at all.
func (c *call) refuse() error {
	defer c.end()
	closeSoonOf(c.req)
	c.Number = 0
	err := c.error(c.verdict.Reason)
	if c.policy.OnAttempt != nil {
		c.policy.OnAttempt(Attempt{Request: c.req, Err: err, Held: c.Held}, c.verdict)
	}
	c.tell()
	if c.part != nil {
		c.part.of.note(time.Now().Add(c.verdict.Delay), nil)
	}
	return err
}

func (c *call) error(reason error) error {
	if c.layer == nil {
		c.layer = layerOf(c.req)
	}
	return &Error{Attempts: c.Number, Reason: reason, Err: c.Err, StatusCode: c.status, layer: c.layer, until: c.until}
}

// end tells the requests under the context of a retry that they are requests of their own from now on, and leaves the
// caller's file to the attempts that still read it.
func (c *call) end() {
	if c.source != nil {
		c.source.release()
	}
	if c.timed != nil {
		c.timed.handed.Store(true)
	}
	if c.part != nil {
		c.part.leave(c.Number, c.policy.MaxAttempts)
	}
	if c.layer != nil {
		c.layer.over.Store(true)
	}
}

// drop closes what a call has in hand.
func (c *call) drop() {
	defer closeSoonOf(c.unsent)
	if c.Response != nil {
		closeSoon(c.Response.Body)
	}
}
