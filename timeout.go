package retry

import (
	"context"
	"io"
	"net/http"
	"os"
	"time"
)

// errAttemptTimeout is both the cause of the context that AttemptTimeout ends and the error of the attempt.
var errAttemptTimeout error = attemptTimeoutError{}

type attemptTimeoutError struct{}

func (attemptTimeoutError) Error() string   { return "retry: attempt timeout" }
func (attemptTimeoutError) Timeout() bool   { return true }
func (attemptTimeoutError) Temporary() bool { return true }

func (attemptTimeoutError) Is(target error) bool {
	return target == context.DeadlineExceeded || target == os.ErrDeadlineExceeded
}

// sendWithin makes an attempt that has limit until its response headers are there.
//
// It is tempting to use context.WithTimeout, but that would end the body as well, and a context that is canceled when
// RoundTrip returns would do so at once.
func sendWithin(limit time.Duration, base http.RoundTripper, req *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancelCause(req.Context())
	timer := time.AfterFunc(limit, func() { cancel(errAttemptTimeout) })
	keep := false
	defer func() {
		timer.Stop()
		if !keep {
			cancel(nil)
		}
	}()
	resp, err := base.RoundTrip(req.WithContext(ctx))
	inTime := timer.Stop()
	switch {
	case err != nil && context.Cause(ctx) == errAttemptTimeout:
		return resp, timedOut(req, innerAttempts(nil, err))
	case err != nil || resp == nil:
		return resp, err
	case !inTime:
		return resp, timedOut(req, innerAttempts(resp, nil))
	}
	keep = extend(resp, cancel)
	return resp, nil
}

// timedOut returns the error of an attempt at req that took a Transport further in so many attempts, which must not be
// lost.
func timedOut(req *http.Request, attempts int) error {
	if attempts > AttemptNumber(req.Context()) {
		return &Error{Attempts: attempts, Err: errAttemptTimeout}
	}
	return errAttemptTimeout
}

// extend makes the context that cancel ends live as long as the body of resp, and reports whether it does.
func extend(resp *http.Response, cancel context.CancelCauseFunc) bool {
	switch {
	case resp.Body == nil || resp.Body == http.NoBody:
		return false
	case resp.StatusCode == http.StatusSwitchingProtocols:
		// The connection is the caller's now, and its body an io.Writer, which a wrapper would hide.
		return true
	}
	resp.Body = &limitedBody{resp.Body, cancel}
	return true
}

// limitedBody ends the context of its attempt when the body ends.
type limitedBody struct {
	io.ReadCloser
	cancel context.CancelCauseFunc
}

func (b *limitedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil {
		b.cancel(nil)
	}
	return n, err
}

func (b *limitedBody) Close() error {
	defer b.cancel(nil)
	return b.ReadCloser.Close()
}
