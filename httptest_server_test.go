package retry_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-e3550de8/retry"
	"github.com/seed-e3550de8/retry/httpfault"
	"github.com/seed-e3550de8/retry/internal/memnet"
)

const http1, http2 = "HTTP/1", "HTTP/2"

// overBoth runs body over HTTP/1 and over HTTP/2, each in a bubble.
func overBoth(t *testing.T, body func(t *testing.T, proto string)) {
	t.Helper()
	for _, proto := range []string{http1, http2} {
		t.Run(proto, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { body(t, proto) })
		})
	}
}

// A site is a server in a bubble, and an http.Transport that reaches nothing else. It knows the connections that were
// dialed.
type site struct {
	base *http.Transport
	srv  *httpfault.Server // nil if connections are handled by hand
	dial dialFunc

	mu    sync.Mutex
	conns []*dialedConn
}

type dialedConn struct {
	net.Conn
	closed atomic.Bool
}

func (c *dialedConn) Close() error {
	c.closed.Store(true)
	return c.Conn.Close()
}

func newSite(t testing.TB, proto string, dial dialFunc) *site {
	s := &site{dial: dial}
	s.base = dialing(t, proto, s.DialContext)
	return s
}

func (s *site) DialContext(ctx context.Context, network, addr string) (net.Conn, error) {
	c, err := s.dial(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	d := &dialedConn{Conn: c}
	s.conns = append(s.conns, d)
	return d, nil
}

// open returns the connections that nobody has closed on this side.
func (s *site) open() []*dialedConn {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(s.conns), func(c *dialedConn) bool { return c.closed.Load() })
}

// serve is a server that answers each request by h.
func serve(t testing.TB, proto string, h http.HandlerFunc) *site {
	srv := httpfault.Config{Protocol: faultProtocols[proto], Pipe: true, Default: httpfault.Handle(h)}.NewServer(t)
	s := newSite(t, proto, srv.DialContext)
	s.srv = srv
	return s
}

// warm opens a connection. Where connections are counted over HTTP/2 it comes first, because net/http shares a new one
// only some instants after its first request has it, and may dial another for a second request in between.
func (s *site) warm(t testing.TB) *site {
	s.srv.On("/warm-up", httpfault.OK(""))
	resp, err := s.base.RoundTrip(newRequest(t, "GET", "http://example.com/warm-up", ""))
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	synctest.Wait()
	return s
}

// fine is a handler that reads the request, and answers 200 OK.
func fine(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	_, _ = io.WriteString(w, "OK")
}

var faultProtocols = map[string]httpfault.Protocol{http1: httpfault.HTTP1, http2: httpfault.H2C}

// faulty is a server in a bubble that makes steps.
func faulty(t testing.TB, proto string, steps ...httpfault.Step) *httpfault.Server {
	return httpfault.Config{Protocol: faultProtocols[proto], Pipe: true}.NewServer(t, steps...)
}

// serveRaw hands every connection to handle, which need not close it.
func serveRaw(t testing.TB, proto string, handle func(net.Conn)) *site {
	li := memnet.Listen()
	var running sync.WaitGroup
	running.Go(func() {
		for {
			c, err := li.Accept()
			if err != nil {
				return
			}
			running.Go(func() {
				defer c.Close()
				defer context.AfterFunc(t.Context(), func() { c.Close() })() // the test ends, whatever handle does
				handle(c)
			})
		}
	})
	t.Cleanup(func() {
		li.Close()
		running.Wait()
	})
	return newSite(t, proto, li.DialContext)
}

// readRequest reads an HTTP/1 request with its body.
func readRequest(c net.Conn) {
	req, err := http.ReadRequest(bufio.NewReader(c))
	if err == nil {
		_, _ = io.Copy(io.Discard, req.Body)
	}
}

// stalled only reads.
func stalled(c net.Conn) { _, _ = io.Copy(io.Discard, c) }

// badRequest is the answer of a server of HTTP/1, whatever it is sent.
func badRequest(c net.Conn) {
	_, _ = io.WriteString(c, "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
	stalled(c)
}

func reset(c net.Conn) {
	_ = c.(interface{ SetLinger(int) error }).SetLinger(0)
	c.Close()
}

func dialing(t testing.TB, proto string, dial dialFunc) *http.Transport {
	tr := &http.Transport{DialContext: dial, Protocols: protocolsOf(proto)}
	t.Cleanup(tr.CloseIdleConnections)
	return tr
}

func protocolsOf(proto string) *http.Protocols {
	var p http.Protocols
	p.SetHTTP1(proto == http1)
	p.SetUnencryptedHTTP2(proto == http2)
	return &p
}

func TestATransientStatusOfARealServerIsRetried(t *testing.T) {
	overBoth(t, func(t *testing.T, proto string) {
		s := faulty(t, proto, httpfault.Status(503), httpfault.Status(429), httpfault.OK("OK"))
		resp, err := (&http.Client{Transport: retry.New(s.Transport(), new(trail).eager(4))}).Get(s.URL)
		require.NoError(t, err)
		assert.Equal(t, "OK", readAndClose(t, resp))
		assert.Equal(t, 3, retry.AttemptNumber(resp.Request.Context()))
	})
}
