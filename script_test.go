package retry_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

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

var noWait = every(0)

// mustAnswer sends o and demands that the answer is a response.
func mustAnswer(t *testing.T, rt http.RoundTripper, o *order) *http.Response {
	t.Helper()
	resp, err := rt.RoundTrip(o.Request)
	assert.NoError(t, err)
	return resp
}

// mustEnd is mustAnswer for whom the body is nothing.
func mustEnd(t *testing.T, rt http.RoundTripper, o *order) *http.Response {
	t.Helper()
	resp := mustAnswer(t, rt, o)
	drop(resp)
	return resp
}

// attempted is an attempt that met a status, or, if that is 0, a connection that was lost.
func attempted(number, code int, header ...string) retry.Attempt {
	a := retry.Attempt{Number: number, Request: place("GET", "").Request}
	if code == 0 {
		a.Err = errPeerReset
		return a
	}
	a.Response = &http.Response{StatusCode: code, Header: headerOf(header...), Body: http.NoBody, Request: a.Request}
	return a
}

func newRequest(t testing.TB, method, url, body string) *http.Request {
	var r io.Reader
	if body != "" {
		r = strings.NewReader(body)
	}
	req, err := http.NewRequestWithContext(t.Context(), method, url, r)
	require.NoError(t, err)
	return req
}

// readAndClose returns the body of resp.
func readAndClose(t testing.TB, resp *http.Response) string {
	t.Helper()
	body, err := io.ReadAll(resp.Body)
	assert.NoError(t, err)
	assert.NoError(t, resp.Body.Close())
	return string(body)
}
