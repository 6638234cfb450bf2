package httpfault

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed-e3550de8/retry/internal/memnet"
)

// A Server answers each request by the next step of its script, and records it.
// It is safe for concurrent use.
type Server struct {
	// URL is the server's base URL, without a slash at its end.
	URL string

	t      tester
	cfg    Config
	client *http.Client
	http   *http.Server
	front  *frontListener // what clients dial
	back   *chanListener  // what the http.Server accepts from
	done   chan struct{}  // closed when the server stops
	closed atomic.Bool
	work   sync.WaitGroup // every goroutine of the server
	start  time.Time

	mu         sync.Mutex
	stopped    bool // no handler begins any more
	script     script
	log        []*record
	conns      map[*conn]struct{}
	accepted   int
	transports []*http.Transport
}

// NewServer starts a server on the loopback interface that speaks HTTP/1.1 in clear text
// and answers the first request by the first step, and so on; after the last step, by a 200.
//
// The server stops when the test ends. Steps left over then fail the test, with a message
// that shows the script and the requests. A step that makes no sense fails it at once.
//
// An Example has no t: there it is nil, [Server.Close] must be called, and what
// would fail a test is a panic of NewServer or Close.
func NewServer(t testing.TB, steps ...Step) *Server {
	if t != nil {
		t.Helper()
	}
	return Config{}.NewServer(t, steps...)
}

// NewServer is like the function [NewServer], for another kind of server.
// In a bubble of testing/synctest it needs Config.Pipe, and is called inside the bubble, with the bubble's t.
func (c Config) NewServer(tb testing.TB, steps ...Step) *Server {
	t := newTester(tb)
	t.Helper()
	if !c.Protocol.valid() {
		t.Fatalf("httpfault: Config.Protocol: no Protocol has the number %d", int(c.Protocol))
	}
	if !c.Pipe && memnet.Bubble() != "" {
		t.Fatalf("httpfault: a server in a bubble of testing/synctest needs Config.Pipe: " +
			"the clock of one stands still while a socket is waited for")
	}
	s := &Server{
		t:     t,
		cfg:   c,
		back:  newChanListener(),
		done:  make(chan struct{}),
		start: time.Now(),
		conns: make(map[*conn]struct{}),
	}
	s.check("Config.Default", c.Default)
	s.Add(steps...)
	front, err := listen(c.Pipe)
	if err != nil {
		t.Fatalf("httpfault: cannot listen: %v", err)
	}
	s.front = front
	s.URL = s.baseURL()
	s.serveHTTP()
	s.work.Go(s.acceptLoop)
	s.client = &http.Client{Transport: s.Transport()}
	t.Cleanup(s.Close)
	return s
}

func (s *Server) baseURL() string {
	host := strings.TrimSuffix(s.front.Addr().String(), ":80")
	if s.cfg.Protocol.tls() {
		return "https://" + host
	}
	return "http://" + host
}

// serveHTTP starts the real http.Server. It sees only clear text, also behind TLS,
// so that HTTP/2 frames can be read and changed on their way.
func (s *Server) serveHTTP() {
	var p http.Protocols
	p.SetHTTP1(true)
	p.SetUnencryptedHTTP2(s.cfg.Protocol.http2())
	s.http = &http.Server{
		Handler:     http.HandlerFunc(s.serve),
		Protocols:   &p,
		ErrorLog:    log.New(io.Discard, "", 0),
		ConnContext: withConn,
		ConnState:   s.connState,
		// The script answers OPTIONS * too.
		DisableGeneralOptionsHandler: true,
		// Small windows, so that a client feels early that nobody reads.
		HTTP2: &http.HTTP2Config{MaxReceiveBufferPerConnection: 1 << 20, MaxReceiveBufferPerStream: 1 << 16},
	}
	s.work.Go(func() { s.http.Serve(s.back) })
}

// Client returns the server's own client, the same each time. It reaches the server
// whatever the host of a request's URL, trusts its certificate, and has no timeout.
func (s *Server) Client() *http.Client { return s.client }

// Transport returns a new transport, with no other difference to a zero http.Transport
// than that it speaks the server's protocol, trusts its certificate, and dials it by
// [Server.DialContext]. Its connections are closed when the test ends.
func (s *Server) Transport() *http.Transport {
	var p http.Protocols
	p.SetHTTP1(!s.cfg.Protocol.http2())
	p.SetHTTP2(s.cfg.Protocol == HTTP2)
	p.SetUnencryptedHTTP2(s.cfg.Protocol == H2C)
	tr := &http.Transport{DialContext: s.DialContext, Protocols: &p}
	if s.cfg.Protocol.tls() {
		tr.TLSClientConfig = &tls.Config{RootCAs: s.RootCAs()}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.transports = append(s.transports, tr)
	return tr
}

// RootCAs returns a new pool with the one authority that signed the server's certificate.
func (s *Server) RootCAs() *x509.CertPool { return certificates().pool() }

// DialContext connects to the server, whatever the network and address.
// A client that dials otherwise, by the URL alone, meets every step but [Refuse].
func (s *Server) DialContext(ctx context.Context, _, _ string) (net.Conn, error) {
	if s.takeRefusal() {
		return s.front.refuse(ctx)
	}
	return s.front.dial(ctx)
}

// Down closes the listener: from now on connections are refused. Open ones stay.
func (s *Server) Down() { s.front.down() }

// Up listens again after [Server.Down], at the same address.
// It fails the test if that is not possible.
func (s *Server) Up() {
	s.t.Helper()
	if err := s.front.up(); err != nil {
		s.t.Errorf("httpfault: cannot listen again: %v", err)
	}
}

// CloseConnections resets every open connection, idle or not.
func (s *Server) CloseConnections() {
	for _, c := range s.openConns() {
		c.reset()
	}
}

// Connections returns how many connections were accepted so far,
// those that a step took for itself included.
func (s *Server) Connections() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.accepted
}

// Close resets all connections, ends everything that the server started, waits for it, and
// fails the test if steps are left over. It need not be called in a test: its end
// does that. More calls do nothing.
func (s *Server) Close() {
	s.t.Helper()
	if s.closed.Swap(true) {
		return
	}
	s.stop()
	s.report()
	if o, ok := s.t.(*outsider); ok {
		o.raise()
	}
}

// enter counts a handler among what Close waits for, and reports whether it may begin. Over HTTP/2 it
// is a goroutine of its own, which may first run when its connection's has ended.
func (s *Server) enter() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopped {
		return false
	}
	s.work.Add(1)
	return true
}

func (s *Server) stop() {
	s.mu.Lock()
	s.stopped = true
	transports := s.transports
	s.mu.Unlock()
	close(s.done)
	s.front.Close()
	s.CloseConnections()
	s.http.Close()
	for _, tr := range transports {
		tr.CloseIdleConnections()
	}
	s.work.Wait()
}

// sleep waits for d, and reports whether it did: not if the
// test ended or the client went away.
func (s *Server) sleep(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return true
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	case <-s.done:
		return false
	}
}
