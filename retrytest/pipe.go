package retrytest

import (
	"context"
	"net"
	"os"
	"sync"
	"syscall"
)

// pipeBacklog is how many connections may be dialed and not yet accepted.
const pipeBacklog = 128

// A pipeListener is a net.Listener in memory. Everything that waits for it or for its
// connections waits durably, so that a testing/synctest bubble's clock
// goes on. It belongs to the bubble that made it.
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
