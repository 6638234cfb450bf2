package retryhttp3_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
	"github.com/stretchr/testify/require"

	"github.com/seed-e3550de8/retry"
	"github.com/seed-e3550de8/retry/retryhttp3"
)

// trust returns a certificate for 127.0.0.1, and who vouches for it.
func trust(t *testing.T) (tls.Certificate, *x509.CertPool) {
	s := httptest.NewTLSServer(nil)
	defer s.Close()
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	require.NotEmpty(t, s.TLS.Certificates)
	return s.TLS.Certificates[0], roots
}

// A server speaks HTTP/3, and keeps what it was sent.
type server struct {
	*http3.Server
	addr   string
	roots  *x509.CertPool
	udp    net.PacketConn
	answer func(n int, w http.ResponseWriter) // to the n-th request, from 0

	mu   sync.Mutex
	sent []string // methods and bodies
}

func (s *server) got() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.sent)
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	s.mu.Lock()
	s.sent = append(s.sent, r.Method+" "+string(body))
	n := len(s.sent) - 1
	s.mu.Unlock()
	s.answer(n, w)
}

// vanish ends the server without a word to its clients.
func (s *server) vanish() { _ = s.udp.Close() }

// serve starts a server on the loopback interface that answers by answer. It asks change, if that is not nil, how it
// should be.
func serve(t *testing.T, answer func(int, http.ResponseWriter), change func(*quic.Transport, *tls.Config)) *server {
	certificate, roots := trust(t)
	udp, err := net.ListenPacket("udp", "127.0.0.1:0")
	require.NoError(t, err)
	s := &server{addr: udp.LocalAddr().String(), roots: roots, udp: udp, answer: answer}
	s.Server = &http3.Server{Handler: s}
	transport, config := &quic.Transport{Conn: udp}, &tls.Config{Certificates: []tls.Certificate{certificate}}
	if change != nil {
		change(transport, config)
	}
	listen(t, s.Server, transport, config)
	return s
}

// listen starts s on a socket, and ends it with the test.
func listen(t *testing.T, s *http3.Server, socket *quic.Transport, config *tls.Config) {
	listener, err := socket.ListenEarly(http3.ConfigureTLSConfig(config),
		&quic.Config{Versions: []quic.Version{quic.Version1}})
	require.NoError(t, err)
	go func() { _ = s.ServeListener(listener) }()
	t.Cleanup(func() {
		_ = s.Close()
		_ = socket.Close()
		_ = socket.Conn.Close()
	})
}

func fine(_ int, w http.ResponseWriter) { _, _ = io.WriteString(w, "fine") }

// reset ends a stream with an error code.
func reset(w http.ResponseWriter, code http3.ErrCode) {
	stream, _ := w.(http3.HTTPStreamer).HTTPStream()
	stream.CancelRead(quic.StreamErrorCode(code))
	stream.CancelWrite(quic.StreamErrorCode(code))
}

// nobody returns an address where packets arrive and are never answered.
func nobody(t *testing.T) string {
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	return conn.LocalAddr().String()
}

// A client sends to whatever addresses its dials are given, one after the other, and to the last of them ever after.
type client struct {
	*http.Client
	base     *http3.Transport
	dialAddr func(context.Context, string, *tls.Config, *quic.Config) (*quic.Conn, error)

	mu      sync.Mutex
	to      []string   // the addresses of the dials to be made
	last    *quic.Conn // that was dialed
	classes []retry.Class
}

func newClient(t *testing.T, roots *x509.CertPool, p retry.Policy, to ...string) *client {
	c := &client{dialAddr: retryhttp3.Dial, to: to}
	c.base = &http3.Transport{
		TLSClientConfig: &tls.Config{RootCAs: roots},
		QUICConfig:      &quic.Config{HandshakeIdleTimeout: 300 * time.Millisecond, MaxIdleTimeout: time.Second},
		Dial:            c.dial,
	}
	p.Backoff = retry.Constant(time.Millisecond)
	c.start(t, p)
	c.Timeout = 10 * time.Second
	return c
}

// start gives c its Transport.
func (c *client) start(t *testing.T, p retry.Policy) {
	t.Cleanup(func() { _ = c.base.Close() })
	p.Classify = retryhttp3.Classify
	p.OnAttempt = func(_ retry.Attempt, d retry.Decision) {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.classes = append(c.classes, d.Class)
	}
	c.Client = &http.Client{Transport: retry.New(c.base, p)}
}

func (c *client) dial(ctx context.Context, _ string, t *tls.Config, q *quic.Config) (*quic.Conn, error) {
	c.mu.Lock()
	addr := c.to[0]
	if len(c.to) > 1 {
		c.to = c.to[1:]
	}
	c.mu.Unlock()
	conn, err := c.dialAddr(ctx, addr, t, q)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.last = conn
	return conn, err
}

// plainly dials the last address without what Dial adds.
func (c *client) plainly(ctx context.Context, _ string, t *tls.Config, q *quic.Config) (*quic.Conn, error) {
	return quic.DialAddr(ctx, c.to[0], t, q)
}

// do sends a request with a body of its own, and returns the response's.
func (c *client) do(t *testing.T, method string, body io.Reader) (string, error) {
	req, err := http.NewRequestWithContext(t.Context(), method, "https://127.0.0.1/", body)
	require.NoError(t, err)
	resp, err := c.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return string(text), err
}
