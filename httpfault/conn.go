package httpfault

import (
	"context"
	"crypto/tls"
	"net"
	"sync"
	"sync/atomic"
)

// A conn is a connection as the http.Server sees it: in clear text. Below it may be
// TLS; above it HTTP/2, whose frames it knows.
type conn struct {
	net.Conn          // the clear text
	raw      net.Conn // the socket or pipe
	srv      *Server
	number   int
	tls      *tls.ConnectionState
	closed   chan struct{}
	once     sync.Once
	onIdle   func() // what to do when it is idle next; owned by the http.Server's goroutine
	requests atomic.Int64
	h2       frameFilter
}

type connKey struct{}

func withConn(ctx context.Context, c net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, c)
}

func (s *Server) newConn(raw net.Conn) *conn {
	c := &conn{Conn: raw, raw: raw, srv: s, closed: make(chan struct{})}
	c.h2.init(s.cfg.Protocol.http2())
	s.mu.Lock()
	s.accepted++
	c.number = s.accepted
	s.conns[c] = struct{}{}
	s.mu.Unlock()
	select {
	case <-s.done: // close may have missed it.
		c.reset()
	default:
	}
	return c
}

func (s *Server) openConns() []*conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	var open []*conn
	for c := range s.conns {
		open = append(open, c)
	}
	return open
}

func (c *conn) Read(p []byte) (int, error)  { return c.h2.read(c.Conn, p) }
func (c *conn) Write(p []byte) (int, error) { return c.h2.write(c.Conn, p) }

// Close closes in good order: what was written arrives.
func (c *conn) Close() error {
	c.forget()
	return c.Conn.Close()
}

func (c *conn) forget() {
	c.once.Do(func() { close(c.closed) })
	c.srv.mu.Lock()
	defer c.srv.mu.Unlock()
	delete(c.srv.conns, c)
}

// reset closes the connection at once: by an RST on a socket.
func (c *conn) reset() {
	if l, ok := c.raw.(interface{ SetLinger(int) error }); ok {
		l.SetLinger(0)
	}
	c.forget()
	c.raw.Close()
}

// closeWrite ends the server's side of the connection: the client reads EOF. A socket
// goes on reading, because closing it with unread bytes would be a reset. What the
// http.Server writes from now on is lost without an error, so that it goes on reading too.
func (c *conn) closeWrite() {
	c.h2.mute()
	if t, ok := c.Conn.(*tls.Conn); ok {
		t.CloseWrite()
	}
	if w, ok := c.raw.(interface{ CloseWrite() error }); ok {
		w.CloseWrite()
		return
	}
	c.Close()
}
