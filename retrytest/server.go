package retrytest

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
	"testing"
	"time"
)

// A Protocol is what a [Server] speaks.
type Protocol int

const (
	HTTP1 Protocol = iota // HTTP/1.1 in clear text
	HTTPS                 // HTTP/1.1 over TLS
	H2C                   // HTTP/2 in clear text, with prior knowledge
	HTTP2                 // HTTP/2 over TLS
)

func (p Protocol) String() string {
	switch p {
	case HTTP1:
		return "HTTP1"
	case HTTPS:
		return "HTTPS"
	case H2C:
		return "H2C"
	case HTTP2:
		return "HTTP2"
	}
	return "unknown Protocol"
}

func (p Protocol) valid() bool { return p >= HTTP1 && p <= HTTP2 }
func (p Protocol) tls() bool   { return p == HTTPS || p == HTTP2 }
func (p Protocol) http2() bool { return p == H2C || p == HTTP2 }

// A Config says what kind of [Server] to start. The zero Config is that of [NewServer].
type Config struct {
	_ [0]func() // no comparison, no unkeyed literals

	// Protocol is what the server speaks: HTTP1 by default.
	Protocol Protocol

	// Pipe makes the connections in memory instead of on the loopback interface, so that the
	// whole exchange can live in a testing/synctest bubble, where latency takes
	// no time. A pipe holds 16 KiB in each direction.
	Pipe bool

	// Strict makes a request beyond the script fail the test.
	// Otherwise Default answers it.
	Strict bool

	// Default answers what the script does not: the requests after its last step.
	// The zero Step is a 200 with no body.
	Default Step
}

// A Server answers each request by the next step of its script, and records it.
// It is safe for concurrent use.
type Server struct {
	// URL is the server's base URL, without a slash at its end.
	URL string

	t      testing.TB
	cfg    Config
	client *http.Client
	http   *http.Server
	front  *frontListener // what clients dial
	back   *chanListener  // what the http.Server accepts from
	done   chan struct{}  // closed when the test ends
	work   sync.WaitGroup // every goroutine of the server
	start  time.Time

	mu         sync.Mutex
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
func NewServer(t testing.TB, steps ...Step) *Server {
	t.Helper()
	return Config{}.NewServer(t, steps...)
}

// NewServer is like the function [NewServer], for another kind of server.
// With Config.Pipe and in a bubble, call it inside the bubble, with the bubble's t.
func (c Config) NewServer(t testing.TB, steps ...Step) *Server {
	t.Helper()
	if !c.Protocol.valid() {
		t.Fatalf("retrytest: Config.Protocol: no Protocol has the number %d", int(c.Protocol))
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
		t.Fatalf("retrytest: cannot listen: %v", err)
	}
	s.front = front
	s.URL = s.baseURL()
	s.serveHTTP()
	s.work.Go(s.acceptLoop)
	s.client = &http.Client{Transport: s.Transport()}
	t.Cleanup(s.close)
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
		s.t.Errorf("retrytest: cannot listen again: %v", err)
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

// close ends everything that the server started, waits for it, and
// reports the steps that are left over.
func (s *Server) close() {
	s.t.Helper()
	close(s.done)
	s.front.Close()
	s.CloseConnections()
	s.http.Close()
	s.mu.Lock()
	transports := s.transports
	s.mu.Unlock()
	for _, tr := range transports {
		tr.CloseIdleConnections()
	}
	s.work.Wait()
	s.report()
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
