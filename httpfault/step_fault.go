package httpfault

import (
	"fmt"
	"io"
	"net/http"
	"time"
)

// Reset resets the connection and does not answer: by a TCP RST on a socket, by an
// error that looks the same on a pipe. Over HTTP/2 it takes all streams with it.
// The request is read whole; Reset().Early() does not read its body.
func Reset() Step { return fault("Reset()", (*exchange).reset) }

// Close closes the connection in good order, and does not answer: the client reads EOF.
func Close() Step { return fault("Close()", (*exchange).hangUp) }

// Hang does not answer, and keeps the connection open until the client
// goes away or the test ends.
func Hang() Step { return fault("Hang()", (*exchange).hang) }

// Raw writes text to the connection as it is, instead of an answer, and closes it in good order.
// It needs HTTP/1.
func Raw(text string) Step {
	s := fault(fmt.Sprintf("Raw(%s)", brief(text)), func(x *exchange) {
		x.raw(text)
		x.hangUp()
	})
	s.needs = needsHTTP1
	return s
}

const halfHeader = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"

// CloseInHeader closes the connection in good order in the middle of the
// header, and of a line in it. It needs HTTP/1.
func CloseInHeader() Step { return renamed("CloseInHeader()", Raw(halfHeader+"Content-Le")) }

// ResetInHeader resets the connection in the middle of the header,
// at the end of a line. It needs HTTP/1.
func ResetInHeader() Step {
	s := fault("ResetInHeader()", func(x *exchange) {
		x.raw(halfHeader)
		x.reset()
	})
	s.needs = needsHTTP1
	return s
}

// MalformedStatus answers with a status that is no number.
func MalformedStatus() Step {
	return fault("MalformedStatus()", func(x *exchange) {
		if x.stream != 0 {
			x.rawHeaders(field{":status", "abc"})
		}
		x.raw("HTTP/1.1 abc Nonsense\r\nContent-Length: 0\r\n\r\n")
		x.hangUp()
	})
}

// MalformedHeader answers 200 with a header that has a line which is no field: it has
// no colon. Over HTTP/2, a field has a name that is not allowed (RFC 9110 5.1).
func MalformedHeader() Step {
	return fault("MalformedHeader()", func(x *exchange) {
		if x.stream != 0 {
			x.rawHeaders(field{":status", "200"}, field{"bad name", "x"})
		}
		x.raw("HTTP/1.1 200 OK\r\nno field\r\nContent-Length: 0\r\n\r\n")
		x.hangUp()
	})
}

// Upgrade answers 101 and switches to protocol, in which every byte
// comes back (RFC 9110 7.8). It needs HTTP/1.
func Upgrade(protocol string) Step {
	s := fault(fmt.Sprintf("Upgrade(%q)", protocol), func(x *exchange) { x.upgrade(protocol) })
	if protocol == "" {
		return s.mistake("no protocol to switch to")
	}
	if !isFieldValue(protocol) {
		return s.mistake("a field's value has no control characters")
	}
	s.needs = needsHTTP1
	return s
}

func (x *exchange) upgrade(protocol string) {
	nc, rw, err := http.NewResponseController(x.w).Hijack()
	if err != nil {
		x.srv.t.Errorf("httpfault: request %d: cannot upgrade: %v", x.rec.Number, err)
		return
	}
	defer nc.Close()
	fmt.Fprintf(rw, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: %s\r\n\r\n", protocol)
	rw.Flush()
	io.Copy(nc, rw)
}

// An idleEnd is how a connection ends after its answer, when it is idle.
type idleEnd struct {
	after time.Duration
	text  string
}

// CloseIdle closes the connection when it was idle for d after the answer:
// the stale connection of a pool. It needs HTTP/1.
func (s Step) CloseIdle(d time.Duration) Step {
	return s.named(".CloseIdle(%v)", d).endIdle(d, "")
}

// TimeoutIdle sends a 408 that nobody asked for and closes the connection, when it
// was idle for d after the answer (RFC 9110 15.5.9). It needs HTTP/1.
func (s Step) TimeoutIdle(d time.Duration) Step {
	return s.named(".TimeoutIdle(%v)", d).
		endIdle(d, "HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
}

func (s Step) endIdle(d time.Duration, text string) Step {
	s = s.answers()
	if d < 0 {
		return s.mistake("a negative duration")
	}
	s.needs |= needsHTTP1
	s.idle = &idleEnd{after: d, text: text}
	return s
}

// start returns what to do when the connection is idle.
func (e *idleEnd) start(s *Server, c *conn) func() {
	return func() {
		was := c.requests.Load()
		if !s.idleFor(c, e.after) || c.requests.Load() != was {
			return
		}
		io.WriteString(c, e.text)
		c.closeWrite()
	}
}

func fault(name string, act func(*exchange)) Step { return Step{name: name, act: act} }

func renamed(name string, s Step) Step {
	s.name = name
	return s
}
