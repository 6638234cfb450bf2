package retry

import (
	"context"
	"io"
	"maps"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
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
func (c *call) sendWithin(limit time.Duration) {
	ctx, cancel := context.WithCancelCause(c.Request.Context())
	timed := &attemptContext{Context: ctx, end: time.Now().Add(limit)}
	c.timed = timed
	timer := time.AfterFunc(limit, func() { cancel(errAttemptTimeout) })
	keep := false
	defer func() {
		timed.over.Store(true)
		if !keep {
			cancel(nil)
		}
	}()
	sent := c.Request.WithContext(timed)
	resp, err := c.base.RoundTrip(sent)
	inTime := timer.Stop()
	switch {
	case err == nil && inTime && resp != nil:
		resp, keep = extend(resp, sent, timed, cancel)
	case !inTime && (err == nil && resp != nil || context.Cause(ctx) == errAttemptTimeout):
		err = c.timedOut(resp, err)
	}
	c.Response, c.Err = resp, err
}

// timedOut is the error of an attempt that has timed out. The attempts of a Transport further in must not be lost with
// what it returned, and neither must what it was asked to wait.
func (c *call) timedOut(resp *http.Response, err error) error {
	before := c.Number
	if c.countInner(resp, err); c.Number == before && c.until.IsZero() {
		return errAttemptTimeout
	}
	return &Error{Attempts: c.Number, Err: errAttemptTimeout, layer: layerOf(c.req), until: c.until}
}

// attemptContext has the end of its attempt as its Deadline, so that a Transport further in does not wait past it but
// hands on what the server asks for. Once the headers are there, only a [Peek] has an end, until the caller has the
// response.
type attemptContext struct {
	context.Context
	end    time.Time
	over   atomic.Bool
	handed atomic.Bool // the response is the caller's
}

func (c *attemptContext) Deadline() (time.Time, bool) {
	deadline, ok := c.Context.Deadline()
	if c.over.Load() || ok && deadline.Before(c.end) {
		return deadline, ok
	}
	return c.end, true
}

// extend makes the context that cancel ends live as long as the body of resp, and reports whether it does. It returns a
// copy of a response that is not of the request which was sent, because a base may share it; and of one that announces
// trailers, because the base sets them in a Read that a [Peek] may have left behind.
func extend(
	resp *http.Response, sent *http.Request, timed *attemptContext, cancel context.CancelCauseFunc,
) (*http.Response, bool) {
	switch {
	case resp.Body == nil || resp.Body == http.NoBody:
		return resp, false
	case resp.StatusCode == http.StatusSwitchingProtocols:
		// The connection is the caller's now, and its body an io.Writer, which a wrapper would hide.
		return resp, true
	}
	own := resp
	if resp.Request != sent || len(resp.Trailer) > 0 {
		own = new(*resp)
		own.Trailer = maps.Clone(resp.Trailer)
	}
	own.Body = &limitedBody{ReadCloser: resp.Body, attempt: timed, cancel: cancel, base: resp, to: own}
	return own, true
}

// limitedBody ends the context of its attempt when the body ends.
type limitedBody struct {
	io.ReadCloser
	attempt  *attemptContext
	cancel   context.CancelCauseFunc
	base, to *http.Response

	mu      sync.Mutex
	reading bool
	idle    chan struct{} // made by a Close during a Read, and closed when that returns
}

func (b *limitedBody) Read(p []byte) (int, error) {
	n, err := b.read(p)
	if err != nil {
		b.setTrailer()
	}
	return n, err
}

// read is Read but for the trailers, which are for the goroutine that has the response.
func (b *limitedBody) read(p []byte) (int, error) {
	b.setReading(true)
	defer b.setReading(false)
	n, err := b.ReadCloser.Read(p)
	if err != nil {
		b.cancel(nil)
	}
	return n, err
}

func (b *limitedBody) setReading(reading bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.reading = reading
	if !reading && b.idle != nil {
		close(b.idle)
		b.idle = nil
	}
}

func (b *limitedBody) setTrailer() {
	if b.to != b.base {
		b.to.Trailer = b.base.Trailer // which the base makes when it has read the body to its end
	}
}

// Close ends a pending Read by the context, and gives it time to return, before it closes the body. A Close alone need
// not end it: that of net/http waits for it by a mutex, for ever if it waits for the header of gzip, up to Go 1.26, and
// for 50 ms since then. The clock of a testing/synctest bubble would stand still in either.
func (b *limitedBody) Close() error {
	defer b.cancel(nil)
	if idle := b.pending(); idle != nil {
		b.cancel(nil)
		timer := time.NewTimer(farewell)
		defer timer.Stop()
		select {
		case <-idle:
		case <-timer.C:
		}
	}
	return b.ReadCloser.Close()
}

// farewell is how long a Read has to return whose context has ended.
const farewell = time.Millisecond

// farewellOf returns how long the Close of body waits for a Read.
func farewellOf(body io.Closer) time.Duration {
	switch b := body.(type) {
	case *limitedBody:
		return farewell
	case *peekedBody:
		return farewellOf(b.ReadCloser)
	}
	return 0
}

// pending returns what is closed when the Read that goes on returns, or nil if there is none.
func (b *limitedBody) pending() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.reading {
		return nil
	}
	if b.idle == nil {
		b.idle = make(chan struct{})
	}
	return b.idle
}
