package httpfault

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"os"
	"sync"
	"syscall"

	"github.com/seed-e3550de8/retry/internal/memnet"
)

// A frontListener is what clients dial: a socket on the loopback
// interface or a memnet.Listener, that can be closed and opened again.
type frontListener struct {
	addr   net.Addr
	pipe   bool
	closed chan struct{}

	mu   sync.Mutex
	li   net.Listener  // nil while down
	wake chan struct{} // closed by up
}

func listen(pipe bool) (*frontListener, error) {
	f := &frontListener{pipe: pipe, closed: make(chan struct{})}
	li, err := f.open("127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	f.li, f.addr = li, li.Addr()
	return f, nil
}

func (f *frontListener) open(addr string) (net.Listener, error) {
	if f.pipe {
		return memnet.Listen(), nil
	}
	return net.Listen("tcp", addr)
}

func (f *frontListener) Addr() net.Addr { return f.addr }

// Accept waits also while the listener is down. It fails only after Close.
func (f *frontListener) Accept() (net.Conn, error) {
	for {
		li, wake := f.current()
		if li == nil {
			select {
			case <-wake:
				continue
			case <-f.closed:
				return nil, net.ErrClosed
			}
		}
		c, err := li.Accept()
		if err == nil {
			return c, nil
		}
		select {
		case <-f.closed:
			return nil, net.ErrClosed
		default:
		}
	}
}

func (f *frontListener) current() (net.Listener, chan struct{}) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.li, f.wake
}

func (f *frontListener) Close() error {
	close(f.closed)
	f.down()
	return nil
}

func (f *frontListener) down() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.li == nil {
		return
	}
	f.li.Close()
	f.li, f.wake = nil, make(chan struct{})
}

func (f *frontListener) up() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.li != nil {
		return nil
	}
	select {
	case <-f.closed:
		return nil
	default:
	}
	li, err := f.open(f.addr.String())
	if err != nil {
		return err
	}
	f.li = li
	close(f.wake)
	return nil
}

func (f *frontListener) dial(ctx context.Context) (net.Conn, error) {
	if !f.pipe {
		var d net.Dialer
		return d.DialContext(ctx, "tcp", f.addr.String())
	}
	li, _ := f.current()
	if li == nil {
		return f.dialDown(ctx)
	}
	return li.(*memnet.Listener).DialContext(ctx, "", "")
}

// refuse dials a port where nobody listens, so that the error is the system's own. It is tempting to close
// the listener for that moment, but then the dials of others would be refused too, and
// another process could take the port.
func (f *frontListener) refuse(ctx context.Context) (net.Conn, error) {
	if f.pipe {
		return f.dialDown(ctx)
	}
	for {
		li, err := f.open("127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		li.Close()
		c, err := new(net.Dialer).DialContext(ctx, "tcp", li.Addr().String())
		if err == nil { // somebody took that port
			c.Close()
			continue
		}
		if op, ok := errors.AsType[*net.OpError](err); ok {
			op.Addr = f.addr
		}
		return nil, err
	}
}

// dialDown dials what does not listen.
func (f *frontListener) dialDown(ctx context.Context) (net.Conn, error) {
	if f.pipe {
		refused := os.NewSyscallError("connect", syscall.ECONNREFUSED)
		return nil, &net.OpError{Op: "dial", Net: "tcp", Addr: f.addr, Err: refused}
	}
	var d net.Dialer
	return d.DialContext(ctx, "tcp", f.addr.String())
}

// A chanListener hands connections that are ready to an http.Server.
type chanListener struct {
	queue chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func newChanListener() *chanListener {
	return &chanListener{queue: make(chan net.Conn), done: make(chan struct{})}
}

func (l *chanListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.queue:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l *chanListener) Close() error {
	l.once.Do(func() { close(l.done) })
	return nil
}

func (l *chanListener) Addr() net.Addr { return memnet.Addr{} }

func (l *chanListener) hand(c net.Conn) {
	select {
	case l.queue <- c:
	case <-l.done:
		c.Close()
	}
}

// acceptLoop gives each connection to the script's next step, if that
// is one for connections, and else to the http.Server.
func (s *Server) acceptLoop() {
	for {
		raw, err := s.front.Accept()
		if err != nil {
			return
		}
		c := s.newConn(raw)
		step, ok := s.takeConnStep(c)
		s.work.Go(func() {
			if ok {
				if step.latency > 0 {
					s.idleFor(c, step.latency)
				}
				step.onConn(s, c)
				return
			}
			s.greet(c, nil)
		})
	}
}

// greet makes the TLS handshake, if there is to be one, and hands the connection over.
func (s *Server) greet(c *conn, cert *tls.Certificate) {
	if s.secure(c, cert) {
		s.back.hand(c)
	}
}

// secure makes the TLS handshake, if there is to be one. A nil cert is the right one.
// It closes the connection and reports false if that fails.
func (s *Server) secure(c *conn, cert *tls.Certificate) bool {
	if s.cfg.Protocol.tls() && !c.startTLS(s, cert) {
		c.Close()
		return false
	}
	return true
}

// connState waits for the http.Server's goroutines, and tells
// a connection that it is idle.
func (s *Server) connState(nc net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		s.work.Add(1)
	case http.StateClosed, http.StateHijacked:
		s.work.Done()
	case http.StateActive:
		nc.(*conn).requests.Add(1)
	case http.StateIdle:
		if c, ok := nc.(*conn); ok && c.onIdle != nil {
			after := c.onIdle
			c.onIdle = nil
			s.work.Go(after)
		}
	}
}
