package retrytest

import (
	"context"
	"io"
	"net/http"
	"strconv"
	"sync"
	"testing/synctest"
	"time"
)

var discardChecks = []check{
	{
		name:    "DiscardedResponsesClosed",
		promise: "every response but the one returned is closed before the next attempt.",
		why: "http.Response: \"It is the caller's responsibility to close Body.\" For a response that no caller " +
			"sees, that is the wrapper. Each one left open holds a connection and two goroutines, and with " +
			"MaxConnsPerHost the next attempt waits for it for ever.",
		run: discardedResponsesClosed,
	},
	{
		name:    "DiscardedBeforeWait",
		promise: "a response that is not returned is closed before the wait, not after it.",
		why: "for the whole of the wait its connection would serve nobody, and the server would hold what it " +
			"needs for it.",
		needs: []need{retryAfter},
		run:   discardedBeforeWait,
	},
	{
		name:    "DiscardBoundedInBytes",
		promise: "of a response that is not returned, at most 1 MiB is read.",
		why: "reading to the end of a body saves a connection only if there is an end nearby. An endless one " +
			"holds the call for ever, and costs traffic that nobody wants.",
		run: discardBoundedInBytes,
	},
	{
		name:    "DiscardBoundedInTime",
		promise: "a response body that stalls or drips makes no retry later than its wait.",
		why: "a server in trouble sends a header and then nothing. A read without a bound in time holds the call " +
			"until its context ends, and the retry that would have succeeded is never made.",
		run: discardBoundedInTime,
	},
}

func discardedResponsesClosed(p *probe) {
	b := &base{outcomes: []outcome{p.failing()}}
	resp, _ := p.roundTrip(p.wrap(b), p.request(http.MethodGet))
	for i, s := range b.sendings() {
		if s.open > 0 {
			p.broken("When attempt %d was made, %d earlier responses were open.", i+1, s.open)
		}
	}
	if resp != nil {
		resp.Body.Close()
	}
	synctest.Wait()
	for i, r := range b.replies {
		if !r.isClosed() {
			p.broken("After the call, the response to attempt %d of %d was open.", i+1, b.attempts())
		}
	}
	if p.claims.NoBackoff {
		return
	}
	ctx, cancel := context.WithCancel(p.Context())
	b = &base{outcomes: []outcome{p.failing()}}
	b.onSend = func(int, *http.Request) { time.AfterFunc(time.Nanosecond, cancel) }
	_, _ = p.send(b, p.request(http.MethodGet).WithContext(ctx))
	synctest.Wait()
	if b.openReplies() > 0 {
		p.broken("The response was open after the wait that followed it was cancelled.")
	}
}

func discardedBeforeWait(p *probe) {
	asked, open := p.bearable(20*time.Second), make(chan bool, 1)
	b := &base{outcomes: []outcome{p.failing("Retry-After", strconv.Itoa(int(asked.Seconds()))), status(200)}}
	time.AfterFunc(asked/2, func() { open <- b.openReplies() > 0 })
	_, _ = p.send(b, p.request(http.MethodGet))
	if <-open {
		p.broken("Half way through a wait of %v, the response before it was open.", asked)
	}
}

func discardBoundedInBytes(p *probe) {
	const bound = 1 << 20
	endless := &flood{left: 64 << 20}
	bad := p.failing()
	bad.body = func(*http.Request) io.ReadCloser { return endless }
	b := &base{outcomes: []outcome{bad, status(200)}}
	_, _ = p.send(b, p.request(http.MethodGet))
	if n := endless.wasRead(); n > bound {
		p.broken("Of an endless body, %d bytes were read.", n)
	}
	if b.attempts() != 2 {
		p.broken("After a response with an endless body there were %d attempts in all.", b.attempts())
	}
}

// flood is a body which has more bytes than anybody should read. It has an end, so that the test has one too.
type flood struct {
	mu   sync.Mutex
	left int
	read int
}

func (f *flood) Read(b []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.left <= 0 {
		return 0, io.EOF
	}
	f.left -= len(b)
	f.read += len(b)
	return len(b), nil
}

func (f *flood) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.left = 0
	return nil
}

func (f *flood) wasRead() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.read
}

func discardBoundedInTime(p *probe) {
	for _, every := range []time.Duration{time.Second, 10 * time.Minute, 100 * time.Hour} {
		bad := p.failing()
		bad.body = func(req *http.Request) io.ReadCloser {
			return &drip{ctx: req.Context(), every: every, left: 1000, closed: make(chan struct{})}
		}
		b := &base{outcomes: []outcome{bad, status(200)}}
		_, err := p.send(b, p.request(http.MethodGet))
		if b.attempts() != 2 || err != nil {
			p.broken("After a response with a byte each %v there were %d attempts in all, and the error %v.",
				every, b.attempts(), err)
		}
		if w := b.waits()[0]; w > p.claims.longestBackoff() {
			p.broken("After a response with a byte each %v, the next attempt was made after %v; the longest wait "+
				"claimed is %v.", every, w, p.claims.longestBackoff())
		}
	}
}

// drip is a body that comes a byte at a time. Like those of net/http it ends with its context, and Close
// ends a Read.
type drip struct {
	ctx    context.Context
	every  time.Duration
	left   int
	closed chan struct{}
	once   sync.Once
}

func (d *drip) Read(b []byte) (int, error) {
	timer := time.NewTimer(d.every)
	defer timer.Stop()
	select {
	case <-timer.C:
		if d.left--; d.left < 0 {
			return 0, io.EOF
		}
		return copy(b, "."), nil
	case <-d.ctx.Done():
		return 0, context.Cause(d.ctx)
	case <-d.closed:
		return 0, http.ErrBodyReadAfterClose
	}
}

func (d *drip) Close() error {
	d.once.Do(func() { close(d.closed) })
	return nil
}
