package retry

import (
	"math"
	"time"
)

// outcome returns the attempt as it is judged, and its class. An answer that would be returned, but breaks off as it is
// read ahead, is an error; it stays in hand, for the caller is left with no less than without ReadAhead.
func (c *call) outcome() (*Attempt, Class) {
	class := c.policy.class(&c.Attempt)
	if c.policy.ReadAhead <= 0 || c.Err != nil || class == Transient || class == Unprocessed {
		return &c.Attempt, class
	}
	begin := time.Now()
	err := c.readAhead()
	if err == nil {
		return &c.Attempt, class
	}
	a := c.Attempt
	a.Duration += time.Since(begin)
	a.lost, a.Response, a.Err = a.Response, nil, err
	return &a, Transient
}

// readAhead reads the response in hand into memory, unless it is known to be larger than that may be, and returns what
// it breaks off with. Of one that turns out larger nothing is lost.
func (c *call) readAhead() error {
	limit := c.policy.ReadAhead
	if c.Response.ContentLength > limit {
		return nil
	}
	if !hasContent(c.Response) {
		return nil
	}
	_, err := peekFor(c.Request, c.Response, int(min(limit, math.MaxInt-1)+1))
	return err
}
