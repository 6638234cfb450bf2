package retrytest

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"time"
)

var contractChecks = []check{
	{
		name:    "NeverBoth",
		promise: "a call returns a response or an error, never both and never neither.",
		why: "http.Client logs \"RoundTripper returned a response & error; ignoring response\" and never closes " +
			"its body: a connection leaks.",
		run: neverBoth,
	},
	{
		name:    "LastResponseUnread",
		promise: "when the attempts are used up, the last response is returned with a nil error, unread and open.",
		why: "http.RoundTripper: \"RoundTrip must return err == nil if it obtained a response, regardless of the " +
			"response's HTTP status code.\" The body says what went wrong.",
		needs: []need{lastResponse},
		run:   lastResponseUnread,
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
		why: "url.Error asks its Err by a plain type assertion and does not unwrap. A wrapper's own error type " +
			"needs the method, or every timeout stops being one.",
		run: timeoutStaysTimeout,
	},
	{
		name: "AttemptsBounded",
		promise: "a request that always fails is given up after the number of attempts claimed, or after 2 to 100 if " +
			"none is.",
		why: "retries without a bound turn an outage of the server into one of its clients, and keep it from " +
			"coming back.",
		run: attemptsBounded,
	},
	{
		name:    "ResponseOutlivesCall",
		promise: "the body of the response can be read for as long as the caller's own context lives.",
		why: "net/http ends the reading of a body when the context of its request is done. A context for one " +
			"attempt must live until the body is closed or read to its end.",
		run: responseOutlivesCall,
	},
}

func neverBoth(p *probe) {
	for _, w := range p.waysOut() {
		t := p.take(w)
		if t.resp != nil && t.err != nil {
			p.broken("After %s there were a response with status %d and the error %q.",
				w.name, t.resp.StatusCode, t.err)
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
			p.broken("A %s that failed %d times with status %d gave the error %q.",
				method, b.attempts(), p.claims.failureStatus(), err)
		}
		if b.attempts() == 0 {
			p.broken("There was a response to a %s, but the base was never asked.", method)
		}
		last := b.replies[len(b.replies)-1]
		if last.isClosed() || last.wasRead() > 0 {
			p.broken("The body of the last response was already read (%d bytes) or closed (%t).",
				last.wasRead(), last.isClosed())
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
			p.broken("Each of the %d attempts of a %s failed with %q, and the call with %v.",
				b.attempts(), method, errPassing, err)
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
			p.broken("After %d attempts of a %s that timed out, the error %q had Timeout() false.",
				b.attempts(), method, err)
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
