package httpfault

import (
	"fmt"
	"net/http"
	"slices"
	"time"
)

// A Step is what a [Server] does with one request or, if the step's comment says
// so, with one connection. It is a value: its methods return a changed copy. The
// zero Step is Status(200).
//
// A step reads the request with its body to the end, waits for its [Step.Latency], and
// then acts. [Step.Early] makes it act with the body unread.
//
// A step that makes no sense, such as a negative Latency, a status code that does
// not exist, or a Body for a Reset, fails the test when it is given to a server.
type Step struct {
	name    string
	wrong   string // what makes no sense; first mistake only
	times   int    // 0 is 1
	needs   protocols
	early   bool
	readOn  bool // early, then read the rest
	handler bool // the request's body is its handler's
	latency time.Duration
	idle    *idleEnd

	onConn func(*Server, *conn) // not nil: the step takes a connection
	refuse bool                 // the step takes a dial
	act    func(*exchange)      // nil: the step answers, with answer
	answer reply
	goAway func(*exchange) // HTTP/2: before the answer
}

// protocols says what a step can't do without.
type protocols int

const (
	needsHTTP1 protocols = 1 << iota
	needsHTTP2
	needsTLS
)

func (n protocols) missing(p Protocol) string {
	switch {
	case n&needsHTTP1 != 0 && p.http2():
		return "HTTP/1"
	case n&needsHTTP2 != 0 && !p.http2():
		return "HTTP/2"
	case n&needsTLS != 0 && !p.tls():
		return "TLS"
	}
	return ""
}

// Status answers with a status code from 200 to 999, and no body.
// See [Step.Informational] for the codes below.
func Status(code int) Step {
	s := Step{name: fmt.Sprintf("Status(%d)", code)}
	s.answer.status = code
	if code < 200 || code > 999 {
		return s.mistake("no status code of a final response")
	}
	return s
}

// OK answers 200 with body.
func OK(body string) Step {
	s := Status(http.StatusOK).Body(body)
	s.name = fmt.Sprintf("OK(%s)", brief(body))
	return s
}

// Handle lets h answer. The request's body is h's to read: what it reads is recorded.
// A panic in h fails the test, but for http.ErrAbortHandler.
func Handle(h http.Handler) Step {
	s := Step{name: "Handle"}
	if h == nil {
		return s.mistake("the handler is nil")
	}
	s.handler = true
	s.act = func(x *exchange) { h.ServeHTTP(x.w, x.r) }
	return s
}

// HandleFunc is Handle for a function.
func HandleFunc(f func(http.ResponseWriter, *http.Request)) Step {
	if f == nil {
		return Step{name: "HandleFunc"}.mistake("the handler is nil")
	}
	s := Handle(http.HandlerFunc(f))
	s.name = "HandleFunc"
	return s
}

// Times repeats the step for n requests in a row, n at least 1.
func (s Step) Times(n int) Step {
	s = s.named(".Times(%d)", n)
	if n < 1 {
		return s.mistake("a step happens at least once")
	}
	s.times = n
	return s
}

// Latency waits for d before the step acts: before the response's header, or the fault.
// For a step that takes a connection, it waits before the connection is looked at. The last Latency of a step counts.
func (s Step) Latency(d time.Duration) Step {
	s = s.named(".Latency(%v)", d)
	if d < 0 {
		return s.mistake("a negative duration")
	}
	if s.refuse {
		return s.mistake("a refused connection has no latency")
	}
	s.latency = d
	return s
}

// Early acts when the header of the request is read and nothing of its body. After an answer over
// HTTP/1, the connection is closed; over HTTP/2, the stream ends with RST_STREAM
// NO_ERROR (RFC 9113 8.1).
func (s Step) Early() Step {
	s = s.named(".Early()")
	if s.onConn != nil {
		return s.mistake("the step takes a connection, not a request")
	}
	if s.handler {
		return s.mistake("the body is the handler's to read")
	}
	s.early = true
	return s
}

// EarlyThenRead answers before it reads the request's body, and then reads it to the end.
func (s Step) EarlyThenRead() Step {
	s = s.named(".EarlyThenRead()").answers()
	s.early, s.readOn = true, true
	return s
}

// String returns the step as it would be written.
func (s Step) String() string {
	if s.name == "" {
		return "Status(200)"
	}
	return s.name
}

func (s Step) named(format string, args ...any) Step {
	s.name = s.String() + fmt.Sprintf(format, args...)
	return s
}

func (s Step) mistake(format string, args ...any) Step {
	if s.wrong == "" {
		s.wrong = fmt.Sprintf("%v: ", s) + fmt.Sprintf(format, args...)
	}
	return s
}

// answers marks a mistake unless the step is one that answers from its own fields.
func (s Step) answers() Step {
	if s.act != nil || s.onConn != nil {
		return s.mistake("the step does not answer with a status")
	}
	return s
}

func (s Step) count() int { return max(s.times, 1) }

// check returns what is wrong with the step on a server with protocol p, or "".
func (s Step) check(p Protocol) string {
	if s.wrong != "" {
		return s.wrong
	}
	if m := s.needs.missing(p); m != "" {
		return fmt.Sprintf("%v: needs %s, and the server is for %v", s, m, p)
	}
	if w := s.answer.wrong(); w != "" {
		return fmt.Sprintf("%v: %s", s, w)
	}
	return ""
}

func brief(text string) string {
	if len(text) > 20 {
		return fmt.Sprintf("%q...", text[:20])
	}
	return fmt.Sprintf("%q", text)
}

// with returns a copy of list with f at its end. Steps are values, so
// no two may share what lies behind a slice's end.
func with[T any](list []T, f T) []T { return append(slices.Clip(list), f) }
