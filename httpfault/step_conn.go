package httpfault

import (
	"io"
	"time"
)

// The steps of this file take a connection before it carries a request. When one is next in the
// script, the answer before it closes its connection, so that a new one is made. Which request
// a client makes a connection for is its affair: net/http may make one that it then does not need.

// Refuse refuses a connection: what dials by [Server.DialContext], as the server's own client does, gets
// the system's error for a port where nobody listens. What dials by itself meets
// a reset instead; for that, see [Server.Down].
func Refuse() Step {
	s := onConn("Refuse()", func(_ *Server, c *conn) { c.reset() })
	s.refuse = true
	return s
}

// NoAccept leaves a connection as if nobody had accepted it: it is open,
// and not a byte is read or written, TLS's included.
func NoAccept() Step {
	return onConn("NoAccept()", func(s *Server, c *conn) { c.hold() })
}

// ResetOnAccept resets a connection when its first byte comes, with no request read.
func ResetOnAccept() Step {
	return onConn("ResetOnAccept()", func(_ *Server, c *conn) {
		io.ReadFull(c.raw, make([]byte, 1))
		c.reset()
	})
}

// CloseOnAccept closes a connection in good order when its first bytes come.
func CloseOnAccept() Step {
	return onConn("CloseOnAccept()", func(_ *Server, c *conn) {
		io.ReadFull(c.raw, make([]byte, 1))
		c.closeWrite()
		c.discard()
	})
}

func onConn(name string, f func(*Server, *conn)) Step { return Step{name: name, onConn: f} }

// hold keeps the connection open until the test ends.
func (c *conn) hold() {
	<-c.srv.done
	c.Close()
}

// discard reads until the client closes the connection or the test ends.
func (c *conn) discard() {
	io.Copy(io.Discard, c.raw)
	c.Close()
}

// idleFor waits for d with a connection that has nothing to do, and reports
// whether it was open all the time.
func (s *Server) idleFor(c *conn, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-c.closed:
		return false
	case <-s.done:
		return false
	}
}
