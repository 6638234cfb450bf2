package retry_test

import (
	"bytes"
	"context"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
)

// wireBuffer is what a connection in memory holds in each direction, as a socket's buffers do.
const wireBuffer = 64 << 10

// A wire is a network in memory: a listener, and the dialer that reaches it. Unlike a socket's, its waits are durable, so
// that the real http.Server and http.Transport run over it in a bubble, and unlike net.Pipe's, its connections have
// buffers, so that a peer written by hand need not read while it writes.
type wire struct {
	queue chan net.Conn
	done  chan struct{}
	once  sync.Once

	mu    sync.Mutex
	conns []net.Conn // the dialed ends
}

func newWire() *wire {
	return &wire{queue: make(chan net.Conn, 64), done: make(chan struct{})}
}

func (w *wire) Accept() (net.Conn, error) {
	select {
	case c := <-w.queue:
		return c, nil
	case <-w.done:
		return nil, net.ErrClosed
	}
}

func (w *wire) Close() error {
	w.once.Do(func() { close(w.done) })
	return nil
}

func (w *wire) Addr() net.Addr { return wireAddr{} }

func (w *wire) DialContext(ctx context.Context, _, _ string) (net.Conn, error) {
	up, down := newStream(), newStream()
	client, server := &wireConn{in: down, out: up}, &wireConn{in: up, out: down}
	select {
	case <-w.done:
		return nil, wireError("dial", os.NewSyscallError("connect", syscall.ECONNREFUSED))
	default:
	}
	select {
	case <-ctx.Done():
		return nil, wireError("dial", ctx.Err())
	case w.queue <- server:
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.conns = append(w.conns, client)
	return client, nil
}

// dialed returns how many connections there have been.
func (w *wire) dialed() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.conns)
}

// open returns how many of them nobody has closed.
func (w *wire) open() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := 0
	for _, c := range w.conns {
		if !c.(*wireConn).out.isFinished() {
			n++
		}
	}
	return n
}

type wireAddr struct{}

func (wireAddr) Network() string { return "tcp" }
func (wireAddr) String() string  { return "example.com:80" }

func wireError(op string, err error) error {
	return &net.OpError{Op: op, Net: "tcp", Addr: wireAddr{}, Err: err}
}

// A wireConn is one end of a connection.
type wireConn struct {
	in, out *stream
	linger0 bool // Close is a reset
}

func (c *wireConn) Read(p []byte) (int, error)  { return c.in.read(p) }
func (c *wireConn) Write(p []byte) (int, error) { return c.out.write(p) }
func (c *wireConn) LocalAddr() net.Addr         { return wireAddr{} }
func (c *wireConn) RemoteAddr() net.Addr        { return wireAddr{} }

// SetLinger is that of net.TCPConn, for 0.
func (c *wireConn) SetLinger(sec int) error {
	c.linger0 = sec == 0
	return nil
}

func (c *wireConn) Close() error {
	// In this order: the peer must not answer the end of one direction through the other.
	c.in.change(func(s *stream) { s.abandoned = true })
	c.out.change(func(s *stream) {
		s.finished = true
		s.reset = s.reset || c.linger0
	})
	return nil
}

func (c *wireConn) SetDeadline(t time.Time) error {
	return firstError(c.SetReadDeadline(t), c.SetWriteDeadline(t))
}

func (c *wireConn) SetReadDeadline(t time.Time) error {
	c.in.change(func(s *stream) { s.readBy.set(s, t) })
	return nil
}

func (c *wireConn) SetWriteDeadline(t time.Time) error {
	c.out.change(func(s *stream) { s.writeBy.set(s, t) })
	return nil
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// A stream is one direction of a connection.
type stream struct {
	mu        sync.Mutex
	wake      *sync.Cond
	data      bytes.Buffer // at most wireBuffer
	finished  bool         // the writer closed
	reset     bool         // ... without lingering
	abandoned bool         // the reader closed
	readBy    wireDeadline
	writeBy   wireDeadline
}

func newStream() *stream {
	s := new(stream)
	s.wake = sync.NewCond(&s.mu)
	return s
}

func (s *stream) change(f func(*stream)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f(s)
	if s.finished && s.abandoned {
		s.readBy.set(s, time.Time{})
		s.writeBy.set(s, time.Time{})
	}
	s.wake.Broadcast()
}

func (s *stream) isFinished() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.finished
}

func (s *stream) read(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		switch {
		case s.abandoned:
			return 0, wireError("read", net.ErrClosed)
		case s.readBy.passed():
			return 0, wireError("read", os.ErrDeadlineExceeded)
		case s.reset:
			return 0, wireError("read", os.NewSyscallError("read", syscall.ECONNRESET))
		case s.data.Len() > 0:
			s.wake.Broadcast()
			return s.data.Read(p)
		case s.finished:
			return 0, io.EOF
		}
		s.wake.Wait()
	}
}

func (s *stream) write(p []byte) (n int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		switch {
		case s.finished:
			return n, wireError("write", net.ErrClosed)
		case s.abandoned:
			return n, wireError("write", os.NewSyscallError("write", syscall.EPIPE))
		case s.writeBy.passed():
			return n, wireError("write", os.ErrDeadlineExceeded)
		case len(p) == 0:
			return n, nil
		}
		if room := min(wireBuffer-s.data.Len(), len(p)); room > 0 {
			s.data.Write(p[:room])
			n, p = n+room, p[room:]
			s.wake.Broadcast()
			continue
		}
		s.wake.Wait()
	}
}

type wireDeadline struct {
	at    time.Time
	timer *time.Timer
}

func (d *wireDeadline) set(s *stream, t time.Time) {
	if d.timer != nil {
		d.timer.Stop()
		d.timer = nil
	}
	d.at = t
	if wait := time.Until(t); !t.IsZero() && wait > 0 {
		d.timer = time.AfterFunc(wait, func() { s.change(func(*stream) {}) })
	}
}

func (d *wireDeadline) passed() bool { return !d.at.IsZero() && !time.Now().Before(d.at) }
