package retry

import (
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
// and shares nothing with it. Like those of net/http, the bodies of a base's responses must bear a Close during a Read,
// which is how the drain of one that stalls is ended.
func New(base http.RoundTripper, p Policy) *Transport {
	t := &Transport{base: base, policy: p}
	t.budget.Floor = max(t.budget.floor(), float64(min(max(p.MaxAttempts, 1), maxOwnFloor)-1))
	return t
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
	return t.pool()
}

func (t *Transport) pool() http.RoundTripper {
	t.once.Do(func() { t.pooled = cleanhttp.DefaultPooledTransport() })
	return t.pooled
}

// RoundTrip implements [http.RoundTripper]. It returns the last attempt's response, unread and with a nil error,
// whatever its status; after a single attempt and no wait, the base's own error; and else an [*Error]. If the context
// ends a wait, the response before it is closed, and the Error has its status.
//
// If the base returns a response together with an error, the response is closed and the error counts; if it returns
// neither, the error says so and is [Final].
func (t *Transport) RoundTrip(req *http.Request) (*http.Response, error) {
	s := settingsOf(req.Context())
	if s != nil || !t.policy.plain() {
		return t.roundTrip(req, s)
	}
	// Nearly every request ends here, without the call that roundTrip fills in and judges.
	resp, err := t.roundTripper().RoundTrip(req)
	if succeeded(resp, err) {
		if b := t.budgetOf(&t.policy); b != Unlimited {
			b.success(req.URL)
		}
		return resp, nil
	}
	c := call{Attempt: Attempt{Number: 1, Request: req, Response: resp, Err: err}, req: req, sent: 1}
	return t.retry(&t.policy, &c)
}

// succeeded reports whether an attempt whose class is the default one is over and done with.
func succeeded(resp *http.Response, err error) bool {
	return err == nil && resp != nil && resp.Request != nil && ClassifyStatus(resp.StatusCode) == Final
}

// roundTrip is RoundTrip for all policies and contexts.
func (t *Transport) roundTrip(req *http.Request, s *settings) (*http.Response, error) {
	p, c := &t.policy, call{Attempt: Attempt{Number: 1, Request: req}, req: req}
	if s != nil {
		c.Number, c.nested = max(s.attempt, 1), s.attempt > 1
	}
	if s != nil && s.policy != nil {
		merged := t.policy.override(s.policy)
		p = &merged
	}
	if p.ShareRetryAfter {
		if d, reason := t.awaitRelease(p, &c, time.Now()); reason != nil {
			return nil, t.refuse(p, &c, Decision{Class: Transient, Delay: d, FromServer: true, Reason: reason})
		}
	}
	t.send(p, &c)
	return t.retry(p, &c)
}

// retry takes a call from its first outcome to its last.
func (t *Transport) retry(p *Policy, c *call) (*http.Response, error) {
	for {
		d := t.judge(p, c)
		if !d.Retry {
			return c.result(d)
		}
		if err := t.prepare(p, c, d); err != nil {
			return nil, err
		}
		t.send(p, c)
	}
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
	if p.OnAttempt != nil {
		c.Duration = time.Since(start)
	}
	c.sent++
}

// judge decides on an attempt, settles it with the budget, and tells OnAttempt. It guards the response against a panic,
// or a Goexit, in the functions of the policy.
func (t *Transport) judge(p *Policy, c *call) (d Decision) {
	c.check()
	if p.simple() && succeeded(c.Response, c.Err) {
		t.deposit(p, c)
		return Decision{}
	}
	returned := false
	defer func() {
		if !returned && c.Response != nil {
			closeBody(c.Response.Body)
		}
	}()
	c.countInner()
	c.judged = time.Now()
	d = p.decide(c.Attempt, c.judged)
	if d.Retry && c.nested {
		d.Retry, d.Reason = false, ErrMaxAttempts
	}
	if p.ShareRetryAfter {
		t.share(p, c, &d)
	}
	t.settle(p, c, &d)
	if p.OnAttempt != nil {
		p.OnAttempt(c.Attempt, d)
	}
	returned = true
	return d
}

// settle asks the budget last, so that nothing is withdrawn for a retry that does not happen.
func (t *Transport) settle(p *Policy, c *call, d *Decision) {
	switch {
	case d.Class == Final && c.Err == nil:
		t.deposit(p, c)
	case d.Retry && !t.budgetOf(p).withdraw(authorityOf(c.req.URL), c.judged):
		d.Retry, d.Reason = false, ErrBudget
	}
}

// deposit tells the budget, and whoever is held, of a success.
func (t *Transport) deposit(p *Policy, c *call) {
	if p.ShareRetryAfter {
		t.holds.succeeded(authorityOf(c.req.URL))
	}
	switch b := t.budgetOf(p); {
	case b == Unlimited, c.nested: // which is an outer Transport's retry
	case c.sent == 1:
		b.success(c.req.URL)
	default:
		b.refund(authorityOf(c.req.URL), c.judged)
	}
}

func (t *Transport) budgetOf(p *Policy) *Budget {
	if p.Budget != nil {
		return p.Budget
	}
	return &t.budget
}

// prepare gets everything ready for the next attempt: it discards, waits, and rewinds.
func (t *Transport) prepare(p *Policy, c *call, d Decision) error {
	status := 0
	if c.Response != nil {
		status = c.Response.StatusCode
		discard(c.Request, c.Response, d.Delay)
		c.Response = nil // its headers need not live through the wait
	}
	reason := wait(c.req, c.judged, d.Delay)
	if reason == nil && p.ShareRetryAfter {
		_, reason = t.awaitRelease(p, c, c.judged)
	}
	if reason != nil {
		return t.abandon(p, c, status, reason)
	}
	next := c.req.WithContext(withAttempt(c.req.Context(), c.Number+1))
	err := rewind(next)
	// GetBody may have taken its time, or failed because that ran out.
	if reason := ended(c.req); reason != nil {
		if err == nil {
			closeBody(next.Body)
		}
		return t.abandon(p, c, status, reason)
	}
	if err != nil {
		return t.abandon(p, c, status, &rewindError{err})
	}
	c.Attempt = Attempt{Number: c.Number + 1, Request: next, Held: c.Held}
	return nil
}

// abandon is the outcome of a request whose next attempt was decided on and paid for, but cannot be made.
func (t *Transport) abandon(p *Policy, c *call, status int, reason error) error {
	t.budgetOf(p).refund(authorityOf(c.req.URL), time.Now())
	return &Error{Attempts: c.Number, Reason: reason, Err: c.Err, StatusCode: status}
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
