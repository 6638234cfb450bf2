package retry

import (
	"net/http"
	"time"
)

// A call is one RoundTrip: its current attempt, and what all its attempts share.
type call struct {
	Attempt
	req    *http.Request // the caller's
	sent   int           // how often this Transport has asked its base
	nested bool          // an outer Transport does the retrying
	judged time.Time     // when the decision on the last failure was made
}

// check makes good what a base may leave open, or get wrong.
func (c *call) check() {
	switch {
	case c.Err == nil && c.Response == nil:
		c.Err = errBrokenBase
	case c.Err == nil && c.Response.Request == nil:
		c.Response.Request = c.Request
	case c.Err != nil && c.Response != nil:
		closeBody(c.Response.Body)
		c.Response = nil
	}
}

// countInner adds the attempts that a Transport further in made, which its response or its error tells.
func (c *call) countInner() {
	c.Number = max(c.Number, innerAttempts(c.Response, c.Err))
}

func innerAttempts(resp *http.Response, err error) int {
	if inner, ok := find[*Error](err); ok {
		return inner.Attempts
	}
	if resp != nil && resp.Request != nil {
		return AttemptNumber(resp.Request.Context())
	}
	return 0
}

// result is what RoundTrip returns after its last attempt.
func (c *call) result(d Decision) (*http.Response, error) {
	if c.Err == nil || c.sent == 1 {
		return c.Response, c.Err
	}
	return nil, &Error{Attempts: c.Number, Reason: d.Reason, Err: c.Err}
}
