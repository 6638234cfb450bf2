package retry

import (
	"context"
	"io"
	"net/http"
	"slices"
	"sync"
	"time"
)

// Peek returns up to n bytes that come next in the body of resp, and leaves them there for whoever reads it. It is for
// a Policy.Classify, or an OnAttempt, that must see what an answer says. With fewer than n bytes and no error, the body
// has ended: they are all there is. If the body fails within them, Peek returns those before the failure and its error,
// and the reader gets both at the same byte.
//
// Memory is taken as bytes come, so n may be large. Peek may be called again, with any n. The bytes stay as they are,
// and must not be changed.
//
// It gives nothing for n <= 0, without a response or a body, and where there can be none: after HEAD, in the tunnel of
// a CONNECT, and with 101 (Switching Protocols), 204 and 304 (RFC 9110 section 6.4.1).
//
// Peek ends with the context of resp.Request, whose cause is then its error, with its Cancel channel, and inside of an
// attempt with its AttemptTimeout. The body does not end with that: what comes later is kept for the reader.
//
// Like a Read, it must not run while the body is read. It may run while the body is closed, and is then ended by
// [http.ErrBodyReadAfterClose].
//
// The first Peek puts a body of its own in resp.Body, which reads and closes the one that was there, and has no methods
// but these two. Where nobody peeks, the caller gets the base's own body.
func Peek(resp *http.Response, n int) ([]byte, error) {
	if n <= 0 || !hasContent(resp) {
		return nil, nil
	}
	return peekFor(resp.Request, resp, n)
}

// peekFor is Peek for an attempt at req, whatever the base has left in resp.Request.
func peekFor(req *http.Request, resp *http.Response, n int) ([]byte, error) {
	b, ok := resp.Body.(*peekedBody)
	if !ok {
		b = &peekedBody{ReadCloser: resp.Body, closed: make(chan struct{})}
		resp.Body = b
	}
	ctx, stop := b.limit(req)
	defer stop()
	if req == nil {
		return b.peek(ctx, nil, n)
	}
	return b.peek(ctx, canceled(req), n)
}

// limit returns what ends a Peek: the request's context, and the attempt's timeout, which does not end the body.
func (b *peekedBody) limit(req *http.Request) (context.Context, context.CancelFunc) {
	ctx := context.Background()
	if req != nil {
		ctx = req.Context()
	}
	if timed, ok := b.ReadCloser.(*limitedBody); ok && !timed.attempt.handed.Load() {
		return context.WithDeadlineCause(ctx, timed.attempt.end, errAttemptTimeout)
	}
	return ctx, func() {}
}

func hasContent(resp *http.Response) bool {
	if resp == nil || resp.Body == nil || resp.Body == http.NoBody {
		return false
	}
	switch resp.StatusCode {
	case http.StatusSwitchingProtocols, http.StatusNoContent, http.StatusNotModified:
		return false
	}
	if resp.Request == nil {
		return true
	}
	tunnel := resp.Request.Method == http.MethodConnect && resp.StatusCode/100 == 2
	return !tunnel && resp.Request.Method != http.MethodHead
}

// A peekedBody is a body of which some has been read ahead of its reader. All but Close is for one goroutine at a time.
type peekedBody struct {
	io.ReadCloser
	ahead   []byte        // read, and not yet by the reader; what lies beyond its length is the pending Read's
	err     error         // what comes after ahead
	pending chan peekRead // a Read that has not been waited for, or nil

	once   sync.Once
	closed chan struct{}
}

// A peekRead is what a Read returned, or panicked with.
type peekRead struct {
	n        int
	err      error
	panicked any
}

func (b *peekedBody) peek(ctx context.Context, cancel <-chan struct{}, n int) ([]byte, error) {
	if b.isClosed() {
		return nil, http.ErrBodyReadAfterClose
	}
	for empty := 0; len(b.ahead) < n && b.err == nil; {
		if empty == maxEmptyReads {
			return slices.Clip(b.ahead), io.ErrNoProgress
		}
		had := len(b.ahead)
		if err := b.fill(ctx, cancel, n); err != nil {
			return slices.Clip(b.ahead), err
		}
		if empty++; len(b.ahead) > had {
			empty = 0
		}
	}
	if len(b.ahead) >= n {
		return b.ahead[:n:n], nil
	}
	if b.err == io.EOF {
		return slices.Clip(b.ahead), nil
	}
	return slices.Clip(b.ahead), b.err
}

// fill waits for one Read, or returns what ended the wait.
func (b *peekedBody) fill(ctx context.Context, cancel <-chan struct{}, n int) error {
	if b.pending == nil {
		b.start(n)
	}
	select {
	case r := <-b.pending:
		b.take(r)
		return nil
	case <-b.closed:
		return http.ErrBodyReadAfterClose
	case <-ctx.Done():
	case <-cancel:
	}
	// The context may have ended because the body did, as that of http.Client.Timeout does, and a body that ends with
	// its context has an error of its own to tell.
	timer := time.NewTimer(grace)
	defer timer.Stop()
	select {
	case r := <-b.pending:
		b.take(r)
		return nil
	case <-timer.C:
	}
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return errCanceled
}

// start begins a Read in a goroutine of its own, as nothing else bounds one whose body does not heed the context. It
// ends when the body is closed, if the body sees to that.
func (b *peekedBody) start(n int) {
	const least = 512
	more := min(n-len(b.ahead), max(least, len(b.ahead)))
	b.ahead = slices.Grow(b.ahead, more)
	room := b.ahead[len(b.ahead) : len(b.ahead)+more]
	pending := make(chan peekRead, 1)
	b.pending = pending
	read := b.ReadCloser.Read
	if timed, ok := b.ReadCloser.(*limitedBody); ok {
		read = timed.read
	}
	go func() {
		var r peekRead
		defer func() {
			r.panicked = recover()
			pending <- r
		}()
		r.n, r.err = read(room)
		r.n = min(max(r.n, 0), more)
	}()
}

func (b *peekedBody) take(r peekRead) {
	b.pending = nil
	b.ahead, b.err = b.ahead[:len(b.ahead)+r.n], r.err
	if timed, ok := b.ReadCloser.(*limitedBody); ok && r.err != nil {
		timed.setTrailer()
	}
	if r.panicked != nil {
		panic(r.panicked)
	}
}

func (b *peekedBody) Read(p []byte) (int, error) {
	if b.isClosed() {
		return 0, http.ErrBodyReadAfterClose
	}
	if len(b.ahead) == 0 && b.pending != nil {
		select {
		case r := <-b.pending:
			b.take(r)
		case <-b.closed:
			return 0, http.ErrBodyReadAfterClose
		}
	}
	switch {
	case len(b.ahead) > 0:
		n := copy(p, b.ahead)
		b.ahead = b.ahead[n:]
		return n, nil
	case b.err != nil:
		return 0, b.err
	}
	b.ahead = nil
	return b.ReadCloser.Read(p)
}

func (b *peekedBody) Close() error {
	b.once.Do(func() { close(b.closed) })
	return b.ReadCloser.Close()
}

func (b *peekedBody) isClosed() bool {
	select {
	case <-b.closed:
		return true
	default:
		return false
	}
}
