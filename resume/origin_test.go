package resume_test

import (
	"bytes"
	"io"
	"math/rand/v2"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-e3550de8/retry"
	"github.com/seed-e3550de8/retry/httpfault"
	"github.com/seed-e3550de8/retry/resume"
)

const tag = `"v1"`

// An origin serves content under a strong ETag, by http.ServeContent. Its answers are given in order; when they are
// used up, it is honest and reliable.
type origin struct {
	content []byte
	answers []http.HandlerFunc

	mu       sync.Mutex
	requests []http.Header
	written  int64 // bytes of content
}

func newOrigin(size int, answers ...func(*origin) http.HandlerFunc) *origin {
	o := &origin{content: content(size)}
	for _, a := range answers {
		o.answers = append(o.answers, a(o))
	}
	return o
}

// content is random, so that no shift of it looks like another.
func content(size int) []byte {
	p := make([]byte, size)
	rand.NewChaCha8([32]byte{1}).Read(p)
	return p
}

func (o *origin) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	o.mu.Lock()
	o.requests = append(o.requests, r.Header.Clone())
	answer := o.whole
	if n := len(o.requests); n <= len(o.answers) {
		answer = o.answers[n-1]
	}
	o.mu.Unlock()
	answer(&counter{w, o}, r)
}

func (o *origin) whole(w http.ResponseWriter, r *http.Request) {
	if w.Header()["Etag"] == nil {
		w.Header().Set("Etag", tag)
	}
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(o.content))
}

// received returns a field of each request, "" where it is missing.
func (o *origin) received(name string) (values []string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, h := range o.requests {
		values = append(values, h.Get(name))
	}
	return values
}

func (o *origin) sent() int64 {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.written
}

// counter counts what an origin writes.
type counter struct {
	http.ResponseWriter
	o *origin
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.ResponseWriter.Write(p)
	c.o.mu.Lock()
	defer c.o.mu.Unlock()
	c.o.written += int64(n)
	return n, err
}

func (c *counter) Unwrap() http.ResponseWriter { return c.ResponseWriter }

// breaking answers like another handler, and breaks the connection, or resets the stream, after n bytes of content.
func breaking(n int, answer func(*origin) http.HandlerFunc) func(*origin) http.HandlerFunc {
	return func(o *origin) http.HandlerFunc {
		inner := answer(o)
		return func(w http.ResponseWriter, r *http.Request) { inner(&breaker{w, n}, r) }
	}
}

type breaker struct {
	http.ResponseWriter
	left int
}

func (b *breaker) Write(p []byte) (int, error) {
	if len(p) < b.left {
		b.left -= len(p)
		return b.ResponseWriter.Write(p)
	}
	b.ResponseWriter.Write(p[:b.left])
	http.NewResponseController(b.ResponseWriter).Flush()
	panic(http.ErrAbortHandler)
}

// honest is what an origin answers by itself.
func honest(o *origin) http.HandlerFunc { return o.whole }

// breakAt answers honestly, but breaks off after n bytes.
func breakAt(n int) func(*origin) http.HandlerFunc { return breaking(n, honest) }

// lying answers with the given status and fields, then with the content from start to end.
func lying(status, start, end int, fields ...string) func(*origin) http.HandlerFunc {
	return func(o *origin) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Etag", tag)
			for i := 0; i < len(fields); i += 2 {
				w.Header().Del(fields[i])
				if fields[i+1] != "" {
					w.Header().Set(fields[i], fields[i+1])
				}
			}
			w.WriteHeader(status)
			w.Write(o.content[start:end])
		}
	}
}

var protocols = []httpfault.Protocol{httpfault.HTTP1, httpfault.H2C}

// inBubbles runs test over both protocols, each in a bubble with a server of its own in it.
func inBubbles(t *testing.T, handler func() http.Handler, test func(*testing.T, *httpfault.Server, http.Handler)) {
	for _, protocol := range protocols {
		t.Run(protocol.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := handler()
				c := httpfault.Config{Pipe: true, Protocol: protocol, Default: httpfault.Handle(h)}
				test(t, c.NewServer(t), h)
			})
		})
	}
}

// withOrigin is inBubbles for an origin.
func withOrigin(t *testing.T, size int, answers []func(*origin) http.HandlerFunc,
	test func(*testing.T, *httpfault.Server, *origin)) {
	t.Helper()
	make := func() http.Handler { return newOrigin(size, answers...) }
	inBubbles(t, make, func(t *testing.T, s *httpfault.Server, h http.Handler) { test(t, s, h.(*origin)) })
}

// a list of answers, for the tables
func answers(a ...func(*origin) http.HandlerFunc) []func(*origin) http.HandlerFunc { return a }

// wrapped is the way in which callers use the package.
func wrapped(s *httpfault.Server, p resume.Policy) http.RoundTripper {
	return resume.New(retry.New(s.Transport(), retry.Policy{}), p)
}

// request makes a GET with the given fields.
func request(t *testing.T, s *httpfault.Server, fields ...string) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL, nil)
	require.NoError(t, err)
	for i := 0; i < len(fields); i += 2 {
		req.Header.Set(fields[i], fields[i+1])
	}
	return req
}

// download returns what there is to read, and the error that ends it.
func download(t *testing.T, rt http.RoundTripper, req *http.Request) ([]byte, error) {
	t.Helper()
	resp, err := rt.RoundTrip(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	return io.ReadAll(resp.Body)
}

// requireSame compares without printing what differs, which may be megabytes.
func requireSame(t *testing.T, want, got []byte) {
	t.Helper()
	require.Len(t, got, len(want))
	require.True(t, bytes.Equal(want, got), "the bytes differ")
}

// requireError demands that err is an Error which keeps the first error of its body.
func requireError(t *testing.T, err error) *resume.Error {
	t.Helper()
	var e *resume.Error
	require.ErrorAs(t, err, &e)
	require.Error(t, e.First)
	assert.ErrorIs(t, err, e.First)
	return e
}
