package retry_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/seed-e3550de8/retry"
)

// secretURL has what no error may show: a user, a path and a query.
const secretURL = "http://annabel:opensesame@api.example/private/path?token=hush"

// A script is a base that answers each attempt by its next reply, the last one again and again, and records what it was
// sent. Like a real base it reads and closes the request's body before it answers.
type script struct {
	begin   time.Time
	mu      sync.Mutex
	replies []reply
	sent    []scene
}

// A reply answers one attempt.
type reply func(req *http.Request) (*http.Response, error)

// A scene is what the script knows of one attempt.
type scene struct {
	at   time.Duration // since the script was made
	req  *http.Request
	body io.ReadCloser // as it came
	text string        // what was in it
	resp *http.Response
	page io.Closer     // the response's body, as it was made
	done time.Duration // since the script was made
}

func play(replies ...reply) *script { return &script{begin: time.Now(), replies: replies} }

func (s *script) RoundTrip(req *http.Request) (*http.Response, error) {
	one := scene{at: time.Since(s.begin), req: req, body: req.Body}
	if req.Body != nil {
		text, err := io.ReadAll(req.Body)
		req.Body.Close()
		if err != nil {
			return nil, err
		}
		one.text = string(text)
	}
	n, next := s.note(one)
	resp, err := next(req)
	if resp != nil && resp.Request == nil {
		resp.Request = req
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sent[n].resp, s.sent[n].done = resp, time.Since(s.begin)
	if resp != nil {
		s.sent[n].page = resp.Body
	}
	return resp, err
}

func (s *script) note(one scene) (n int, next reply) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sent = append(s.sent, one)
	n = len(s.sent) - 1
	return n, s.replies[min(n, len(s.replies)-1)]
}

func (s *script) attempts() int { return len(s.sent) }

// times returns when each attempt came.
func (s *script) times() (at []time.Duration) {
	for _, one := range s.sent {
		at = append(at, one.at)
	}
	return at
}

func (s *script) texts() (texts []string) {
	for _, one := range s.sent {
		texts = append(texts, one.text)
	}
	return texts
}

// answer is a response with the body "body of 503", or whatever its code is. Header fields come in pairs.
func answer(code int, header ...string) reply {
	return func(req *http.Request) (*http.Response, error) {
		return page(code, strings.NewReader(fmt.Sprint("body of ", code)), header...)(req)
	}
}

// page is a response with a body of its own, which can be sent once.
func page(code int, body io.Reader, header ...string) reply {
	return func(*http.Request) (*http.Response, error) {
		return &http.Response{
			StatusCode: code, Header: headerOf(header...), ProtoMajor: 1, ProtoMinor: 1, ContentLength: -1,
			Body: watch(fmt.Sprint("response ", code), body),
		}, nil
	}
}

// headerOf makes a header of pairs of names and values.
func headerOf(pairs ...string) http.Header {
	h := http.Header{}
	for i := 0; i < len(pairs); i += 2 {
		h.Add(pairs[i], pairs[i+1])
	}
	return h
}

func fail(err error) reply {
	return func(*http.Request) (*http.Response, error) { return nil, err }
}

// late is a reply that takes d, or as long as the attempt's context lives.
func late(d time.Duration, then reply) reply {
	return func(req *http.Request) (*http.Response, error) {
		select {
		case <-time.After(d):
			return then(req)
		case <-req.Context().Done():
			return nil, context.Cause(req.Context())
		}
	}
}

// A watched body knows what was done to it. TestMain demands that all of them are closed. It closes its Reader if that
// is a Closer, which is how a Read that waits may end. As a request's body it counts as one that reads from memory.
type watched struct {
	retry.InMemory
	io.Reader
	name  string
	begin time.Time

	mu       sync.Mutex
	bytes    int
	sawEnd   bool
	closes   int
	closedAt time.Duration
}

// unclosed are the watched bodies that are open, and the tests that made them.
var unclosed sync.Map

func watch(name string, r io.Reader) *watched {
	b := &watched{Reader: r, name: name, begin: time.Now()}
	unclosed.Store(b, currentTest())
	return b
}

// currentTest returns the name of the test function that the caller was called by.
func currentTest() string {
	pc := make([]uintptr, 64)
	frames := runtime.CallersFrames(pc[:runtime.Callers(2, pc)])
	for frame, more := frames.Next(); more; frame, more = frames.Next() {
		if _, name, ok := strings.Cut(frame.Function, "retry_test.Test"); ok {
			return "Test" + name
		}
	}
	return "no test"
}

func (b *watched) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.bytes += n
	b.sawEnd = b.sawEnd || err == io.EOF
	return n, err
}

func (b *watched) Close() error {
	unclosed.Delete(b)
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closes++; b.closes > 1 {
		return nil
	}
	b.closedAt = time.Since(b.begin)
	if c, ok := b.Reader.(io.Closer); ok {
		return c.Close()
	}
	return nil
}

func (b *watched) isClosed() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.closes > 0
}

func (b *watched) read() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.bytes
}

// An order is a request, with the bodies that were made for it: the caller's first, then those of GetBody.
type order struct {
	*http.Request
	bodies []*watched
}

// place makes a request that can be replayed. Without a body it has none at all.
func place(method, body string) *order {
	o := &order{Request: &http.Request{Method: method, Header: http.Header{"X-Secret": {"swordfish"}}}}
	o.URL, _ = url.Parse(secretURL)
	if body == "" {
		return o
	}
	o.ContentLength = int64(len(body))
	o.GetBody = func() (io.ReadCloser, error) {
		b := watch(fmt.Sprint("request ", len(o.bodies)+1), strings.NewReader(body))
		o.bodies = append(o.bodies, b)
		return b, nil
	}
	o.Body, _ = o.GetBody()
	return o
}

// once makes a request whose body cannot be replayed.
func once(method, body string) *order {
	o := place(method, body)
	o.GetBody = nil
	return o
}

// under sets the context.
func (o *order) under(ctx context.Context) *order {
	o.Request = o.WithContext(ctx)
	return o
}

// left returns the names of o's bodies, and of all responses but the returned one, that are still open.
func (s *script) left(o *order, returned *http.Response) (names []string) {
	for _, b := range o.bodies {
		if !b.isClosed() {
			names = append(names, b.name)
		}
	}
	for _, one := range s.sent {
		if one.resp == returned {
			continue
		}
		if b, ok := one.page.(*watched); ok && !b.isClosed() {
			names = append(names, b.name)
		}
	}
	return names
}

// drop closes the response that a test is given.
func drop(resp *http.Response) {
	if resp != nil && resp.Body != nil {
		resp.Body.Close()
	}
}

// every is a policy whose waits are known: d before each retry.
func every(d time.Duration) retry.Policy { return retry.Policy{Backoff: retry.Constant(d)} }

// mustEnd sends o and demands that the answer is a response, which it closes.
func mustEnd(t *testing.T, rt http.RoundTripper, o *order) *http.Response {
	t.Helper()
	resp, err := rt.RoundTrip(o.Request)
	if assert.NoError(t, err) {
		drop(resp)
	}
	return resp
}

// A readerFunc is an io.Reader of one function.
type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// endless is a body that is always there.
type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

// drip is a body that yields a byte at a time, after each pause, n of them, or endlessly if n is negative. Close ends a
// Read that waits.
func drip(pause time.Duration, n int) io.ReadCloser {
	return &dripper{pause: pause, left: n, closed: make(chan struct{})}
}

type dripper struct {
	pause  time.Duration
	left   int
	closed chan struct{}
}

func (d *dripper) Read(p []byte) (int, error) {
	select {
	case <-time.After(d.pause):
	case <-d.closed:
		return 0, http.ErrBodyReadAfterClose
	}
	if d.left == 0 {
		return 0, io.EOF
	}
	d.left--
	return 1, nil
}

func (d *dripper) Close() error {
	close(d.closed)
	return nil
}
