package retry_test

import (
	"bufio"
	"context"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

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

// A network is in memory, so that the real http.Server and http.Transport run over it in a bubble. It knows the
// connections that were dialed.
type network struct {
	*memnet.Listener
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

func newNetwork() *network { return &network{Listener: memnet.Listen()} }

func (n *network) DialContext(ctx context.Context, network, addr string) (net.Conn, error) {
	c, err := n.Listener.DialContext(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	d := &dialedConn{Conn: c}
	n.conns = append(n.conns, d)
	return d, nil
}

// dialed returns how many connections there have been.
func (n *network) dialed() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.conns)
}

// open returns the connections that nobody has closed on this side.
func (n *network) open() (conns []*dialedConn) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, c := range n.conns {
		if !c.closed.Load() {
			conns = append(conns, c)
		}
	}
	return conns
}

// A site is a server of net/http, in a bubble, and an http.Transport that reaches nothing else.
type site struct {
	*network
	base *http.Transport
}

func serve(t testing.TB, proto string, h http.HandlerFunc) *site {
	s := &site{network: newNetwork()}
	var running sync.WaitGroup
	tracked := func(w http.ResponseWriter, r *http.Request) {
		running.Add(1)
		defer running.Done()
		if r.URL.Path != warmUp {
			h(w, r)
		}
	}
	server := &http.Server{
		Handler: http.HandlerFunc(tracked), Protocols: protocolsOf(proto), ErrorLog: log.New(io.Discard, "", 0),
	}
	running.Go(func() { _ = server.Serve(s.network) })
	s.base = dialing(t, proto, s.network.DialContext)
	t.Cleanup(func() {
		s.base.CloseIdleConnections()
		server.Close()
		synctest.Wait()         // no handler begins any more
		time.Sleep(time.Second) // the server lingers for half of it before it closes a connection
		running.Wait()
	})
	return s
}

const warmUp = "/warm-up"

// warm opens a connection. Where connections are counted over HTTP/2 it comes first, because net/http shares a new one
// only some instants after its first request has it, and may dial another for a second request in between.
func (s *site) warm(t testing.TB) *site {
	resp, err := s.base.RoundTrip(newRequest(t, "GET", "http://example.com"+warmUp, ""))
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	synctest.Wait()
	return s
}

// perhaps is a handler that answers its nth call with the nth status, and then with 200. The body of each answer is
// its status text.
func perhaps(statuses ...int) http.HandlerFunc {
	var calls atomic.Int32
	return func(w http.ResponseWriter, r *http.Request) {
		code := http.StatusOK
		if n := int(calls.Add(1)); n <= len(statuses) {
			code = statuses[n-1]
		}
		_, _ = io.Copy(io.Discard, r.Body)
		w.WriteHeader(code)
		_, _ = io.WriteString(w, http.StatusText(code))
	}
}

// stall is a handler that reads the request and then waits until the client goes.
func stall(_ http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	<-r.Context().Done()
}

// faulty is a server in a bubble that makes steps.
func faulty(t testing.TB, proto string, steps ...httpfault.Step) *httpfault.Server {
	config := httpfault.Config{Pipe: true}
	if proto == http2 {
		config.Protocol = httpfault.H2C
	}
	return config.NewServer(t, steps...)
}

// serveRaw hands every connection to handle, which need not close it.
func serveRaw(t testing.TB, proto string, handle func(net.Conn)) *site {
	s := &site{network: newNetwork()}
	acceptRaw(t, s.network, handle)
	s.base = dialing(t, proto, s.network.DialContext)
	return s
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

func reset(c net.Conn) {
	_ = c.(interface{ SetLinger(int) error }).SetLinger(0)
	c.Close()
}

func acceptRaw(t testing.TB, li net.Listener, handle func(net.Conn)) {
	var running sync.WaitGroup
	var mu sync.Mutex
	var conns []net.Conn
	running.Go(func() {
		for {
			c, err := li.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			conns = append(conns, c)
			mu.Unlock()
			running.Go(func() {
				defer c.Close()
				handle(c)
			})
		}
	})
	t.Cleanup(func() {
		li.Close()
		mu.Lock()
		for _, c := range conns {
			c.Close()
		}
		mu.Unlock()
		running.Wait()
	})
}

func dialing(t testing.TB, proto string, dial func(context.Context, string, string) (net.Conn, error)) *http.Transport {
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
		s, p := serve(t, proto, perhaps(503, 429)), new(trail).eager(4)
		resp, err := (&http.Client{Transport: retry.New(s.base, p)}).Get("http://example.com/")
		require.NoError(t, err)
		assert.Equal(t, "OK", readAndClose(t, resp))
		assert.Equal(t, 3, retry.AttemptNumber(resp.Request.Context()))
	})
}
