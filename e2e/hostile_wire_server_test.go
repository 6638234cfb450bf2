package e2e_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/seed-e3550de8/retry/httpfault"
)

// A wirePage is an answer of a server, and what a client must make of it.
type wirePage struct {
	order   *wireOrder
	status  int
	content string
	endless bool // content is said again and again
	framed  bool // its end can be told
	total   string
	wish    time.Duration
}

func (p *wirePage) String() string {
	if p == nil {
		return "no page"
	}
	return fmt.Sprintf("%d of %d bytes, wish %v", p.status, len(p.content), p.wish)
}

// A wireClaim is what a step says of what the server did.
type wireClaim struct {
	refuses    bool  // not this request
	last       int64 // nor any of a stream after this one; -1 if it says nothing
	ownRetries bool  // it says nothing, but net/http sends the request again
}

// steps returns what the server does with an order.
func (o *wireOrder) steps() (steps []httpfault.Step) {
	for range o.dice.IntN(6) {
		step, claim := o.step(len(steps))
		o.scene.claims[step.String()] = claim
		o.scene.goesAway = o.scene.goesAway || claim.last >= 0
		steps = append(steps, step)
	}
	return steps
}

var nothing = wireClaim{last: -1}

func (o *wireOrder) step(n int) (httpfault.Step, wireClaim) {
	d := o.dice
	name := fmt.Sprintf("%d-%d", o.n, n)
	switch {
	case d.one(2):
		return o.answer(name)
	case o.scene.http2() && d.one(2):
		return o.http2Fault()
	case !o.scene.http2() && d.one(2):
		return o.http1Fault(name), nothing
	}
	fault := pick(d, httpfault.Reset(), httpfault.Close(), httpfault.Hang(), httpfault.MalformedStatus(),
		httpfault.MalformedHeader(), o.halfRead())
	if d.one(3) && fault.String() != "HandleFunc" {
		fault = fault.Early()
	}
	return fault.Latency(pick(d, 0, 0, 0, time.Millisecond, 2*time.Second)), nothing
}

// halfRead reads some of the body, and gives up.
func (o *wireOrder) halfRead() httpfault.Step {
	some := int64(o.dice.IntN(5000))
	return httpfault.HandleFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.CopyN(io.Discard, r.Body, some)
		panic(http.ErrAbortHandler)
	})
}

func (o *wireOrder) http2Fault() (httpfault.Step, wireClaim) {
	d := o.dice
	code := pick(d, httpfault.NoError, httpfault.ProtocolError, httpfault.InternalError, httpfault.Cancel,
		httpfault.EnhanceYourCalm, httpfault.HTTP11Required)
	switch d.IntN(4) {
	case 0:
		step := httpfault.RSTStream(httpfault.RefusedStream)
		if d.one(2) {
			step = step.Early()
		}
		return step, wireClaim{refuses: true, last: -1}
	case 1:
		step := httpfault.RSTStream(code)
		if d.one(2) {
			step = step.Early()
		}
		return step, wireClaim{last: -1, ownRetries: code == httpfault.ProtocolError && netHTTPSendsAgain}
	case 2:
		last := pick[uint32](d, 0, 1, 3, httpfault.MaxStream)
		return httpfault.GoAway(last, code), wireClaim{last: int64(last)}
	}
	return httpfault.StallUpload(), nothing
}

// answer is a step that answers, in order or not.
func (o *wireOrder) answer(name string) (httpfault.Step, wireClaim) {
	d := o.dice
	p := &wirePage{order: o, framed: true, status: pick(d, 200, 200, 200, 503, 503, 503, 429, 500, 408, 425, 404, 204)}
	o.scene.pages[name] = p
	step := httpfault.Status(p.status).Header("Page", name)
	if d.one(3) {
		p.wish = time.Duration(d.IntN(4)) * time.Second
		step = step.RetryAfter(p.wish)
	}
	step = step.Latency(pick(d, 0, 0, 0, 0, time.Millisecond, 60*time.Millisecond, 2*time.Second))
	if d.one(8) {
		step = step.Informational(pick(d, 100, 102, 103), 1+d.IntN(6))
	}
	if p.status != 204 {
		step = o.content(step, p, name)
	}
	if d.one(5) {
		step = step.Early()
	} else if d.one(6) {
		step = step.EarlyThenRead()
	}
	if o.scene.http2() {
		if !d.one(8) {
			return step, nothing
		}
		last := pick[uint32](d, 0, 1, 3, httpfault.MaxStream)
		return step.GoAway(last, httpfault.NoError), wireClaim{last: int64(last)}
	}
	switch d.IntN(8) {
	case 0:
		step = step.CloseIdle(pick(d, 0, time.Millisecond, time.Second))
	case 1:
		// Not at once: its text would stand in the middle of an answer to a request that comes at the same instant.
		step = step.TimeoutIdle(pick(d, time.Microsecond, time.Millisecond, time.Second))
	case 2:
		step = step.Close()
	}
	return step, nothing
}

// content gives an answer something to read, and breaks it off.
func (o *wireOrder) content(step httpfault.Step, p *wirePage, name string) httpfault.Step {
	d := o.dice
	size := d.IntN(pick(d, 1, 50, 1000, 1000, 20000, 70000))
	if d.one(100) {
		size = 300 << 10 // more than anybody drains
	}
	p.content = strings.Repeat("page "+name+"\n", size/8+1)[:size]
	step = step.Body(p.content)
	if d.one(40) {
		p.endless, p.content = true, alphabet
		return step.EndlessBody()
	}
	if d.one(6) {
		step = step.Gzip()
	}
	if d.one(4) {
		step = step.Chunked()
	}
	if d.one(6) {
		p.total = name
		step = step.Trailer("Total", name)
	}
	if size > 0 && d.one(8) {
		step = step.Drip(size/(1+d.IntN(30))+1, pick(d, time.Millisecond, 30*time.Millisecond, time.Second))
	}
	if size == 0 || !d.one(3) {
		return step
	}
	at := int64(d.IntN(size))
	switch kind := d.IntN(4); {
	case kind == 0:
		return step.CutBody(at)
	case kind == 1:
		return step.ResetBody(at)
	case kind == 2 && o.scene.http2():
		return step.RSTBody(at, pick(d, httpfault.RefusedStream, httpfault.InternalError, httpfault.NoError,
			httpfault.ProtocolError))
	}
	return step.StallBody(at)
}

const alphabet = "abcdefghijklmnopqrstuvwxyz"
