package httpfault

import (
	"io"
	"net/http"
	"runtime/debug"
	"strings"
	"time"
)

// An exchange is one request on its way through its step.
type exchange struct {
	srv    *Server
	conn   *conn
	stream uint32 // 0 over HTTP/1
	w      http.ResponseWriter
	r      *http.Request
	rec    *record
}

// serve is the handler of the real http.Server.
func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	if !s.enter() {
		panic(http.ErrAbortHandler)
	}
	defer s.work.Done()
	c := r.Context().Value(connKey{}).(*conn)
	stream := takeStream(r)
	tn, rec := s.take(c, stream, r)
	defer rec.finish()
	r.TLS = c.tls
	if r.Body != http.NoBody {
		r.Body = rec
	}
	x := &exchange{srv: s, conn: c, stream: stream, w: w, r: r, rec: rec}
	defer x.recover()
	if tn.notYet {
		x.tooEarly()
	}
	if tn.closeConn {
		w.Header().Set("Connection", "close")
	}
	x.run(tn.step)
}

func (x *exchange) recover() {
	v := recover()
	if v == nil {
		return
	}
	if v != http.ErrAbortHandler {
		x.srv.t.Errorf("httpfault: request %d: %s panicked: %v\n%s", x.rec.Number, x.rec.Step, v, debug.Stack())
	}
	panic(http.ErrAbortHandler)
}

// tooEarly closes the connection, because the next step needs a new one. Over HTTP/2
// the client can see that the request was not processed.
func (x *exchange) tooEarly() {
	if x.stream != 0 {
		x.goAway(max(x.stream, 2)-2, NoError)
	}
	x.hangUp()
}

func (x *exchange) run(st Step) {
	if st.needs&needsHTTP2 != 0 && x.stream == 0 {
		x.srv.t.Errorf("httpfault: request %d came over %s, and %v needs HTTP/2", x.rec.Number, x.r.Proto, st)
		x.hangUp()
	}
	switch {
	case st.handler:
	case st.early:
		// Without it, HTTP/1 would read up to 256 KiB of the body before the answer.
		http.NewResponseController(x.w).EnableFullDuplex()
	default:
		io.Copy(io.Discard, x.rec)
	}
	x.sleep(st.latency)
	if st.idle != nil {
		x.conn.onIdle = st.idle.start(x.srv, x.conn)
	}
	if st.act != nil {
		st.act(x)
		return
	}
	x.answer(&st)
	if st.readOn {
		x.flush()
		io.Copy(io.Discard, x.rec)
	}
}

func (x *exchange) answer(st *Step) {
	hasBody := x.r.ContentLength != 0
	known := !st.answer.body.chunked
	if st.early && !st.readOn && hasBody && x.stream == 0 {
		x.w.Header().Set("Connection", "close")
	}
	if st.goAway != nil {
		st.goAway(x)
	}
	content, length := st.answer.body.open()
	x.writeHeader(&st.answer, length)
	if x.r.Method != http.MethodHead {
		x.writeBody(&st.answer.body, content)
	}
	for _, f := range st.answer.trailer {
		x.w.Header().Add(f.key, f.value)
	}
	if st.early && !st.readOn && hasBody && x.stream == 0 && known {
		x.flush()
		x.hangUp()
	}
}

func (x *exchange) flush() { http.NewResponseController(x.w).Flush() }

// sleep waits, and ends the exchange if the client or the test is gone.
func (x *exchange) sleep(d time.Duration) {
	if !x.srv.sleep(x.r.Context(), d) {
		panic(http.ErrAbortHandler)
	}
}

// hang waits until the client goes away or the test ends.
func (x *exchange) hang() {
	select {
	case <-x.r.Context().Done():
	case <-x.conn.closed:
	case <-x.srv.done:
	}
	panic(http.ErrAbortHandler)
}

// isOver reports whether the client went away or the test ended.
func (x *exchange) isOver() bool {
	select {
	case <-x.r.Context().Done():
	case <-x.conn.closed:
	case <-x.srv.done:
	default:
		return false
	}
	return true
}

// unlessOver ends the exchange if the client went away or the test ended.
func (x *exchange) unlessOver() {
	if x.isOver() {
		panic(http.ErrAbortHandler)
	}
}

// hangUp closes the connection in good order: the client reads EOF. What it still sends
// is thrown away until it closes too, because closing a socket with
// unread bytes would be a reset.
func (x *exchange) hangUp() {
	x.conn.closeWrite()
	io.Copy(io.Discard, x.rec.body)
	panic(http.ErrAbortHandler)
}

// reset closes the connection at once, whatever is on its way.
func (x *exchange) reset() {
	x.conn.reset()
	panic(http.ErrAbortHandler)
}

// raw writes text past the http.Server, which has written nothing yet.
func (x *exchange) raw(text string) { io.Copy(x.conn, strings.NewReader(text)) }
