package retrytest_test

import (
	"context"
	"crypto/tls"
	"errors"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"strconv"
	"time"
)

const (
	attempts      = 4
	firstBackoff  = time.Second
	longest       = 4 * time.Second
	maxRetryAfter = time.Minute
	maxDrain      = 128 << 10
)

// reference is a wrapper written by hand which keeps every promise of the kit. It is put together from parts, so that
// a broken wrapper can differ from it in one.
type reference struct {
	base     http.RoundTripper
	attempts int

	files     func(*http.Request) (*http.Request, func())
	mayRepeat func(*http.Request, *http.Response, error) bool
	wait      func(retry int, resp *http.Response) time.Duration // negative: rather none
	tooLate   func(context.Context, time.Duration) bool
	discard   func(*http.Response, time.Duration)
	cancelled func(ctx context.Context, last error) error
	rewind    func(*http.Request) (*http.Request, error)
	giveUp    func(*http.Response, error) (*http.Response, error)
}

func newReference(base http.RoundTripper) *reference {
	return &reference{
		base:      base,
		attempts:  attempts,
		files:     files,
		mayRepeat: mayRepeat,
		wait:      wait,
		tooLate:   tooLate,
		discard:   discard,
		cancelled: cancelled,
		rewind:    rewind,
		giveUp:    func(resp *http.Response, err error) (*http.Response, error) { return resp, err },
	}
}

func (r *reference) CloseIdleConnections() {
	if c, ok := r.base.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

func (r *reference) RoundTrip(req *http.Request) (*http.Response, error) {
	req, done := r.files(req)
	defer done()
	ctx, send := req.Context(), req
	for n := 1; ; n++ {
		resp, err := r.base.RoundTrip(send)
		if ctx.Err() != nil || !r.mayRepeat(req, resp, err) {
			return resp, err
		}
		if n == r.attempts {
			return r.giveUp(resp, err)
		}
		delay := r.wait(n, resp)
		if delay < 0 || r.tooLate(ctx, delay) {
			return resp, err
		}
		end := time.Now().Add(delay)
		if resp != nil {
			r.discard(resp, delay)
		}
		if sleep(ctx, time.Until(end)) != nil {
			return nil, r.cancelled(ctx, err)
		}
		if send, err = r.rewind(req); err != nil {
			return nil, err
		}
	}
}

func mayRepeat(req *http.Request, resp *http.Response, err error) bool {
	if hasBody(req) && req.GetBody == nil {
		return false
	}
	if err != nil {
		return !certificate(err) && (idempotent(req) || untouched(err))
	}
	return idempotent(req) && transient(resp.StatusCode)
}

func hasBody(req *http.Request) bool { return req.Body != nil && req.Body != http.NoBody }

func idempotent(req *http.Request) bool {
	return idempotentMethod(req) || req.Header["Idempotency-Key"] != nil
}

func idempotentMethod(req *http.Request) bool {
	return slices.Contains([]string{"", "GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"}, req.Method)
}

func transient(code int) bool { return code == 408 || code == 429 || code >= 500 && code < 600 }

func certificate(err error) bool {
	_, ok := errors.AsType[*tls.CertificateVerificationError](err)
	return ok
}

// streamError has the shape of the one in net/http, so that errors.As fills it.
type streamError struct {
	StreamID uint32
	Code     uint32
	Cause    error
}

func (streamError) Error() string { return "" }

// untouched reports whether err proves that the server did not act on the request.
func untouched(err error) bool {
	if stream, ok := errors.AsType[streamError](err); ok {
		return stream.Code == 7
	}
	op, ok := errors.AsType[*net.OpError](err)
	return ok && op.Op == "dial"
}

func wait(n int, resp *http.Response) time.Duration {
	if resp == nil {
		return backoff(n)
	}
	asked := retryAfter(resp.Header)
	if asked > maxRetryAfter {
		return -1
	}
	return asked + backoff(n)
}

func backoff(n int) time.Duration {
	limit := min(longest, firstBackoff<<min(n-1, 20))
	return 1 + rand.N(limit-1)
}

func retryAfter(h http.Header) time.Duration {
	v := h.Get("Retry-After")
	if seconds, err := strconv.ParseUint(v, 10, 64); err == nil || errors.Is(err, strconv.ErrRange) {
		return time.Duration(min(seconds, 1<<33)) * time.Second
	}
	date, err := http.ParseTime(v)
	if err != nil {
		return 0
	}
	now, err := http.ParseTime(h.Get("Date"))
	if err != nil {
		now = time.Now()
	}
	return max(0, date.Sub(now))
}

func tooLate(ctx context.Context, delay time.Duration) bool {
	deadline, ok := ctx.Deadline()
	return ok && time.Until(deadline) <= delay
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
	return ctx.Err()
}

func cancelled(ctx context.Context, last error) error {
	return errors.Join(ctx.Err(), context.Cause(ctx), last)
}
