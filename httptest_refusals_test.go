package retry_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-e3550de8/retry"
	"github.com/seed-e3550de8/retry/httpfault"
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

// atOnce are those that http.Transport finds before it has a connection.
var atOnce = []refusal{
	{"nil URL", "nil Request.URL", http1, func(r *http.Request) { r.URL = nil }},
	{"nil Header", "nil Request.Header", http1, func(r *http.Request) { r.Header = nil }},
	{"no scheme", "unsupported protocol scheme", http1, func(r *http.Request) { r.URL = &url.URL{Host: "api.example"} }},
	{"another scheme", "unsupported protocol scheme", http1,
		func(r *http.Request) { r.URL = &url.URL{Scheme: "ftp", Host: "api.example"} }},
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
	{"body longer than its length", "with Body length", http1, bodyOfLength(1)},
	{"body shorter than its length", "with Body length", http1, bodyOfLength(30)},
	{"body longer than its length, HTTP/2", "larger than specified content length", http2, bodyOfLength(3)},
	{"control character in the query", "control character in Request.URL", http1,
		func(r *http.Request) { r.URL.RawQuery = "a\x01" }},
	{"tab in an opaque URL", "control character in Request.URL", http1, func(r *http.Request) { r.URL.Opaque = "/a\tb" }},
	{"opaque URL without a slash, HTTP/2", "invalid request :path", http2, func(r *http.Request) { r.URL.Opaque = "a" }},
	{"Host with a blank, HTTP/2", "invalid Host header", http2, func(r *http.Request) { r.Host = "a b" }},
	{"trailer named Trailer", "invalid Trailer key", http1, trailer("Trailer")},
	{"trailer named Content-Length, HTTP/2", "invalid Trailer key", http2, trailer("Content-Length")},
	{"trailer name with a blank", "invalid trailer field name", http1, trailer("a b")},
	{"trailer value of two lines", "invalid trailer field value", http2, trailer("A", "1\n2")},
	{"Upgrade, HTTP/2", "invalid Upgrade request header", http2, setHeader("Upgrade", "websocket")},
	{"Transfer-Encoding, HTTP/2", "invalid Transfer-Encoding request header", http2,
		setHeader("Transfer-Encoding", "gzip")},
	{"Connection, HTTP/2", "invalid Connection request header", http2, setHeader("Connection", "upgrade")},
	{"fields beyond the limit, HTTP/2", "larger than peer's advertised limit", http2,
		setHeader("X", strings.Repeat("x", 3<<20))},
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
	var rows []failure
	for _, d := range refusals {
		rows = append(rows, failure{name: d.name, text: d.text, class: retry.Final, mangle: d.spoil, base: d.base})
	}
	unfold(t, true, plainURL, rows)
}

// base is one whose server's limits net/http knows. Instead of its reason, net/http now and then tells of the
// connection that it closes for it: then the base asks it again.
func (d refusal) base(t *testing.T) http.RoundTripper {
	s := serve(t, d.proto, fine).warm(t)
	return roundTripperFunc(func(req *http.Request) (*http.Response, error) {
		resp, err := s.base.RoundTrip(req)
		for range 10 {
			if !errors.Is(err, net.ErrClosed) {
				break
			}
			again := *req
			if req.GetBody != nil {
				again.Body, _ = req.GetBody()
			}
			resp, err = s.base.RoundTrip(&again)
		}
		return resp, err
	})
}

// provoke returns the error of net/http itself.
func (d refusal) provoke(t *testing.T) (err error) {
	synctest.Test(t, func(t *testing.T) {
		req := newRequest(t, "GET", "http://example.com/", "")
		d.spoil(req)
		_, err = d.base(t).RoundTrip(req)
		require.ErrorContains(t, err, d.text, d.name)
	})
	return err
}

func classOf(req *http.Request, text string) retry.Class {
	return retry.Classify(retry.Attempt{Request: req, Err: errors.New(text)})
}

// A base may accept what net/http does not, and over another protocol net/http does.
func TestADefectIsNoReasonForAFailureOfTheNetwork(t *testing.T) {
	for _, d := range refusals {
		o := place("GET", "")
		d.spoil(o.Request)
		for _, err := range []error{
			errPeerReset, io.EOF, io.ErrUnexpectedEOF, context.DeadlineExceeded, errors.Join(errFileGone, io.EOF),
		} {
			assert.Equal(t, retry.Transient, retry.Classify(retry.Attempt{Request: o.Request, Err: err}),
				"%s: it got as far as the network", d.name)
		}
	}
	for _, d := range atWriting {
		o := place("GET", "")
		d.spoil(o.Request)
		assert.Equal(t, retry.Transient, classOf(o.Request, "http2: client connection lost"), d.name)
	}
}

// Nor is what net/http says of another request.
func TestARefusalWithoutItsDefectIsTransient(t *testing.T) {
	elsewhere := place("PUT", "payload")
	fedFromElsewhere(elsewhere.Request)
	undeclared := place("PUT", "payload")
	undeclared.ContentLength = -1
	for name, o := range map[string]*order{"none": place("GET", ""), "elsewhere": elsewhere, "undeclared": undeclared} {
		o.Header = http.Header{}
		larger := refusal{text: "request header list larger than peer's advertised limit"}
		for _, d := range append(atWriting, refusal{text: "idna:"}, larger) {
			if d.text != "invalid Host header" {
				assert.Equal(t, retry.Transient, classOf(o.Request, "net/http: "+d.text+" 7"), "%s, body %s", d.text, name)
			}
		}
		o.Host, o.URL.Host = "", ""
		o.URL.Scheme = "unix"
		assert.Equal(t, retry.Transient, classOf(o.Request, "invalid Host header"), "none")
		bodyless(o.Request)
	}
	// Only the newer of two releases of Go refuses such a name.
	for host, want := range map[string]retry.Class{
		"\u0080": retry.Final, "\u00e4\xff": retry.Final, "\x7f": retry.Transient,
	} {
		o := place("GET", "")
		o.Host = host
		assert.Equal(t, want, classOf(o.Request, "idna: invalid label"), "%q", host)
	}
}

// CancelRequest leaves no trace but two texts, which Classify compares: this fails if a release of Go changes them.
func TestARequestThatCancelRequestEndedIsFinal(t *testing.T) {
	for text, dial := range map[string]dialFunc{
		"net/http: request canceled": nil,
		"net/http: request canceled while waiting for connection": func(context.Context, string, string) (net.Conn, error) {
			time.Sleep(time.Minute)
			return nil, errors.New("too late")
		},
	} {
		synctest.Test(t, func(t *testing.T) {
			base := doing(plainHTTP, httpfault.Hang())(t).(*http.Transport)
			if dial != nil {
				base.DialContext = dial
			}
			req, tr := newRequest(t, "GET", "http://example.com/", ""), new(trail)
			time.AfterFunc(time.Second, func() {
				//lint:ignore SA1019 it must go on working
				base.CancelRequest(req)
			})
			_, err := retry.New(base, tr.eager(3)).RoundTrip(req)
			require.EqualError(t, err, text)
			require.Len(t, tr.steps, 1, text)
			assert.Equal(t, retry.Final, tr.last().Class, text)
			time.Sleep(time.Hour) // the dial ends
		})
	}
}

// Over HTTP/1 net/http sends an empty Host in place of what cannot be one, as clients of Unix sockets make use of.
func TestAnOddHostIsNoDefect(t *testing.T) {
	unfold(t, true, plainURL, []failure{
		{name: "a path", text: "EOF", class: retry.Transient,
			mangle: func(r *http.Request) { r.Host = "/var/run/docker.sock" },
			base:   doing(plainHTTP, httpfault.Close())},
		{name: "a path, refused", text: "dial", class: retry.Unprocessed,
			mangle: func(r *http.Request) { r.URL.Host = "a b" },
			base:   meeting(plainHTTP, httpfault.Refuse())},
	})
}
