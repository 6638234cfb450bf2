package retrytest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"os"
	"reflect"
	"runtime"
	"slices"
	"time"
	"weak"
)

var contractChecks = []check{
	{
		name:    "RequestNotModified",
		promise: "the caller's request is not modified, neither during the call nor after it.",
		why:     "http.RoundTripper: \"RoundTrip should not modify the request, except for consuming and closing the Request's Body.\" The caller may be reading its fields in another goroutine, or send it again.",
		run:     requestNotModified,
	},
	{
		name:    "RequestNotKept",
		promise: "nothing refers to a request for long after its response is closed.",
		why:     "http.RoundTripper: callers may reuse the request then. One that is kept is memory that grows with each call, and credentials that live longer than they should.",
		run:     requestNotKept,
	},
	{
		name:    "NeverBoth",
		promise: "a call returns a response or an error, never both and never neither.",
		why:     "http.Client logs \"RoundTripper returned a response & error; ignoring response\" and never closes its body: a connection leaks.",
		run:     neverBoth,
	},
	{
		name:    "LastResponseUnread",
		promise: "when the attempts are used up, the last response is returned with a nil error, unread and open.",
		why:     "http.RoundTripper: \"RoundTrip must return err == nil if it obtained a response, regardless of the response's HTTP status code.\" The body says what went wrong.",
		needs:   []need{lastResponse},
		run:     lastResponseUnread,
	},
	{
		name:    "LastErrorMatches",
		promise: "the error returned matches the error of the last attempt by errors.Is.",
		why:     "callers decide by the error, and that something was repeated does not change what went wrong.",
		run:     lastErrorMatches,
	},
	{
		name:    "TimeoutStaysTimeout",
		promise: "an attempt's error with Timeout() true gives a url.Error with Timeout() true.",
		why:     "url.Error asks its Err by a plain type assertion and does not unwrap. A wrapper's own error type needs the method, or every timeout stops being one.",
		run:     timeoutStaysTimeout,
	},
	{
		name:    "AttemptsBounded",
		promise: "a request that always fails is given up after the number of attempts claimed, or after 2 to 100 if none is.",
		why:     "retries without a bound turn an outage of the server into one of its clients, and keep it from coming back.",
		run:     attemptsBounded,
	},
	{
		name:    "ResponseOutlivesCall",
		promise: "the body of the response can be read for as long as the caller's own context lives.",
		why:     "net/http ends the reading of a body when the context of its request is done. A context for one attempt must live until the body is closed or read to its end.",
		run:     responseOutlivesCall,
	},
}

func requestNotModified(p *probe) {
	req, _ := p.upload(http.MethodPut, "the body")
	req.Header.Set("X-Caller", "its own")
	req.Trailer = http.Header{"X-Sum": nil}
	before := snapshot(req)
	b, diff := &base{outcomes: []outcome{p.failing(), status(200)}}, ""
	b.onSend = func(n int, _ *http.Request) {
		if field := before.diff(snapshot(req)); field != "" && diff == "" {
			diff = fmt.Sprintf("its %s was another one when attempt %d was made", field, n)
		}
	}
	if _, err := p.send(b, req); err != nil {
		p.broken("A failure and then a 200 gave the error %q.", err)
	}
	if diff != "" {
		p.broken("Of the caller's request, %s.", diff)
	}
	if field := before.diff(snapshot(req)); field != "" {
		p.broken("Of the caller's request, its %s was another one after the call.", field)
	}
}

// A picture of the fields of a request that a wrapper might write to.
type picture map[string]any

func snapshot(req *http.Request) picture {
	return picture{
		"Method":           req.Method,
		"URL":              *req.URL,
		"Header":           req.Header.Clone(),
		"Body":             req.Body,
		"GetBody":          reflect.ValueOf(req.GetBody).Pointer(),
		"ContentLength":    req.ContentLength,
		"TransferEncoding": slices.Clone(req.TransferEncoding),
		"Close":            req.Close,
		"Host":             req.Host,
		"Trailer":          req.Trailer.Clone(),
		"Response":         req.Response,
		"Context":          req.Context(),
	}
}

// diff names the first field, in the order of the alphabet, that differs.
func (before picture) diff(after picture) string {
	for _, field := range slices.Sorted(maps.Keys(before)) {
		same := reflect.DeepEqual(before[field], after[field])
		// Bodies and contexts are deeply equal to copies of themselves, and change as they are used.
		if field == "Body" || field == "Context" {
			same = before[field] == after[field]
		}
		if !same {
			return field
		}
	}
	return ""
}

func requestNotKept(p *probe) {
	b := &base{outcomes: []outcome{p.failing(), status(200)}}
	rt := p.wrap(b)
	ref := sendAndForget(p, rt)
	// A timer that was stopped may hold what it was for until its time has passed.
	time.Sleep(time.Hour)
	// Two cycles empty the pools of package sync; the rest is generosity.
	for range 6 {
		runtime.GC()
		if ref.Value() == nil {
			runtime.KeepAlive(rt)
			return
		}
	}
	p.broken("The request was still reachable an hour and six garbage collections after its response was closed.")
}

// sendAndForget is a function of its own so that no variable of its caller holds the request.
//
//go:noinline
func sendAndForget(p *probe, rt http.RoundTripper) weak.Pointer[http.Request] {
	req, _ := p.upload(http.MethodPut, "the body")
	if resp, err := p.roundTrip(rt, req); err == nil {
		resp.Body.Close()
	}
	return weak.Make(req)
}

func neverBoth(p *probe) {
	for _, w := range p.waysOut() {
		t := p.take(w)
		if t.resp != nil && t.err != nil {
			p.broken("After %s there were a response with status %d and the error %q.", w.name, t.resp.StatusCode, t.err)
		}
		if t.resp == nil && t.err == nil {
			p.broken("After %s there were neither a response nor an error.", w.name)
		}
	}
}

func lastResponseUnread(p *probe) {
	for _, method := range []string{http.MethodGet, http.MethodPut} {
		req, _ := p.upload(method, "the body")
		b := &base{outcomes: []outcome{p.failing()}}
		resp, err := p.roundTrip(p.wrap(b), req)
		if err != nil {
			p.broken("A %s that failed %d times with status %d gave the error %q.", method, b.attempts(), p.claims.failureStatus(), err)
		}
		if b.attempts() == 0 {
			p.broken("There was a response to a %s, but the base was never asked.", method)
		}
		last := b.replies[len(b.replies)-1]
		if last.isClosed() || last.wasRead() > 0 {
			p.broken("The body of the last response was already read (%d bytes) or closed (%t).", last.wasRead(), last.isClosed())
		}
		text, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if want := replyTo(b.attempts()); string(text) != want || err != nil {
			p.broken("The body read %q with error %v, and not %q.", text, err, want)
		}
		if resp.StatusCode != p.claims.failureStatus() || resp.Request == nil {
			p.broken("The response had status %d and Request %v.", resp.StatusCode, resp.Request)
		}
	}
}

func lastErrorMatches(p *probe) {
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		b := &base{outcomes: []outcome{failure(errPassing)}}
		_, err := p.send(b, p.request(method))
		if !errors.Is(err, errPassing) {
			p.broken("Each of the %d attempts of a %s failed with %q, and the call with %v.", b.attempts(), method, errPassing, err)
		}
	}
}

func timeoutStaysTimeout(p *probe) {
	timeout := &net.OpError{Op: "read", Net: "tcp", Err: os.ErrDeadlineExceeded}
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		b := &base{outcomes: []outcome{failure(timeout)}}
		client := &http.Client{Transport: p.wrap(b)}
		resp, err := client.Do(p.request(method))
		if err == nil {
			resp.Body.Close()
			p.broken("A %s of which each attempt failed had no error.", method)
		}
		if ue, ok := errors.AsType[*url.Error](err); !ok || !ue.Timeout() {
			p.broken("After %d attempts of a %s that timed out, the error %q had Timeout() false.", b.attempts(), method, err)
		}
	}
}

func attemptsBounded(p *probe) {
	cases := []outcome{p.failing()}
	if !p.claims.NoErrors {
		cases = append(cases, failure(errPassing))
	}
	for _, a := range cases {
		b := &base{outcomes: []outcome{a}}
		_, _ = p.send(b, p.request(http.MethodGet))
		n, want := b.attempts(), p.claims.Attempts
		if want > 0 && n != want {
			p.broken("There were %d attempts, and %d are claimed (status %d, error %v).", n, want, a.code, a.err)
		}
		if n < 2 || n > 100 {
			p.broken("There were %d attempts (status %d, error %v).", n, a.code, a.err)
		}
	}
}

func responseOutlivesCall(p *probe) {
	const size = 1 << 20
	body := func(req *http.Request) io.ReadCloser { return &slowBody{ctx: req.Context(), left: size} }
	b := &base{outcomes: []outcome{p.failing(), {code: 200, body: body}}}
	resp, err := p.roundTrip(p.wrap(b), p.request(http.MethodGet))
	if err != nil {
		p.broken("A failure and then a 200 gave the error %q.", err)
	}
	defer resp.Body.Close()
	n, err := io.Copy(io.Discard, resp.Body)
	if n != size || err != nil {
		p.broken("Only %d of the body's %d bytes could be read, then there was the error %v.", n, size, err)
	}
}

// slowBody ends with its context, like the bodies of net/http. Each Read takes a minute.
type slowBody struct {
	ctx  context.Context
	left int
}

func (s *slowBody) Read(b []byte) (int, error) {
	select {
	case <-time.After(time.Minute):
	case <-s.ctx.Done():
	}
	if s.ctx.Err() != nil {
		return 0, context.Cause(s.ctx)
	}
	if s.left == 0 {
		return 0, io.EOF
	}
	n := min(len(b), s.left)
	s.left -= n
	return n, nil
}

func (s *slowBody) Close() error { return nil }
