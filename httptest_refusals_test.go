package retry_test

import (
	"errors"
	"io"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-e3550de8/retry"
)

// A refusal makes a request one that http.Transport does not send, and says so in an error that is a plain text.
type refusal struct {
	name  string
	text  string // in the error
	proto string
	spoil func(*http.Request)
}

// refusals are all of them.
var refusals = slices.Concat(atOnce, atWriting)

// defects are those that http.Transport finds before it has a connection.
var defects = func() map[string]func(*http.Request) {
	all := map[string]func(*http.Request){}
	for _, d := range atOnce {
		all[d.name] = d.spoil
	}
	return all
}()

var atOnce = []refusal{
	{"nil URL", "nil Request.URL", http1, func(r *http.Request) { r.URL = nil }},
	{"nil Header", "nil Request.Header", http1, func(r *http.Request) { r.Header = nil }},
	{"no scheme", "unsupported protocol scheme", http1, func(r *http.Request) { r.URL = &url.URL{Host: "api.example"} }},
	{"another scheme", "unsupported protocol scheme", http1, func(r *http.Request) { r.URL = &url.URL{Scheme: "ftp", Host: "api.example"} }},
	{"no host", "no Host in request URL", http1, func(r *http.Request) { r.URL = &url.URL{Scheme: "http"} }},
	{"method with a blank", "invalid method", http1, func(r *http.Request) { r.Method = "GET IT" }},
	{"field name with a colon", "invalid header field name", http1, setHeader("X:", "1")},
	{"field name that is empty", "invalid header field name", http1, setHeader("", "1")},
	{"field value of two lines", "invalid header field value", http1, setHeader("X", "1\r\n2")},
	{"field value with a NUL", "invalid header field value", http1, setHeader("X", "a", "\x00")},
	{"field value with DEL", "invalid header field value", http2, setHeader("X", "\x7f")},
}

var atWriting = []refusal{
	{"length and no body", "with nil Body", http1, func(r *http.Request) { bodyless(r); r.ContentLength = 5 }},
	{"unknown length and no body", "with nil Body", http1, func(r *http.Request) { bodyless(r); r.ContentLength = -1 }},
	{"body longer than its length", "with Body length", http1, bodyOfLength(3)},
	{"body shorter than its length", "with Body length", http1, bodyOfLength(30)},
	{"body longer than its length, HTTP/2", "larger than specified content length", http2, bodyOfLength(3)},
	{"control character in the query", "control character in Request.URL", http1, func(r *http.Request) { r.URL.RawQuery = "a\x01" }},
	{"tab in an opaque URL", "control character in Request.URL", http1, func(r *http.Request) { r.URL.Opaque = "/a\tb" }},
	{"opaque URL without a slash, HTTP/2", "invalid request :path", http2, func(r *http.Request) { r.URL.Opaque = "a" }},
	{"Host with a blank, HTTP/2", "invalid Host header", http2, func(r *http.Request) { r.Host = "a b" }},
	{"trailer named Trailer", "invalid Trailer key", http1, trailer("Trailer")},
	{"trailer named Content-Length, HTTP/2", "invalid Trailer key", http2, trailer("Content-Length")},
	{"trailer name with a blank", "invalid trailer field name", http1, trailer("a b")},
	{"trailer value of two lines", "invalid trailer field value", http2, trailer("A", "1\n2")},
	{"Upgrade, HTTP/2", "invalid Upgrade request header", http2, setHeader("Upgrade", "websocket")},
	{"Transfer-Encoding, HTTP/2", "invalid Transfer-Encoding request header", http2, setHeader("Transfer-Encoding", "gzip")},
	{"Connection, HTTP/2", "invalid Connection request header", http2, setHeader("Connection", "upgrade")},
}

func setHeader(name string, values ...string) func(*http.Request) {
	return func(r *http.Request) { r.Header = http.Header{name: values} }
}

func bodyless(r *http.Request) {
	if r.Body != nil {
		r.Body.Close()
	}
	r.Body, r.GetBody = nil, nil
}

func bodyOfLength(n int64) func(*http.Request) {
	return func(r *http.Request) {
		bodyless(r)
		r.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader("payload")), nil }
		r.Body, _ = r.GetBody()
		r.ContentLength = n
	}
}

func trailer(name string, values ...string) func(*http.Request) {
	return func(r *http.Request) {
		bodyOfLength(-1)(r)
		r.Trailer = http.Header{name: values}
	}
}

func TestARequestThatTransportDoesNotSendIsFinal(t *testing.T) {
	for _, d := range refusals {
		unfold(t, true, []failure{{name: d.name, text: d.text, class: retry.Final, mangle: d.spoil,
			base: func(t *testing.T) http.RoundTripper { return serve(t, d.proto, perhaps()).base }}})
	}
}

// provoke returns the error of net/http itself.
func (d refusal) provoke(t *testing.T) (err error) {
	synctest.Test(t, func(t *testing.T) {
		req := newRequest(t, "GET", "http://example.com/", "")
		d.spoil(req)
		_, err = serve(t, d.proto, perhaps()).base.RoundTrip(req)
		require.ErrorContains(t, err, d.text, d.name)
	})
	return err
}

// A base may accept what net/http does not, and over another protocol net/http does.
func TestADefectIsNoReasonForAFailureOfTheNetwork(t *testing.T) {
	for _, d := range refusals {
		o := place("GET", "")
		d.spoil(o.Request)
		assert.Equal(t, retry.Transient, retry.Classify(retry.Attempt{Request: o.Request, Err: errPeerReset}), "%s: it got as far as the network", d.name)
	}
	for _, d := range atWriting {
		o := place("GET", "")
		d.spoil(o.Request)
		lost := errors.New("http2: client connection lost")
		assert.Equal(t, retry.Transient, retry.Classify(retry.Attempt{Request: o.Request, Err: lost}), d.name)
	}
	good := place("", "")
	good.Method, good.Header = "", http.Header{"X-!#$%&'*+.^_`|~9": {"tab\tand \u00fc"}}
	assert.Equal(t, retry.Transient, retry.Classify(retry.Attempt{Request: good.Request, Err: errors.New("queue is full")}))
}

func TestASchemeOfABasesOwnIsNoDefect(t *testing.T) {
	registered := func(err error) func(*testing.T) http.RoundTripper {
		return func(*testing.T) http.RoundTripper {
			tr := &http.Transport{}
			tr.RegisterProtocol("http+unix", baseFunc(func(r *http.Request) (*http.Response, error) {
				r.Body.Close()
				return nil, err
			}))
			return tr
		}
	}
	const url = "http+unix://socket/path"
	unfold(t, false, []failure{
		{name: "an error without a type", url: url, text: "socket is busy", class: retry.Transient, base: registered(errors.New("socket is busy"))},
		{name: "refused", url: url, text: "dial", class: retry.Unprocessed, base: registered(errDialRefused)},
		{name: "reset", url: url, text: "reset", class: retry.Transient, base: registered(errPeerReset)},
		{name: "not registered", url: url, text: `unsupported protocol scheme "http+unix"`, class: retry.Final,
			base: func(*testing.T) http.RoundTripper { return new(http.Transport) }},
	})
}

func TestAServerThatRequiresHTTP1IsNotAskedAgain(t *testing.T) {
	const codeHTTP11Required = 13 // RFC 9113 section 7
	answering := func(onRequest func(p *framePeer, stream uint32)) func(*testing.T) http.RoundTripper {
		return func(t *testing.T) http.RoundTripper { return framing(t, onRequest).base }
	}
	unfold(t, true, []failure{
		{name: "for the stream", text: "HTTP_1_1_REQUIRED", class: retry.Final,
			base: answering(func(p *framePeer, stream uint32) { p.rst(stream, codeHTTP11Required) })},
		{name: "for the connection", text: "HTTP_1_1_REQUIRED", class: retry.Final,
			base: answering(func(p *framePeer, _ uint32) { p.goAway(0, codeHTTP11Required) })},
		{name: "for the connection, which ends", text: "HTTP_1_1_REQUIRED", class: retry.Final,
			base: answering(func(p *framePeer, stream uint32) { p.goAway(stream, codeHTTP11Required); p.Close() })},
	})
}

// What a body's Read returns comes back from net/http as it is, as if it were the connection's.
func TestTheErrorOfTheBodysSourceIsNoProof(t *testing.T) {
	overBoth(t, func(t *testing.T, proto string) {
		received := 0
		s := serve(t, proto, func(_ http.ResponseWriter, r *http.Request) {
			text, _ := io.ReadAll(r.Body)
			received += strings.Count(string(text), "record")
		})
		req := newRequest(t, "POST", "http://example.com/", "")
		req.ContentLength = -1
		req.GetBody = func() (io.ReadCloser, error) {
			pr, pw := io.Pipe()
			go func() {
				_, _ = io.WriteString(pw, "record record ")
				pw.CloseWithError(errDialRefused)
			}()
			return pr, nil
		}
		req.Body, _ = req.GetBody()
		tr := new(trail)
		_, err := retry.New(s.base, tr.eager(4)).RoundTrip(req)
		require.ErrorIs(t, err, errDialRefused)
		require.Len(t, tr.steps, 1)
		assert.Equal(t, retry.Transient, tr.last().Class)
		synctest.Wait()
		assert.LessOrEqual(t, received, 2, "records")
	})
}

// Only a body that is known to read from memory or a file, as net/http knows it, has no errors that a connection has.
func TestOnlyBodiesWithoutANetworkLetAPOSTBeUnprocessed(t *testing.T) {
	for want, bodies := range map[retry.Class]map[string]io.Reader{
		retry.Unprocessed: {
			"none": nil, "strings.Reader": strings.NewReader("x"), "file": openFile(t), "NoBody": http.NoBody,
			"NopCloser of a NopCloser": io.NopCloser(io.NopCloser(strings.NewReader("x"))),
		},
		retry.Transient: {
			"pipe": newPipe(), "NopCloser of a pipe": io.NopCloser(newPipe()), "reader of a reader": io.LimitReader(strings.NewReader("x"), 1),
			"NopCloser of nil": io.NopCloser(nil),
		},
	} {
		for name, body := range bodies {
			req := newRequest(t, "POST", "http://example.com/", "")
			if body != nil {
				req.Body = asBody(body)
			}
			assert.Equal(t, want, retry.Classify(retry.Attempt{Request: req, Err: errDialRefused}), name)
		}
	}
	assert.Equal(t, retry.Transient, retry.Classify(retry.Attempt{Err: errDialRefused}), "no request, so its body is not known")
}

func asBody(r io.Reader) io.ReadCloser {
	if c, ok := r.(io.ReadCloser); ok {
		return c
	}
	return io.NopCloser(r)
}

func newPipe() io.Reader {
	r, _ := io.Pipe()
	return r
}

func openFile(t *testing.T) io.Reader {
	f, err := os.Open("go.mod")
	require.NoError(t, err)
	t.Cleanup(func() { f.Close() })
	return f
}
