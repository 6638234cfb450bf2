package retrytest

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing/synctest"
	"time"
)

var bodyChecks = []check{
	{
		name:    "BodyClosed",
		promise: "every request body is closed, the caller's and those from GetBody, on every way out of the call.",
		why:     "http.RoundTripper: \"RoundTrip must always close the body, including on errors.\" A body that stays open is a file, a pipe or a goroutine that is never given back.",
		run:     bodyClosed,
	},
	{
		name:    "BodyClosedOnce",
		promise: "no request body is closed a second time, neither by the wrapper nor by being sent again.",
		why:     "io.Closer: \"The behavior of Close after the first call is undefined.\" A body that gives its buffer back to a pool gives it back twice, and two requests share it.",
		run:     bodyClosedOnce,
	},
	{
		name:    "BodyNotBuffered",
		promise: "a request body is not read before the base reads it.",
		why:     "a body may be larger than memory, or be written while it is sent: reading it first turns an upload of a pipe, or one with Expect: 100-continue, into a deadlock.",
		run:     bodyNotBuffered,
	},
	{
		name:    "FreshBodyPerAttempt",
		promise: "each attempt sends the whole body, from its first byte.",
		why:     "a body is consumed when it is sent; Request.GetBody is there to make another one. Without it the retry sends a Content-Length and no bytes.",
		run:     freshBodyPerAttempt,
	},
	{
		name:    "UnreplayableBodySentWhole",
		promise: "a body without GetBody is sent whole each time that it is sent at all.",
		why:     "without GetBody net/http has no second copy. Sending what is left of the first one corrupts what is stored without any error.",
		run:     unreplayableBodySentWhole,
	},
	{
		name:    "EarlyReplyUpload",
		promise: "a retry does not touch the body that an earlier attempt may still be reading.",
		why:     "http.RoundTripper: callers wanting to reuse the body must wait for its Close. After an early 503 a transport goes on reading; rewinding that reader mixes the bytes of two attempts, and the server stores the mixture (golang/go#51907).",
		run:     earlyReplyUpload,
	},
}

// A way out of a call. They serve several checks.
type wayOut struct {
	name     string
	method   string
	outcomes []outcome
	plain    bool          // no GetBody
	getBody  error         // what GetBody fails with
	done     bool          // the context is done before the call
	cancel   bool          // the context is cancelled during the first wait
	timeout  time.Duration // of the context
}

func (p *probe) waysOut() []wayOut {
	ok, bad := status(200), p.failing()
	return []wayOut{
		{name: "a 200", method: "PUT", outcomes: []outcome{ok}},
		{name: "a failure status and then a 200", method: "PUT", outcomes: []outcome{bad, ok}},
		{name: "a failure status each time", method: "PUT", outcomes: []outcome{bad}},
		{name: "an error and then a 200", method: "PUT", outcomes: []outcome{failure(errPassing), ok}},
		{name: "an error each time", method: "PUT", outcomes: []outcome{failure(errPassing)}},
		{name: "a POST and a failure status", method: "POST", outcomes: []outcome{bad}},
		{name: "a POST and an error", method: "POST", outcomes: []outcome{failure(errPassing)}},
		{name: "a failure status for a body without GetBody", method: "PUT", plain: true, outcomes: []outcome{bad}},
		{name: "an error for a body without GetBody", method: "PUT", plain: true, outcomes: []outcome{failure(errPassing)}},
		{name: "a context that was done before", method: "PUT", done: true, outcomes: []outcome{ok}},
		{name: "a context cancelled during a wait", method: "PUT", cancel: true, outcomes: []outcome{bad}},
		{name: "a context that ends in 5 ms", method: "PUT", timeout: 5 * time.Millisecond, outcomes: []outcome{bad}},
		{name: "an attempt that hangs to the deadline", method: "PUT", timeout: time.Minute, outcomes: []outcome{{hang: true}}},
		{name: "a GetBody that fails", method: "PUT", getBody: errors.New("no second body"), outcomes: []outcome{bad}},
	}
}

// A trip is what came of a way out.
type trip struct {
	ctx  *spyContext
	src  *source
	resp *http.Response // closed
	err  error
}

// take sends a request on way w.
func (p *probe) take(w wayOut) trip {
	ctx := newSpyContext()
	req, src := p.upload(w.method, "the body")
	src.err = w.getBody
	if w.plain {
		req.GetBody = nil
	}
	if w.timeout > 0 {
		ctx.deadline = time.Now().Add(w.timeout)
		timer := time.AfterFunc(w.timeout, func() { ctx.end(context.DeadlineExceeded) })
		defer timer.Stop()
	}
	if w.done {
		ctx.end(context.Canceled)
	}
	b := &base{outcomes: w.outcomes}
	if w.cancel {
		b.onSend = func(int, *http.Request) { time.AfterFunc(time.Nanosecond, func() { ctx.end(context.Canceled) }) }
	}
	resp, err := p.wrap(b).RoundTrip(req.WithContext(ctx))
	if resp != nil && resp.Body != nil {
		resp.Body.Close()
	}
	return trip{ctx: ctx, src: src, resp: resp, err: err}
}

func bodyClosed(p *probe) {
	for _, w := range p.waysOut() {
		t := p.take(w)
		synctest.Wait()
		if n := t.src.unclosed(); n > 0 {
			p.broken("After %s, %d of %d bodies were open.", w.name, n, len(t.src.all()))
		}
	}
}

func bodyClosedOnce(p *probe) {
	for _, w := range p.waysOut() {
		t := p.take(w)
		synctest.Wait()
		for i, c := range t.src.all() {
			if n := c.timesClosed(); n > 1 {
				p.broken("After %s, body %d of %d had been closed %d times.", w.name, i+1, len(t.src.all()), n)
			}
		}
	}
}

func bodyNotBuffered(p *probe) {
	for _, withGetBody := range []bool{true, false} {
		req, src := p.upload(http.MethodPut, strings.Repeat("body ", 1000))
		if !withGetBody {
			req.GetBody = nil
		}
		before := 0
		b := &base{outcomes: []outcome{status(200)}}
		b.onSend = func(int, *http.Request) { before = src.first().wasRead() }
		_, _ = p.send(b, req)
		if before > 0 {
			p.broken("%d bytes of the body had been read when the base was asked first (GetBody set: %t).", before, withGetBody)
		}
	}
}

func freshBodyPerAttempt(p *probe) {
	const text = "each byte of it, each time"
	for _, first := range []outcome{p.failing(), failure(errPassing)} {
		if first.err != nil && p.claims.NoErrors {
			continue
		}
		req, _ := p.upload(http.MethodPut, text)
		b := &base{outcomes: []outcome{first, status(200)}}
		_, err := p.send(b, req)
		for i, s := range b.sendings() {
			if s.content != text || s.err != nil || s.length != int64(len(text)) {
				p.broken("Attempt %d sent %q with Content-Length %d and error %v, of the body %q.", i+1, s.content, s.length, s.err, text)
			}
		}
		if len(b.sendings()) < 2 || err != nil {
			p.broken("A PUT with GetBody that failed once had %d attempts and the error %v.", b.attempts(), err)
		}
	}
}

func unreplayableBodySentWhole(p *probe) {
	const text = "it exists once"
	for _, first := range []outcome{p.failing(), failure(errPassing)} {
		req, _ := p.upload(http.MethodPut, text)
		req.GetBody = nil
		b := &base{outcomes: []outcome{first, status(200)}}
		got, err := p.send(b, req)
		for i, s := range b.sendings() {
			if s.content != text || s.err != nil {
				p.broken("Attempt %d sent %q with error %v, of the body %q.", i+1, s.content, s.err, text)
			}
		}
		if b.attempts() == 1 && first.err == nil && (err != nil || got.text != replyTo(1)) && !p.claims.NoLastResponse {
			p.broken("The body could be sent once only, and the answer to that was lost: %q, error %v.", got.text, err)
		}
	}
}

func earlyReplyUpload(p *probe) {
	text := pattern(32 << 10)
	req, _ := p.upload(http.MethodPut, text)
	early := &earlyReply{code: p.claims.failureStatus(), reads: make(chan string, 1)}
	resp, err := p.roundTrip(p.wrap(early), req)
	if err != nil {
		p.broken("An early answer, and then a 200, gave the error %q.", err)
	}
	resp.Body.Close()
	if first := <-early.reads; !strings.HasPrefix(text, first) {
		p.broken("The first attempt read %d bytes that are not the start of the body.", len(first))
	}
	if early.attempts < 2 {
		p.broken("The early answer with status %d was not followed by a retry.", early.code)
	}
	if early.second != text {
		p.broken("The second attempt read %d bytes that are not the %d bytes of the body.", len(early.second), len(text))
	}
}

// pattern has no two lines alike, so that a part of it in the wrong place shows.
func pattern(size int) string {
	var b []byte
	for i := 0; len(b) < size; i++ {
		b = strconv.AppendInt(append(b, "line "...), int64(i), 10)
		b = append(b, '\n')
	}
	return string(b[:size])
}

// earlyReply is a base that answers the first attempt at once and goes on reading its body, as net/http does.
type earlyReply struct {
	code  int
	reads chan string // what the first attempt read in the end

	mu       sync.Mutex
	attempts int
	second   string
}

func (e *earlyReply) RoundTrip(req *http.Request) (*http.Response, error) {
	e.mu.Lock()
	e.attempts++
	n := e.attempts
	e.mu.Unlock()
	reply := (&base{}).reply(status(e.code), n, req)
	if n == 1 {
		go func() { e.reads <- readSlowly(req.Body) }()
		return reply, nil
	}
	reply.StatusCode = http.StatusOK
	read := readSlowly(req.Body)
	e.mu.Lock()
	e.second = read
	e.mu.Unlock()
	return reply, nil
}

// readSlowly takes longer than any backoff: the first attempt is not done when the second begins.
func readSlowly(body io.ReadCloser) string {
	if body == nil {
		return ""
	}
	defer body.Close()
	var all []byte
	piece := make([]byte, 512)
	for {
		n, err := body.Read(piece)
		all = append(all, piece[:n]...)
		if err != nil {
			return string(all)
		}
		time.Sleep(10 * time.Second)
	}
}
