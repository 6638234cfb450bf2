package memnet

import (
	"context"
	"net"
	"os"
	"sync"
	"syscall"
)

// backlog is how many connections may be dialed and not yet accepted.
const backlog = 128

// A Listener is a net.Listener in memory. Everything that waits for it or for its
// connections waits durably, so that a testing/synctest bubble's clock
// goes on. It belongs to the bubble that made it.
type Listener struct {
	queue chan net.Conn
	done  chan struct{}
	once  sync.Once
}

// Listen returns a new Listener, which is open.
func Listen() *Listener {
	return &Listener{
		queue: make(chan net.Conn, backlog),
		done:  make(chan struct{}),
	}
}

// Accept returns the server's end of the next connection,
// or an error that is net.ErrClosed after Close.
func (l *Listener) Accept() (net.Conn, error) {
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
func (l *Listener) Close() error {
	l.once.Do(func() { close(l.done) })
	l.closeQueued()
	return nil
}

func (l *Listener) closeQueued() {
	for {
		select {
		case c := <-l.queue:
			c.Close()
		default:
			return
		}
	}
}

// Addr returns an [Addr].
func (l *Listener) Addr() net.Addr { return Addr{} }

// DialContext returns the client's end of a new connection. Like a socket's, it does
// not wait for the other side to accept, unless the backlog is full. After Close
// it returns the error of a refused connection. It ignores network and addr.
func (l *Listener) DialContext(ctx context.Context, _, _ string) (net.Conn, error) {
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

func (l *Listener) opError(op string, err error) error {
	return &net.OpError{Op: op, Net: "tcp", Addr: l.Addr(), Err: err}
}

// An Addr is the address of every Listener and of both ends of its connections. Its host is that of the certificate of
// net/http/httptest.
type Addr struct{}

func (Addr) Network() string { return "tcp" }
func (Addr) String() string  { return "example.com:80" }
