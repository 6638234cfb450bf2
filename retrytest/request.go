package retrytest

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// content is a body that remembers what was done to it. It may be read and closed at the same time, like the bodies of
// net/http, and it can be rewound, which is a temptation to share it between attempts.
type content struct {
	mu     sync.Mutex
	reader *strings.Reader
	wire   io.ReadCloser // if not nil, the transport's body that is read, until it is closed
	read   int
	closes int
	open   *atomic.Int32 // if not nil, counts it until it is closed
}

func newContent(s string) *content { return &content{reader: strings.NewReader(s)} }

func (c *content) Read(b []byte) (n int, err error) {
	if wire := c.transports(); wire != nil { // its Read may block, and its Close ends that
		n, err = wire.Read(b)
		c.mu.Lock()
		defer c.mu.Unlock()
		c.read += n
		return n, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closes > 0 {
		return 0, http.ErrBodyReadAfterClose
	}
	n, err = c.reader.Read(b)
	c.read += n
	return n, err
}

func (c *content) transports() io.ReadCloser {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.wire
}

func (c *content) Seek(offset int64, whence int) (int64, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.reader.Seek(offset, whence)
}

func (c *content) Close() error {
	c.mu.Lock()
	wire := c.wire
	c.wire = nil // it may hold the request
	if c.closes++; c.closes == 1 && c.open != nil {
		c.open.Add(-1)
	}
	c.mu.Unlock()
	if wire != nil {
		return wire.Close()
	}
	return nil
}

func (c *content) isClosed() bool { return c.timesClosed() > 0 }

func (c *content) timesClosed() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.closes
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

// first is the body that the request was made with.
func (s *source) first() *content {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.made[0]
}

// all are the bodies made so far.
func (s *source) all() []*content {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.made)
}

// unclosed is the number of bodies that nobody closed.
func (s *source) unclosed() (n int) {
	for _, c := range s.all() {
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

// roundTrip makes one call, and breaks the promise if there is nothing that could be looked at.
func (p *probe) roundTrip(rt http.RoundTripper, req *http.Request) (*http.Response, error) {
	p.Helper()
	resp, err := rt.RoundTrip(req)
	if text := unusable(resp, err); text != "" {
		p.broken("The call returned %s.", text)
	}
	return resp, err
}

// unusable says what is wrong with the results of a call as such, or "".
func unusable(resp *http.Response, err error) string {
	switch {
	case resp == nil && err == nil:
		return "neither a response nor an error"
	case resp != nil && resp.Body == nil:
		return "a response with a nil Body"
	}
	return ""
}

// send sends req once through a new wrapper, reads the response to its end and closes it.
func (p *probe) send(b *base, req *http.Request) (result, error) {
	resp, err := p.roundTrip(p.wrap(b), req)
	if resp == nil {
		return result{}, err
	}
	text, readErr := io.ReadAll(resp.Body)
	resp.Body.Close()
	return result{code: resp.StatusCode, text: string(text)}, errors.Join(err, readErr)
}

// A result is a response that was read. Its code is 0 if there was none.
type result struct {
	code int
	text string
}
