package retry

import (
	"context"
	"net/http"
	"time"
)

// settings are what a request's context says to the Transports on its way.
type settings struct {
	*orders        // never nil
	attempt int    // 0 on a first attempt
	layer   *layer // of the call that attempt belongs to; nil if that is the run of an operation
}

// orders are those of the caller. They are the same for all attempts.
type orders struct {
	policy     *Policy // overrides; nil for none
	idempotent bool
	decision   *Decision  // is told the last one; nil for none
	operation  *operation // that the requests are a part of
}

var noOrders orders

type settingsKey struct{}

// settingsContext carries settings. One type for all of them, because every request looks it up, and because a retry
// then costs one allocation for its context.
type settingsContext struct {
	context.Context
	settings settings
}

func (c *settingsContext) Value(key any) any {
	if key == (settingsKey{}) {
		return &c.settings
	}
	return c.Context.Value(key)
}

// settingsOf returns what ctx carries, or nil.
func settingsOf(ctx context.Context) *settings {
	s, _ := ctx.Value(settingsKey{}).(*settings)
	return s
}

func with(ctx context.Context, change func(*settings)) context.Context {
	if ctx == nil {
		panic("retry: nil context")
	}
	c := new(ordersContext)
	c.Context = ctx
	if s := settingsOf(ctx); s != nil {
		c.settings, c.own = *s, *s.orders
	}
	c.settings.orders = &c.own
	change(&c.settings)
	return c
}

// An ordersContext has room for orders, which saves an allocation.
type ordersContext struct {
	settingsContext
	own orders
}

// WithPolicy returns a context whose requests are sent under the Transport's policy with the fields of p in place of
// its own. Zero fields of p keep the Transport's value, or that of an outer WithPolicy; an OnAttempt is told beside the
// Transport's. Like [context.WithValue], it panics if ctx is nil. Nested Transports all follow it. With more
// MaxAttempts in p, the Transport's own Budget, if it is full, has room for them.
func WithPolicy(ctx context.Context, p Policy) context.Context {
	return with(ctx, func(s *settings) {
		merged := p
		if s.policy != nil {
			merged = *s.policy
			merged.override(&p)
		}
		s.policy = &merged
	})
}

// WithDecision returns a context whose request writes its last Decision to d before RoundTrip returns. It tells why
// there was no further attempt: a response with status 503, or the bare error of a single attempt, does not have that.
//
//	var d retry.Decision
//	req = req.WithContext(retry.WithDecision(ctx, &d))
//	resp, err := client.Do(req) // d.Reason is ErrNotIdempotent, ErrBudget, ...
//
// The context is for one request at a time; of several, as redirects make them, d has the last one's. If ctx or d is
// nil, WithDecision panics.
func WithDecision(ctx context.Context, d *Decision) context.Context {
	if d == nil {
		panic("retry: nil Decision")
	}
	return with(ctx, func(s *settings) { s.decision = d })
}

// AsIdempotent returns a context that says of its requests: this may be processed twice, whatever its method. See
// [Idempotent]; a Policy.Idempotent of your own does not hear of it unless it asks that.
func AsIdempotent(ctx context.Context) context.Context {
	return with(ctx, func(s *settings) { s.idempotent = true })
}

// AttemptNumber returns the number of the attempt that ctx was made for: 2 or more in a retry, else 1, also for nil.
//
// AttemptNumber(resp.Request.Context()) is the number of attempts that a response took, if the base has set Request to
// what it was given, as RoundTrippers do. Another request that is sent under such a context has attempts of its own,
// which are counted from 1; only AttemptNumber of its first attempt is still that of the context.
func AttemptNumber(ctx context.Context) int {
	if ctx == nil {
		return 1
	}
	if s := settingsOf(ctx); s != nil {
		return max(s.attempt, 1)
	}
	return 1
}

// withAttempt returns a context for attempt number n of c, whose layer is a part of the first such context.
func (c *call) withAttempt(n int) context.Context {
	ctx := new(retryContext)
	if c.layer == nil {
		c.layer = ctx.own.init(c.req)
	}
	ctx.Context, ctx.settings = c.req.Context(), settings{orders: c.orders, attempt: n, layer: c.layer}
	return ctx
}

// A retryContext has room for a layer, which saves an allocation.
type retryContext struct {
	settingsContext
	own layer
}

// ended returns why req's context, or the Cancel channel that http.Client.Timeout closes, forbids to send it again, or
// nil. The context itself is asked because errors don't tell: a dial or header timeout is a DeadlineExceeded too, and
// HTTP/1 returns the bare cause.
func ended(req *http.Request) error { return endedContext(req.Context(), canceled(req)) }

func endedContext(ctx context.Context, cancel <-chan struct{}) error {
	if err := ctx.Err(); err != nil {
		return &endedError{err, context.Cause(ctx)}
	}
	if cancel == nil {
		return nil
	}
	select {
	case <-cancel:
		return &endedError{context.Canceled, errCanceled}
	default:
		return nil
	}
}

func canceled(req *http.Request) <-chan struct{} {
	//lint:ignore SA1019 http.Client still sets it
	return req.Cancel
}

// wait waits until d after start, or until req must not be sent any more, and returns why. A wait of zero asks no
// clock.
func wait(req *http.Request, start time.Time, d time.Duration) error {
	return waitFor(req.Context(), canceled(req), start, d)
}

func waitFor(ctx context.Context, cancel <-chan struct{}, start time.Time, d time.Duration) error {
	if d <= 0 {
		return endedContext(ctx, cancel)
	}
	timer := time.NewTimer(time.Until(start.Add(d)))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-cancel:
	case <-ctx.Done():
		if ctx.Err() == nil { // a context of somebody's own, without an error yet
			return &endedError{context.Canceled, context.Canceled}
		}
	}
	// Both may have been ready, and select chooses at random.
	return endedContext(ctx, cancel)
}
