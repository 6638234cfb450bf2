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
	seen  map[string]int // requests that were carried out, by method
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
	d := &doomed{seen: map[string]int{}}
	var gather sync.WaitGroup
	d.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		d.mu.Lock()
		d.seen[r.Method]++
		d.mu.Unlock()
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
				_, marked := req.Header["X-Idempotency-Key"]
				assert.False(t, marked, "the caller's header is not touched")
			})
		}
	}
}

// What marks a request for net/http must not make it resend what is not idempotent.
func TestAPostIsNotMarkedForTheSakeOfDeadConnections(t *testing.T) {
	d := newDoomed(t)
	tr := &http.Transport{MaxIdleConnsPerHost: 8}
	client := retry.New(tr, retry.Policy{Backoff: retry.Constant(0)})
	defer client.CloseIdleConnections()
	d.fill(t, client)
	_, err := client.RoundTrip(newRequest(t, "POST", d.URL, "payload"))
	require.Error(t, err)
	assert.Zero(t, d.seen["POST"])
}
