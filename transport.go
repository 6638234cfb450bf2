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

	once   sync.Once
	pooled http.RoundTripper
}

var _ http.RoundTripper = (*Transport)(nil)

// New returns a Transport that makes every attempt through base, under the policy p. A nil base is a pooled
// [http.Transport] of its own, from go-cleanhttp: it finds proxies and speaks HTTP/2 as [http.DefaultTransport] does,
// and shares nothing with it.
//
// Make one Transport and keep it: each has a Budget of its own, which starts full, and the idle connections of its
// base.
//
// Response bodies of the base must allow a Close during a Read, as those of net/http do: a drain that stalls is ended
// that way. A Close, or a Read, that does not return for long is left to a goroutine of its own.
func New(base http.RoundTripper, p Policy) *Transport {
	t := &Transport{base: base, policy: p}
	t.budget.Floor = t.budget.limits(ownFloor(p.MaxAttempts)).floor
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
	t.once.Do(func() {
		pooled := cleanhttp.DefaultPooledTransport()
		pooled.OnProxyConnectResponse = connectAnswered
		t.pooled = pooled
	})
	return t.pooled
}

// RoundTrip implements [http.RoundTripper].
//
//   - It returns the last attempt's response, unread and with a nil error, whatever its status.
//   - After one attempt and no wait, an error is the base's own.
//   - Otherwise an error is an [*Error]. If the context ended the wait, the response before it is closed, and the Error
//     has its status.
//
// If the base returns a response together with an error, the response is closed, what it asks for in Retry-After is
// kept, and the error counts: in an Error, which an outer Transport understands, if there is a Retry-After, or if the
// error alone would prove that nobody has seen the request. If the base returns neither, the error says so and is
// [Final].
func (t *Transport) RoundTrip(req *http.Request) (*http.Response, error) {
	s := settingsOf(req.Context())
	b, direct := t.direct(req, s)
	if !direct {
		return t.run(req, s)
	}
	// Nearly every request ends here, without a call.
	before := layers.Load()
	resp, err := t.roundTripper().RoundTrip(req)
	if succeeded(resp, err) {
		if !b.unlimited() {
			b.success(req.URL, time.Time{})
		}
		return resp, nil
	}
	return t.finish(req, s, before, resp, err)
}

// run makes a call of req.
func (t *Transport) run(req *http.Request, s *settings) (*http.Response, error) {
	var c call
	c.policy = t.policy
	c.init(t, req, s)
	return c.run()
}

// finish makes a call of req, whose first attempt has had its outcome.
func (t *Transport) finish(
	req *http.Request, s *settings, before uint64, resp *http.Response, err error,
) (*http.Response, error) {
	var c call
	c.policy = t.policy
	c.init(t, req, s)
	c.before, c.Response, c.Err, c.sent = before, resp, err, 1
	return c.finish()
}

// direct reports whether the first attempt at req needs nothing before it, and nothing after it if it succeeds, but to
// tell the Budget that it returns.
func (t *Transport) direct(req *http.Request, s *settings) (*Budget, bool) {
	b := t.policy.Budget
	if s != nil {
		if s.attempt > 0 || s.decision != nil || s.operation != nil || s.policy != nil && !s.policy.direct() {
			return nil, false
		}
		if s.policy != nil && s.policy.Budget != nil {
			b = s.policy.Budget
		}
	}
	if b == nil {
		b = &t.budget
	}
	return b, b.Store == nil && req.Trailer == nil && t.policy.direct() && (!hasOneBody(req) || fileOf(req) == nil)
}

// succeeded reports whether [Classify] would call this outcome a final response, of a base that left nothing open.
func succeeded(resp *http.Response, err error) bool {
	return err == nil && resp != nil && resp.Request != nil && ClassifyStatus(resp.StatusCode) == Final
}
