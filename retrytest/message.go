package retrytest

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"strings"
)

// These too run the real http.Server and http.Transport.
var messageChecks = []check{
	{
		name:    "Head",
		promise: "a HEAD is retried, and the Content-Length of its response is kept.",
		why: "RFC 9110 section 9.3.2: the answer to a HEAD has the length of a body that does not come. Waiting " +
			"for that body never ends; the length is what the caller asked for.",
		run: head,
	},
	{
		name:    "Informational",
		promise: "1xx responses reach the caller's httptrace.ClientTrace.",
		why: "RFC 9110 section 15.2: a client must be able to parse 1xx. They come by the request's context, " +
			"which a wrapper has to hand on with the values it has.",
		run: informational,
	},
	{
		name:    "ResponseTrailers",
		promise: "the trailers of a response, announced or not, are there when its body has been read.",
		why: "net/http sets them on its own http.Response when the body ends (RFC 9110 section 6.5). They never " +
			"arrive at a copy of it.",
		run: responseTrailers,
	},
	{
		name:    "RequestTrailers",
		promise: "trailers that the caller sets while the body is read are sent, by a retry too.",
		why: "http.Request: \"The Trailer map must be initialized before, the values can be set while the " +
			"request body is read.\" Request.Clone copies the map, and what the caller sets in the old one is not " +
			"sent.",
		run: requestTrailers,
	},
	{
		name: "ExpectContinue",
		promise: "with Expect: 100-continue no byte of the body is read before the server asks for it, and the retry " +
			"sends it whole.",
		why: "RFC 9110 section 10.1.1: it is there so that an upload that will be refused is not sent.",
		run: expectContinue,
	},
	{
		name:    "RedirectsWithBody",
		promise: "a 307 or 308 sends the whole body to the new place, with failures before and after it.",
		why: "http.Client calls GetBody for such a redirect, as a wrapper does for a retry: a wrapper that " +
			"replaced or consumed it breaks the next one (RFC 9110 section 15.4.8).",
		run: redirectsWithBody,
	},
}

func head(p *probe) {
	long := func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Content-Length", "1000000") }
	tr := p.reach(p.failOnce(long, long))
	resp, text := p.do(tr, p.request(http.MethodHead))
	if resp.ContentLength != 1000000 || text != "" {
		p.broken("The response had ContentLength %d and the body %q.", resp.ContentLength, text)
	}
}

func informational(p *probe) {
	early := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Link", "</style.css>; rel=preload")
		w.WriteHeader(http.StatusEarlyHints)
	}
	tr := p.reach(p.failOnce(early, early))
	req, hints := p.request(http.MethodGet), 0
	trace := &httptrace.ClientTrace{Got1xxResponse: func(code int, _ textproto.MIMEHeader) error {
		if code == http.StatusEarlyHints {
			hints++
		}
		return nil
	}}
	p.do(tr, req.WithContext(httptrace.WithClientTrace(req.Context(), trace)))
	if hints != 2 {
		p.broken("Of two attempts, each with a 103 before its response, the trace saw %d.", hints)
	}
}

func responseTrailers(p *probe) {
	// Two requests, because the map that an announced trailer makes hides a copy of the response from the other one.
	for _, announced := range []bool{true, false} {
		tr := p.reach(p.failOnce(func(w http.ResponseWriter, _ *http.Request) {
			name := http.TrailerPrefix + "X-Sum"
			if announced {
				name = "X-Sum"
				w.Header().Set("Trailer", name)
			}
			fmt.Fprint(w, "the body")
			http.NewResponseController(w).Flush()
			w.Header().Set(name, "the sum")
		}, nil))
		resp, _ := p.do(tr, p.request(http.MethodGet))
		if got := resp.Trailer.Get("X-Sum"); got != "the sum" {
			p.broken("The trailer (announced: %t) was %q instead of \"the sum\".", announced, got)
		}
	}
}

// trailing sets a trailer when it has been read.
type trailing struct {
	io.Reader
	trailer http.Header
}

func (t trailing) Read(b []byte) (int, error) {
	n, err := t.Reader.Read(b)
	if err == io.EOF {
		t.trailer.Set("X-Sum", "the sum")
	}
	return n, err
}

func (trailing) Close() error { return nil }

func requestTrailers(p *probe) {
	var first string
	tr := p.reach(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		if first == "" {
			first = "first: " + r.Trailer.Get("X-Sum")
			w.WriteHeader(p.claims.failureStatus())
			return
		}
		fmt.Fprint(w, first+", second: "+r.Trailer.Get("X-Sum"))
	})
	req := p.request(http.MethodPut)
	req.Trailer, req.ContentLength = http.Header{"X-Sum": nil}, -1
	req.GetBody = func() (io.ReadCloser, error) {
		req.Trailer["X-Sum"] = nil // announced, as it was
		return trailing{strings.NewReader("the body"), req.Trailer}, nil
	}
	req.Body = trailing{strings.NewReader("the body"), req.Trailer}
	// Straight to the wrapper, because the Client would copy a request without need.
	resp, err := p.roundTrip(p.wrap(&bounded{RoundTripper: tr}), req)
	if err != nil {
		p.broken("A failure and then a 200 gave the error %q.", err)
	}
	defer resp.Body.Close()
	text, _ := io.ReadAll(resp.Body)
	if want := "first: the sum, second: the sum"; string(text) != want {
		p.broken("The server got the trailers %q, instead of %q.", text, want)
	}
}

func expectContinue(p *probe) {
	req, src := p.upload(http.MethodPut, "the body")
	var read []int // of the first body, when each attempt arrived
	answer := p.failOnce(echoBody, nil)
	tr, _ := p.serve(func(w http.ResponseWriter, r *http.Request) {
		read = append(read, src.first().wasRead())
		answer(w, r)
	})
	req.Header.Set("Expect", "100-continue")
	if _, text := p.do(tr, req); text != "PUT /a/path: the body" {
		p.broken("The server got %q.", text)
	}
	if read[0] > 0 || read[1] > 0 {
		p.broken("The server had asked for no byte of the first attempt's body: %d had been read when it came, %d "+
			"when the retry came.", read[0], read[1])
	}
}

func redirectsWithBody(p *probe) {
	for _, code := range []int{http.StatusTemporaryRedirect, http.StatusPermanentRedirect} {
		tr := p.reach(p.failOnce(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/new" {
				echoBody(w, r)
				return
			}
			closing(w, r)
			http.Redirect(w, r, "/new", code)
		}, closing))
		req, _ := p.upload(http.MethodPut, "the body")
		if resp, text := p.do(tr, req); text != "PUT /new: the body" || resp.Request.URL.Path != "/new" {
			p.broken("After a %d the server got %q, and the response's Request is for %q.",
				code, text, resp.Request.URL.Path)
		}
	}
}
