package retrytest

import (
	"context"
	"errors"
	"net/http"
	"time"
)

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
	ok, bad, lost, hangs := status(200), p.failing(), failure(errPassing), []outcome{{hang: true}}
	return []wayOut{
		{name: "a 200", method: "PUT", outcomes: []outcome{ok}},
		{name: "a failure status and then a 200", method: "PUT", outcomes: []outcome{bad, ok}},
		{name: "a failure status each time", method: "PUT", outcomes: []outcome{bad}},
		{name: "an error and then a 200", method: "PUT", outcomes: []outcome{lost, ok}},
		{name: "an error each time", method: "PUT", outcomes: []outcome{lost}},
		{name: "a POST and a failure status", method: "POST", outcomes: []outcome{bad}},
		{name: "a POST and an error", method: "POST", outcomes: []outcome{lost}},
		{name: "a failure status for a body without GetBody", method: "PUT", plain: true, outcomes: []outcome{bad}},
		{name: "an error for a body without GetBody", method: "PUT", plain: true, outcomes: []outcome{lost}},
		{name: "a context that was done before", method: "PUT", done: true, outcomes: []outcome{ok}},
		{name: "a context cancelled during a wait", method: "PUT", cancel: true, outcomes: []outcome{bad}},
		{name: "a context that ends in 5 ms", method: "PUT", timeout: 5 * time.Millisecond, outcomes: []outcome{bad}},
		{name: "an attempt that hangs to its deadline", method: "PUT", timeout: time.Minute, outcomes: hangs},
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
