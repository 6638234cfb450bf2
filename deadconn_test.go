package retry_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-e3550de8/retry"
)

// A doomed server has connections that can be killed: each is reset at the first byte of its next request.
type doomed struct {
	*httptest.Server
	mu    sync.Mutex
	conns []*doomedConn
}

type doomedConn struct {
	net.Conn
	mu   sync.Mutex
	dead bool
}

func (c *doomedConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.dead {
		_ = c.Conn.(*net.TCPConn).SetLinger(0)
		c.Conn.Close()
		return 0, net.ErrClosed
	}
	return n, err
}

type doomedListener struct {
	net.Listener
	to *doomed
}

func (l doomedListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	one := &doomedConn{Conn: c}
	l.to.mu.Lock()
	defer l.to.mu.Unlock()
	l.to.conns = append(l.to.conns, one)
	return one, nil
}

func newDoomed(t *testing.T) *doomed {
	d := &doomed{}
	var gather sync.WaitGroup
	d.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		if r.URL.Path == "/gather" {
			gather.Done()
			gather.Wait() // so that each has a connection of its own
		}
	}))
	d.Listener = doomedListener{d.Listener, d}
	d.Start()
	t.Cleanup(d.Close)
	gather.Add(8)
	return d
}

// fill makes base keep eight connections, and dooms them.
func (d *doomed) fill(t *testing.T, base http.RoundTripper) {
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			req, _ := http.NewRequestWithContext(context.Background(), "GET", d.URL+"/gather", nil)
			resp, err := base.RoundTrip(req)
			if assert.NoError(t, err) {
				_, _ = io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
			}
		})
	}
	all.Wait()
	d.mu.Lock()
	defer d.mu.Unlock()
	require.Len(t, d.conns, 8)
	for _, c := range d.conns {
		c.mu.Lock()
		c.dead = true
		c.mu.Unlock()
	}
}

// wrapped hides the type of a base, but not its idle connections.
type wrappedBase struct{ *http.Transport }

func (w wrappedBase) RoundTrip(req *http.Request) (*http.Response, error) {
	return w.Transport.RoundTrip(req)
}

// net/http passes dead connections by itself for a GET, but not for other idempotent methods: an attempt each.
func TestAnIdempotentRequestSurvivesAPoolOfDeadConnections(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(8)) // the pool of the default base holds one connection more
	for _, method := range []string{"GET", "PUT", "DELETE", "OPTIONS", "QUERY", "POST marked idempotent"} {
		for name, base := range map[string]http.RoundTripper{
			"http.Transport":             &http.Transport{MaxIdleConnsPerHost: 8},
			"the default base":           nil,
			"one that wraps a Transport": wrappedBase{&http.Transport{MaxIdleConnsPerHost: 8}},
		} {
			t.Run(method+" over "+name, func(t *testing.T) {
				d := newDoomed(t)
				client := retry.New(base, retry.Policy{Backoff: retry.Constant(0)})
				defer client.CloseIdleConnections()
				d.fill(t, client)
				req := newRequest(t, strings.Fields(method)[0], d.URL, "payload")
				if req.Method == "POST" {
					req = req.WithContext(retry.AsIdempotent(t.Context()))
				}
				resp, err := client.RoundTrip(req)
				require.NoError(t, err)
				drop(resp)
				assert.Equal(t, 200, resp.StatusCode)
			})
		}
	}
}

// The key that marks a request for net/http is for the attempt after a failed one, at a request that is idempotent and
// that net/http does not know to be so. It must not make net/http resend what is not.
func TestARequestIsMarkedForTheSakeOfDeadConnections(t *testing.T) {
	const standard, older = "Idempotency-Key", "X-Idempotency-Key"
	both := func(req *http.Request) (*http.Response, error) {
		resp, _ := answer(503)(req)
		return resp, errPeerReset
	}
	for name, row := range map[string]struct {
		method string
		header http.Header
		first  reply
		want   http.Header // of the second attempt
	}{
		"PUT after a reset":          {"PUT", http.Header{"A": {"1"}}, fail(errPeerReset), http.Header{"A": {"1"}, older: nil}},
		"PUT after a 503":            {"PUT", http.Header{"A": {"1"}}, answer(503), http.Header{"A": {"1"}}},
		"PUT after both":             {"PUT", http.Header{}, both, http.Header{}},
		"PUT with a key":             {"PUT", http.Header{standard: {"1"}}, fail(errPeerReset), http.Header{standard: {"1"}}},
		"PUT with the older key":     {"PUT", http.Header{older: {"1"}}, fail(errPeerReset), http.Header{older: {"1"}}},
		"POST, refused":              {"POST", http.Header{}, fail(errDialRefused), http.Header{}},
		"POST with a key":            {"POST", http.Header{standard: nil}, fail(errPeerReset), http.Header{standard: nil}},
		"GET":                        {"GET", http.Header{}, fail(errPeerReset), http.Header{}},
		"no method":                  {"", http.Header{}, fail(errPeerReset), http.Header{}},
		"HEAD":                       {"HEAD", http.Header{}, fail(errPeerReset), http.Header{}},
		"OPTIONS":                    {"OPTIONS", http.Header{}, fail(errPeerReset), http.Header{}},
		"TRACE":                      {"TRACE", http.Header{}, fail(errPeerReset), http.Header{}},
		"DELETE, after it timed out": {"DELETE", http.Header{}, fail(context.DeadlineExceeded), http.Header{older: nil}},
	} {
		s, base := play(row.first, answer(200)), &http.Transport{}
		base.RegisterProtocol("script", s)
		o := place(row.method, "")
		o.URL.Scheme, o.Header = "script", row.header
		before := row.header.Clone()
		mustEnd(t, retry.New(base, every(0)), o)
		assert.Equal(t, row.want, s.sent[1].req.Header, name)
		assert.Equal(t, before, o.Header, "%s: the caller's header is not touched", name)
	}
}

func TestARequestWithoutHeaderIsNotMarked(t *testing.T) {
	o := place("PUT", "")
	o.Header = nil // which net/http refuses each time
	p := every(0)
	p.Classify = func(retry.Attempt) retry.Class { return retry.Transient }
	_, err := retry.New(&http.Transport{}, p).RoundTrip(o.Request)
	assert.EqualError(t, err, "retry: attempts exhausted after 4: http: nil Request.Header")
}

// Another base's connections are closed after the second failure in a row.
func TestTheIdleConnectionsOfABaseOfAnotherTypeAreClosed(t *testing.T) {
	for name, row := range map[string]struct {
		method  string
		replies []reply
		want    []int // the numbers of attempts before which that happened
	}{
		"PUT":                    {"PUT", []reply{fail(errPeerReset)}, []int{3, 4}},
		"GET":                    {"GET", []reply{fail(errPeerReset)}, nil},
		"POST, refused":          {"POST", []reply{fail(errDialRefused)}, nil},
		"PUT, after a 503 or so": {"PUT", []reply{answer(503), fail(errPeerReset), answer(503)}, []int{3}},
	} {
		var closed []int
		s := play(row.replies...)
		base := closingIdle{s, func() { closed = append(closed, s.attempts()+1) }}
		resp, _ := retry.New(base, every(0)).RoundTrip(place(row.method, "").Request)
		drop(resp)
		assert.Equal(t, row.want, closed, name)
	}
}
