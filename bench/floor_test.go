package bench_test

import (
	"context"
	"net/http"
	"testing"
	"time"
)

// BenchmarkFloor is what no retry of a GET can do without that keeps to a Retry-After and a deadline, and is known to
// other layers: the base is asked twice, the clock is read when the decision is made, and what is sent again has a
// context with a value, and so is a copy of the request.
func BenchmarkFloor(b *testing.B) {
	type key struct{}
	req, value, ctx := newRequest(http.MethodGet), new(int), context.Background()
	base := newStub(http.StatusServiceUnavailable, http.StatusOK)
	copied := func() *http.Request { return req.WithContext(context.WithValue(ctx, key{}, value)) }
	sent := func(req *http.Request) error {
		_, err := base.RoundTrip(req)
		return err
	}
	each := func(call func() error) func(*testing.B) {
		return func(b *testing.B) { repeatedly(b, call) }
	}
	compare(b,
		way{"the base, once", each(func() error { return sent(req) })},
		way{"a look at the clock", each(func() error { return passed(time.Now()) })},
		way{"a context and a copy of the request", each(func() error { return copied().Context().Err() })},
		way{"all of these, the base twice", each(func() error {
			if err := sent(req); err != nil {
				return err
			}
			if err := passed(time.Now()); err != nil {
				return err
			}
			return sent(copied())
		})},
	)
}

// passed keeps the compiler from leaving out a look at the clock.
func passed(now time.Time) error {
	if now.IsZero() {
		return context.DeadlineExceeded
	}
	return nil
}
