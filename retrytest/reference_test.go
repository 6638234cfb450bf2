package retrytest_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"strconv"
	"time"
)

const (
	attempts      = 4
	base          = time.Second
	longest       = 4 * time.Second
	maxRetryAfter = time.Minute
	maxDrain      = 128 << 10
)

// reference is a wrapper written by hand which keeps every promise of the kit.
type reference struct {
	base     http.RoundTripper
	attempts int
}

func newReference(base http.RoundTripper) http.RoundTripper {
	return &reference{base: base, attempts: attempts}
}

func (r *reference) CloseIdleConnections() {
	if c, ok := r.base.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

func (r *reference) RoundTrip(req *http.Request) (*http.Response, error) {
	ctx := req.Context()
	send := req
	for n := 1; ; n++ {
		resp, err := r.base.RoundTrip(send)
		if n == r.attempts || ctx.Err() != nil || !mayRepeat(req, resp, err) {
			return resp, err
		}
		delay := wait(n, resp)
		deadline, limited := ctx.Deadline()
		if delay < 0 || limited && time.Until(deadline) <= delay {
			return resp, err
		}
		end := time.Now().Add(delay)
		discard(resp, delay)
		if waitErr := sleep(ctx, time.Until(end)); waitErr != nil {
			return nil, errors.Join(waitErr, context.Cause(ctx), err)
		}
		next := *req
		if req.Body != nil && req.Body != http.NoBody {
			body, bodyErr := req.GetBody()
			if bodyErr != nil {
				return nil, bodyErr
			}
			next.Body = body
		}
		send = &next
	}
}

func mayRepeat(req *http.Request, resp *http.Response, err error) bool {
	if req.Body != nil && req.Body != http.NoBody && req.GetBody == nil {
		return false
	}
	idempotent := slices.Contains([]string{"", "GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"}, req.Method) ||
		req.Header["Idempotency-Key"] != nil
	if err != nil {
		_, certificate := errors.AsType[*tls.CertificateVerificationError](err)
		return !certificate && (idempotent || untouched(err))
	}
	code := resp.StatusCode
	return idempotent && (code == 408 || code == 429 || code >= 500 && code < 600)
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
	cap := min(longest, base<<min(n-1, 20))
	own := 1 + rand.N(cap-1)
	if resp == nil {
		return own
	}
	asked := retryAfter(resp.Header)
	if asked > maxRetryAfter {
		return -1
	}
	return asked + own
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

func discard(resp *http.Response, limit time.Duration) {
	if resp == nil {
		return
	}
	defer resp.Body.Close()
	timer := time.AfterFunc(limit, func() { resp.Body.Close() })
	defer timer.Stop()
	_, _ = io.CopyN(io.Discard, resp.Body, maxDrain)
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
