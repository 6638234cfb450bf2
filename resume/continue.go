package resume

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/seed-e3550de8/retry"
)

// resume replaces a response that has broken off by the next one. It returns io.EOF if there is nothing left to read,
// and else why it could not. After a nil, the new response may have broken off as well.
func (b *body) resume() error {
	if err := b.begin(); err != nil {
		return err
	}
	delay, err := b.next()
	if err != nil {
		return err
	}
	if err := b.wait(delay); err != nil {
		return err
	}
	b.sent++
	resp, err := b.transport.roundTripper().RoundTrip(b.request())
	if err == nil && resp == nil {
		err = errNeither
	}
	if err != nil {
		closeResponse(resp)
		return b.fail(err, b.gone(), 0)
	}
	if resp.Body == nil {
		resp.Body = http.NoBody
	}
	return b.take(resp)
}

// begin makes the context that Close ends, and notes the first error. A body that ends because its request does has
// not broken off, and one that another Transport of this kind has given up is not begun anew: the error is the base's.
func (b *body) begin() error {
	if _, ok := errors.AsType[*Error](b.broken); ok {
		return b.broken
	}
	if b.first == nil && b.gone() != nil {
		return b.broken
	}
	if b.first == nil {
		b.first = b.broken
	}
	if b.ctx == nil {
		ctx, cancel := context.WithCancel(b.req.Context())
		b.mu.Lock()
		b.ctx, b.cancel = ctx, cancel
		b.mu.Unlock()
	}
	return nil
}

// next decides on the next continuation, and says how long to wait for it.
func (b *body) next() (time.Duration, error) {
	p := &b.transport.policy
	if b.inRow == 0 || b.at-b.mark >= progress {
		b.mark, b.inRow = b.at, 0
	}
	if reason := b.gone(); reason != nil {
		return 0, b.fail(b.broken, reason, 0)
	}
	if b.inRow >= p.maxContinuations() {
		return 0, b.fail(b.broken, retry.ErrMaxAttempts, 0)
	}
	b.inRow++
	delay := p.delay(b.inRow)
	if deadline, ok := b.ctx.Deadline(); ok && time.Until(deadline) <= delay {
		return 0, b.fail(b.broken, retry.ErrDeadline, 0)
	}
	if p.OnContinue != nil {
		p.OnContinue(Continuation{b.req, b.sent + 1, b.at, b.rep.total, b.broken, delay})
	}
	return delay, nil
}

// wait waits until the continuation is due, or returns why there is none.
func (b *body) wait(d time.Duration) error {
	if d > 0 {
		timer := time.NewTimer(d)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-b.ctx.Done():
		case <-canceled(b.req):
		}
	}
	// Both may have been ready, and select chooses at random.
	if reason := b.gone(); reason != nil {
		return b.fail(b.broken, reason, 0)
	}
	return nil
}

// gone returns why nobody wants the rest any more: the body is closed or the request at its end; or nil.
func (b *body) gone() error {
	b.mu.Lock()
	closed := b.closed
	b.mu.Unlock()
	if closed {
		return http.ErrBodyReadAfterClose
	}
	select {
	case <-canceled(b.req):
		return context.Canceled
	default:
		return ended(b.req.Context())
	}
}

func canceled(req *http.Request) <-chan struct{} {
	//lint:ignore SA1019 http.Client still sets it
	return req.Cancel
}

// request makes a continuation of the caller's own request, and not of the one that the base sent in the end: that may
// bear the marks of an attempt.
func (b *body) request() *http.Request {
	req := b.req.Clone(b.ctx)
	if req.Header == nil {
		req.Header = http.Header{}
	}
	// If-None-Match and If-Modified-Since spare a transfer that is under way now. If-Match and If-Unmodified-Since are
	// the caller's word on the content, and stay.
	for _, name := range []string{"Range", "If-Range", "If-None-Match", "If-Modified-Since"} {
		remove(req.Header, name)
	}
	req.Header.Set("Range", b.rep.rest(b.at))
	req.Header.Set("If-Range", b.rep.value())
	return req
}

// take makes resp the current response, if it is to be believed.
func (b *body) take(resp *http.Response) error {
	spare := b.rep.length()
	if spare < 0 {
		spare = b.at - b.rep.start
	}
	skip, err := b.rep.judge(resp, b.at, spare-b.skipped)
	switch {
	case err == io.EOF:
		closeResponse(resp)
		return err
	case err != nil:
		closeResponse(resp)
		return b.fail(b.broken, err, resp.StatusCode)
	case !b.install(resp.Body):
		closeResponse(resp)
		return b.fail(b.broken, b.gone(), 0)
	}
	b.broken = nil
	b.skip(skip)
	return nil
}

// install hands a response's body over to Close, unless that has come before.
func (b *body) install(current io.ReadCloser) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return false
	}
	b.current, b.over = current, false
	return true
}

// skip reads what the reader has already.
func (b *body) skip(n int64) {
	if n == 0 {
		return
	}
	got, err := io.CopyN(io.Discard, &patient{Reader: b.current}, n)
	b.skipped += got
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		b.breakOff(err)
	}
}

// A patient reader bears no more than a hundred Reads in a row that give nothing, as package bufio does. Nobody else
// would see them: the caller's own Read is waiting.
type patient struct {
	io.Reader
	empty int
}

func (r *patient) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	n = min(max(n, 0), len(p))
	if r.empty++; n > 0 {
		r.empty = 0
	}
	if r.empty == 100 && err == nil {
		err = io.ErrNoProgress
	}
	return n, err
}

// fail is the outcome of a body that is not continued.
func (b *body) fail(err, reason error, status int) error {
	return &Error{
		Offset:        b.at,
		Total:         b.rep.total,
		Continuations: b.sent,
		First:         b.first,
		Err:           err,
		Reason:        reason,
		StatusCode:    status,
	}
}

func closeResponse(resp *http.Response) {
	if resp != nil && resp.Body != nil {
		resp.Body.Close()
	}
}
