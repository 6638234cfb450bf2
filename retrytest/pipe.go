package retrytest

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
)

// pipeBacklog is how many connections may be dialed and not yet accepted.
const pipeBacklog = 128

// A pipeListener is a net.Listener in memory. Both ends of its connections are
// net.Pipe's, so that everything that waits on them waits durably, and a
// testing/synctest bubble's clock goes on. It belongs to the bubble that made it.
type pipeListener struct {
	queue chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func newPipeListener() *pipeListener {
	return &pipeListener{
		queue: make(chan net.Conn, pipeBacklog),
		done:  make(chan struct{}),
	}
}

// Accept returns the server's end of the next connection,
// or an error that is net.ErrClosed after Close.
func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case <-l.done:
		return nil, l.opError("accept", net.ErrClosed)
	default:
	}
	select {
	case c := <-l.queue:
		return c, nil
	case <-l.done:
		return nil, l.opError("accept", net.ErrClosed)
	}
}

// Close makes Accept fail, refuses what is dialed from now on, and closes the
// connections that nobody accepted.
func (l *pipeListener) Close() error {
	l.once.Do(func() { close(l.done) })
	l.closeQueued()
	return nil
}

func (l *pipeListener) closeQueued() {
	for {
		select {
		case c := <-l.queue:
			c.Close()
		default:
			return
		}
	}
}

// Addr is that of httptest's certificate, so that it fits.
func (l *pipeListener) Addr() net.Addr { return pipeAddr{} }

// DialContext returns the client's end of a new connection. Like a socket's, it does
// not wait for the other side to accept, unless the backlog is full. After Close
// it returns the error of a refused connection. It ignores network and addr.
func (l *pipeListener) DialContext(ctx context.Context, _, _ string) (net.Conn, error) {
	select {
	case <-l.done:
		return nil, l.opError("dial", os.NewSyscallError("connect", syscall.ECONNREFUSED))
	default:
	}
	client, server := newPipe()
	select {
	case l.queue <- server:
	case <-l.done:
		return nil, l.opError("dial", os.NewSyscallError("connect", syscall.ECONNREFUSED))
	case <-ctx.Done():
		return nil, l.opError("dial", ctx.Err())
	}
	select {
	case <-l.done: // Close may have emptied the queue before this connection was in it.
		l.closeQueued()
	default:
	}
	return client, nil
}

func (l *pipeListener) opError(op string, err error) error {
	return &net.OpError{Op: op, Net: "tcp", Addr: l.Addr(), Err: err}
}

type pipeAddr struct{}

func (pipeAddr) Network() string { return "tcp" }
func (pipeAddr) String() string  { return "example.com:80" }

// A pipeConn is one end of a net.Pipe whose errors look like a TCP connection's.
type pipeConn struct {
	net.Conn
	mine, peers *atomic.Bool // whether this end, or the other, closes by a reset
}

func newPipe() (client, server net.Conn) {
	c, s := net.Pipe()
	var cr, sr atomic.Bool
	return &pipeConn{c, &cr, &sr}, &pipeConn{s, &sr, &cr}
}

// SetLinger has the meaning of net.TCPConn's: after SetLinger(0), Close is a reset.
func (c *pipeConn) SetLinger(sec int) error {
	c.mine.Store(sec == 0)
	return nil
}

func (c *pipeConn) LocalAddr() net.Addr  { return pipeAddr{} }
func (c *pipeConn) RemoteAddr() net.Addr { return pipeAddr{} }

func (c *pipeConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	switch {
	case err == io.EOF && c.peers.Load():
		err = c.opError("read", os.NewSyscallError("read", syscall.ECONNRESET))
	case errors.Is(err, io.ErrClosedPipe):
		err = c.opError("read", net.ErrClosed)
	}
	return n, err
}

func (c *pipeConn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	if errors.Is(err, io.ErrClosedPipe) {
		err = c.opError("write", os.NewSyscallError("write", syscall.EPIPE))
	}
	return n, err
}

func (c *pipeConn) opError(op string, err error) error {
	return &net.OpError{Op: op, Net: "tcp", Source: c.LocalAddr(), Addr: c.RemoteAddr(), Err: err}
}
