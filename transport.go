package retry

import (
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/hashicorp/go-cleanhttp"
)

// A Transport is an [http.RoundTripper] that makes the attempts of its requests through another one, its base. The zero
// Transport is New(nil, Policy{}).
//
// A Transport may be used by many goroutines at once and must not be copied after its first use. The package comment
// lists what it promises.
type Transport struct {
	base   http.RoundTripper // nil: pooled, made once
	policy Policy
	budget Budget // for a policy that has none
	holds  holds

	once   sync.Once
	pooled http.RoundTripper
}

var _ http.RoundTripper = (*Transport)(nil)

// New returns a Transport that makes every attempt through base, under the policy p. A nil base is a pooled
// [http.Transport] of its own, from go-cleanhttp: it finds proxies and speaks HTTP/2 as [http.DefaultTransport] does,
// and shares nothing with it.
func New(base http.RoundTripper, p Policy) *Transport {
	return &Transport{base: base, policy: p}
}

// CloseIdleConnections calls the base's method of that name, if it has one, as [http.Client.CloseIdleConnections] does.
func (t *Transport) CloseIdleConnections() {
	if base, ok := t.roundTripper().(interface{ CloseIdleConnections() }); ok {
		base.CloseIdleConnections()
	}
}

func (t *Transport) roundTripper() http.RoundTripper {
	if t.base != nil {
		return t.base
	}
	t.once.Do(func() { t.pooled = cleanhttp.DefaultPooledTransport() })
	return t.pooled
}

// RoundTrip implements [http.RoundTripper]. It returns the last attempt's response, unread and with a nil error,
// whatever its status; after a single attempt, the base's own error; and else an [*Error].
//
// If the base returns a response together with an error, the response is closed and the error counts; if it returns
// neither, the error says so and is [Final].
func (t *Transport) RoundTrip(req *http.Request) (*http.Response, error) {
	p, c := &t.policy, call{Attempt: Attempt{Number: 1, Request: req}, req: req}
	if s := settingsOf(req.Context()); s != nil {
		if s.policy != nil {
			merged := t.policy.override(s.policy)
			p = &merged
		}
		c.Number, c.nested = max(s.attempt, 1), s.attempt > 1
	}
	if p.ShareRetryAfter {
		if err := t.awaitRelease(p, &c); err != nil {
			return nil, err
		}
	}
	for {
		t.send(p, &c)
		if c.Err == nil && p.simple() && ClassifyStatus(c.Response.StatusCode) == Final {
			t.deposit(p, &c)
			return c.Response, nil
		}
		d := t.judge(p, &c)
		if !d.Retry {
			return c.result(d)
		}
		if err := c.prepare(d); err != nil {
			return nil, err
		}
	}
}

// A call is one RoundTrip: its current attempt, and what all its attempts share.
type call struct {
	Attempt
	req    *http.Request // the caller's
	sent   int           // how often this Transport has asked its base
	nested bool          // an outer Transport does the retrying
}

// send makes an attempt.
func (t *Transport) send(p *Policy, c *call) {
	var start time.Time
	if p.OnAttempt != nil {
		start = time.Now()
	}
	if p.AttemptTimeout > 0 {
		c.Response, c.Err = sendWithin(p.AttemptTimeout, t.roundTripper(), c.Request)
	} else {
		c.Response, c.Err = t.roundTripper().RoundTrip(c.Request)
	}
	c.sent++
	if p.OnAttempt != nil {
		c.Duration = time.Since(start)
	}
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

// judge decides on an attempt, settles it with the budget, and tells OnAttempt. It guards the response against a panic,
// or a Goexit, in the functions of the policy.
func (t *Transport) judge(p *Policy, c *call) (d Decision) {
	returned := false
	defer func() {
		if !returned && c.Response != nil {
			closeBody(c.Response.Body)
		}
	}()
	c.countInner()
	now := time.Now()
	d = p.decide(c.Attempt, now)
	if d.Retry && c.nested {
		d.Retry, d.Reason = false, ErrMaxAttempts
	}
	if p.ShareRetryAfter {
		t.share(p, c, &d, now)
	}
	t.settle(p, c, &d, now)
	if p.OnAttempt != nil {
		p.OnAttempt(c.Attempt, d)
	}
	returned = true
	return d
}

// settle asks the budget last, so that nothing is withdrawn for a retry that does not happen.
func (t *Transport) settle(p *Policy, c *call, d *Decision, now time.Time) {
	switch {
	case d.Class == Final && c.Err == nil:
		t.deposit(p, c)
	case d.Retry && !t.budgetOf(p).withdraw(authorityOf(c.req.URL), now):
		d.Retry, d.Reason = false, ErrBudget
	}
}

// deposit tells the budget of a success.
func (t *Transport) deposit(p *Policy, c *call) {
	b := t.budgetOf(p)
	switch {
	case b == Unlimited || c.nested:
	case c.sent == 1:
		b.success(authorityOf(c.req.URL))
	default:
		b.refund(authorityOf(c.req.URL), time.Now())
	}
}

func (t *Transport) budgetOf(p *Policy) *Budget {
	if p.Budget != nil {
		return p.Budget
	}
	return &t.budget
}

// countInner adds the attempts that a Transport further in made, which its response or its error tells.
func (c *call) countInner() {
	if c.Response != nil {
		c.Number = max(c.Number, AttemptNumber(c.Response.Request.Context()))
	}
	if inner, ok := errors.AsType[*Error](c.Err); ok {
		c.Number = max(c.Number, inner.Attempts)
	}
}

// result is what RoundTrip returns after its last attempt.
func (c *call) result(d Decision) (*http.Response, error) {
	if c.Err == nil || c.sent == 1 {
		return c.Response, c.Err
	}
	return nil, &Error{Attempts: c.Number, Reason: d.Reason, Err: c.Err}
}

// prepare gets everything ready for the next attempt: it discards, waits, and rewinds.
func (c *call) prepare(d Decision) error {
	begin, status := time.Now(), 0
	if c.Response != nil {
		status = c.Response.StatusCode
		discard(c.Request, c.Response, d.Delay)
		c.Response = nil // its headers need not live through the wait
	}
	if reason := wait(c.req, d.Delay-time.Since(begin)); reason != nil {
		return c.abandon(status, reason)
	}
	next := c.req.WithContext(withAttempt(c.req.Context(), c.Number+1))
	if err := rewind(next); err != nil {
		return c.abandon(status, &rewindError{err})
	}
	// GetBody may have taken its time.
	if reason := ended(c.req); reason != nil {
		closeBody(next.Body)
		return c.abandon(status, reason)
	}
	c.Attempt = Attempt{Number: c.Number + 1, Request: next}
	return nil
}

// abandon is the outcome of a request whose next attempt cannot be made, though it was decided on.
func (c *call) abandon(status int, reason error) error {
	return &Error{Attempts: c.Number, Reason: reason, Err: c.Err, StatusCode: status}
}

// wait waits for d, or until req must not be sent any more, and returns why.
func wait(req *http.Request, d time.Duration) error {
	if d > 0 {
		timer := time.NewTimer(d)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-req.Context().Done():
		case <-req.Cancel: //nolint:staticcheck // SA1019: http.Client still sets it
		}
	}
	// Both may have been ready, and select chooses at random.
	return ended(req)
}
