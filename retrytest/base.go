package retrytest

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// errPassing is what a transport returns for a connection that was reset before the response: it may pass, and the
// server may have acted on the request.
var errPassing error = &net.OpError{Op: "read", Net: "tcp", Err: os.NewSyscallError("read", syscall.ECONNRESET)}

// An outcome is what a base makes of one attempt.
type outcome struct {
	code   int
	header []string                          // names and values by turns
	body   func(*http.Request) io.ReadCloser // nil: a line with the number of the attempt
	err    error                             // instead of a response
	hang   bool                              // until the request's context is done
}

func status(code int, header ...string) outcome { return outcome{code: code, header: header} }

func failure(err error) outcome { return outcome{err: err} }

func (p *probe) failing(header ...string) outcome { return status(p.claims.failureStatus(), header...) }

// A sending is what a base saw of an attempt.
type sending struct {
	at      time.Time
	header  http.Header
	content string // all that could be read of the body
	err     error  // what the reading of the body ended with, but io.EOF
	length  int64
	open    int // earlier responses not closed at that moment
}

// A base ends attempt n with the nth of its outcomes, like a transport; the last one repeats.
// It reads and closes request bodies, and it keeps no request.
type base struct {
	outcomes []outcome
	onSend   func(n int, req *http.Request)
	wire     http.RoundTripper // if not nil, the way to a server that is this base too

	mu      sync.Mutex
	sent    []sending
	replies []*content
	idle    int // calls of CloseIdleConnections
	open    atomic.Int32
}

// runaway is the number of attempts after which a wrapper is taken for endless.
const runaway = 1000

func (b *base) RoundTrip(req *http.Request) (*http.Response, error) {
	n := b.record(req)
	if n > runaway {
		panic(fmt.Sprintf("more than %d attempts of one request", runaway))
	}
	if b.onSend != nil {
		b.onSend(n, req)
	}
	a := b.outcomes[min(n, len(b.outcomes))-1]
	if b.wire != nil && a.err == nil && a.body == nil {
		return b.overWire(n, req)
	}
	b.read(n, req)
	if req.Context().Err() != nil {
		return nil, context.Cause(req.Context())
	}
	if a.hang {
		<-req.Context().Done()
		return nil, context.Cause(req.Context())
	}
	if a.err != nil {
		return nil, a.err
	}
	return b.reply(a, n, req), nil
}

func (b *base) record(req *http.Request) (n int) {
	open := b.openReplies()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.sent = append(b.sent, sending{at: time.Now(), header: req.Header.Clone(), length: req.ContentLength, open: open})
	return len(b.sent)
}

func (b *base) openReplies() int { return int(b.open.Load()) }

// read reads the body of attempt n.
func (b *base) read(n int, req *http.Request) {
	s := readRequest(req)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.sent[n-1].content, b.sent[n-1].err = s.content, s.err
}

func readRequest(req *http.Request) (s sending) {
	if req.Body == nil {
		return s
	}
	defer req.Body.Close()
	read, err := io.ReadAll(req.Body)
	return sending{content: string(read), err: err}
}

func (b *base) reply(a outcome, n int, req *http.Request) *http.Response {
	resp := &http.Response{
		Status:     fmt.Sprintf("%d %s", a.code, http.StatusText(a.code)),
		StatusCode: a.code,
		Proto:      "HTTP/1.1",
		ProtoMajor: 1,
		ProtoMinor: 1,
		Header:     http.Header{},
		Request:    req,
	}
	for i := 0; i+1 < len(a.header); i += 2 {
		resp.Header.Add(a.header[i], a.header[i+1])
	}
	if a.body != nil {
		resp.Body, resp.ContentLength = a.body(req), -1
		return resp
	}
	line := replyTo(n)
	resp.Body, resp.ContentLength = b.watch(newContent(line)), int64(len(line))
	return resp
}

// watch counts a response body until it is closed.
func (b *base) watch(body *content) *content {
	body.open = &b.open
	b.open.Add(1)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.replies = append(b.replies, body)
	return body
}

// replyTo is the body of the answer to attempt n.
func replyTo(n int) string { return fmt.Sprintf("the answer to attempt %d", n) }

// CloseIdleConnections counts its calls.
func (b *base) CloseIdleConnections() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.idle++
}

func (b *base) attempts() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.sent)
}

func (b *base) sendings() []sending {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]sending(nil), b.sent...)
}

// waits are the times between the attempts.
func (b *base) waits() (waits []time.Duration) {
	sent := b.sendings()
	for i := 1; i < len(sent); i++ {
		waits = append(waits, sent[i].at.Sub(sent[i-1].at))
	}
	return waits
}

// history says how many attempts there were, and when.
func (b *base) history() string {
	waits := b.waits()
	if len(waits) == 0 {
		return fmt.Sprintf("%d attempts", b.attempts())
	}
	return fmt.Sprintf("its second attempt after %v", waits[0])
}
