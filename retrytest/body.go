package retrytest

import (
	"net/http"
	"strings"
	"testing/synctest"
)

var bodyChecks = []check{
	{
		name:    "BodyClosed",
		promise: "every request body is closed, the caller's and those from GetBody, on every way out of the call.",
		why: "http.RoundTripper: \"RoundTrip must always close the body, including on errors.\" A body that " +
			"stays open is a file, a pipe or a goroutine that is never given back.",
		run: bodyClosed,
	},
	{
		name:    "BodyClosedOnce",
		promise: "no request body is closed a second time, neither by the wrapper nor by being sent again.",
		why: "io.Closer: \"The behavior of Close after the first call is undefined.\" A body that gives its " +
			"buffer back to a pool gives it back twice, and two requests share it.",
		apart: true,
		run:   bodyClosedOnce,
	},
	{
		name:    "BodyNotBuffered",
		promise: "a request body is not read before the base reads it.",
		why: "a body may be larger than memory, or be written while it is sent: reading it first turns an upload " +
			"of a pipe, or one with Expect: 100-continue, into a deadlock.",
		run: bodyNotBuffered,
	},
	{
		name:    "FreshBodyPerAttempt",
		promise: "each attempt sends the whole body, from its first byte.",
		why: "a body is consumed when it is sent; Request.GetBody is there to make another one. Without it the " +
			"retry sends a Content-Length and no bytes.",
		run: freshBodyPerAttempt,
	},
	{
		name:    "UnreplayableBodySentWhole",
		promise: "a body without GetBody is sent whole each time that it is sent at all.",
		why: "without GetBody net/http has no second copy. Sending what is left of the first one corrupts what " +
			"is stored without any error.",
		run: unreplayableBodySentWhole,
	},
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
			p.broken("%d bytes of the body had been read when the base was asked first (GetBody set: %t).",
				before, withGetBody)
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
				p.broken("Attempt %d sent %q with Content-Length %d and error %v, of the body %q.",
					i+1, s.content, s.length, s.err, text)
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
