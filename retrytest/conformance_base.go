package retrytest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
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

	mu      sync.Mutex
	sent    []sending
	replies []*content
	idle    int // calls of CloseIdleConnections
}

// runaway is the number of attempts after which a wrapper is taken for endless.
const runaway = 1000

func (b *base) RoundTrip(req *http.Request) (*http.Response, error) {
	n := b.record(req)
	if b.onSend != nil {
		b.onSend(n, req)
	}
	s := readRequest(req)
	b.mu.Lock()
	b.sent[n-1].content, b.sent[n-1].err = s.content, s.err
	b.mu.Unlock()
	if req.Context().Err() != nil {
		return nil, context.Cause(req.Context())
	}
	if n > runaway {
		panic(fmt.Sprintf("more than %d attempts of one request", runaway))
	}
	a := b.outcomes[min(n, len(b.outcomes))-1]
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

func (b *base) openReplies() (n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, r := range b.replies {
		if !r.isClosed() {
			n++
		}
	}
	return n
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
	body := newContent(line)
	b.mu.Lock()
	b.replies = append(b.replies, body)
	b.mu.Unlock()
	resp.Body, resp.ContentLength = body, int64(len(line))
	return resp
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

// content is a body that remembers what was done to it. It may be read and closed at the same time, like the bodies of
// net/http, and it can be rewound, which is a temptation to share it between attempts.
type content struct {
	mu     sync.Mutex
	reader *strings.Reader
	read   int
	closed bool
}

func newContent(s string) *content { return &content{reader: strings.NewReader(s)} }

func (c *content) Read(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return 0, http.ErrBodyReadAfterClose
	}
	n, err := c.reader.Read(b)
	c.read += n
	return n, err
}

func (c *content) Seek(offset int64, whence int) (int64, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.reader.Seek(offset, whence)
}

func (c *content) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	return nil
}

func (c *content) isClosed() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.closed
}

func (c *content) wasRead() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.read
}

// A source makes the bodies of one request and knows them all.
type source struct {
	text string
	err  error // of GetBody

	mu   sync.Mutex
	made []*content
}

func (s *source) open() *content {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := newContent(s.text)
	s.made = append(s.made, c)
	return c
}

// GetBody has the contract of http.Request.GetBody.
func (s *source) GetBody() (io.ReadCloser, error) {
	if s.err != nil {
		return nil, s.err
	}
	return s.open(), nil
}

// unclosed is the number of bodies that nobody closed.
func (s *source) unclosed() (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.made {
		if !c.isClosed() {
			n++
		}
	}
	return n
}

const target = "http://example.com/a/path?with=query"

// request returns a request to the base. Its context is done after a time that no honest wrapper spends, because a
// sleep of centuries would take the clock of the bubble beyond its end.
func (p *probe) request(method string) *http.Request {
	p.Helper()
	ctx, cancel := context.WithTimeout(p.Context(), 1000*time.Hour)
	p.Cleanup(cancel)
	req, err := http.NewRequestWithContext(ctx, "GET", target, nil)
	if err != nil {
		p.Fatal(err)
	}
	// Set here, because NewRequest makes a GET of the empty method.
	req.Method = method
	return req
}

// upload is request with a body that can be replayed.
func (p *probe) upload(method, text string) (*http.Request, *source) {
	p.Helper()
	req, src := p.request(method), &source{text: text}
	req.Body, req.GetBody, req.ContentLength = src.open(), src.GetBody, int64(len(text))
	return req, src
}

// send sends req once through a new wrapper, reads the response to its end and closes it.
func (p *probe) send(b *base, req *http.Request) (result, error) {
	resp, err := p.wrap(b).RoundTrip(req)
	if resp == nil {
		return result{}, err
	}
	text := ""
	if resp.Body != nil {
		read, readErr := io.ReadAll(resp.Body)
		resp.Body.Close()
		text, err = string(read), errors.Join(err, readErr)
	}
	return result{code: resp.StatusCode, text: text}, err
}

// A result is a response that was read. Its code is 0 if there was none.
type result struct {
	code int
	text string
}
