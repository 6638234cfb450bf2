package retry_test

import (
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-e3550de8/retry"
	"github.com/seed-e3550de8/retry/httpfault"
)

// failing is a base whose server does step again and again, over HTTP/2.
func failing(step httpfault.Step) func(*testing.T) http.RoundTripper {
	return func(t *testing.T) http.RoundTripper {
		return httpfault.Config{Protocol: httpfault.H2C, Pipe: true, Default: step}.NewServer(t).Transport()
	}
}

func TestFailuresOfHTTP2(t *testing.T) {
	resetting := func(code httpfault.StreamCode) func(*testing.T) http.RoundTripper {
		return failing(httpfault.RSTStream(code))
	}
	unfold(t, true, []failure{
		{name: "the stream is refused", text: "REFUSED_STREAM", class: retry.Unprocessed,
			base: resetting(httpfault.RefusedStream)},
		{name: "the stream ends with INTERNAL_ERROR", text: "INTERNAL_ERROR", class: retry.Transient,
			base: resetting(httpfault.InternalError)},
		{name: "the stream ends with CANCEL", text: "CANCEL", class: retry.Transient, base: resetting(httpfault.Cancel)},
		{name: "the stream ends with ENHANCE_YOUR_CALM", text: "ENHANCE_YOUR_CALM", class: retry.Transient,
			base: resetting(httpfault.EnhanceYourCalm)},
		{name: "the stream ends with NO_ERROR", text: "NO_ERROR", class: retry.Transient,
			base: resetting(httpfault.NoError)},
		{name: "a malformed response", text: "PROTOCOL_ERROR", class: retry.Transient,
			base: failing(httpfault.MalformedHeader())},
		// It is unprocessed in truth, but nothing but a text tells.
		{name: "GOAWAY with an error that leaves the stream out", text: "GOAWAY", class: retry.Transient,
			base: failing(httpfault.GoAway(0, httpfault.EnhanceYourCalm))},
		{name: "GOAWAY that includes the stream, then the end", text: "GOAWAY", class: retry.Transient,
			base: failing(httpfault.GoAway(httpfault.MaxStream, httpfault.NoError))},
		{name: "the connection ends", text: "EOF", class: retry.Transient, base: failing(httpfault.Close())},
		{name: "the connection is reset", text: "reset", class: retry.Transient, base: failing(httpfault.Reset())},
		{name: "PINGs are not answered", text: "http2: client connection lost", class: retry.Transient,
			base: func(t *testing.T) http.RoundTripper {
				s := serveRaw(t, http2, func(c net.Conn) { _, _ = io.Copy(io.Discard, c) })
				s.base.HTTP2 = &http.HTTP2Config{SendPingTimeout: time.Minute, PingTimeout: time.Minute}
				return s.base
			}},
		{name: "no headers within ResponseHeaderTimeout", text: "timeout awaiting response headers", class: retry.Transient,
			base: func(t *testing.T) http.RoundTripper {
				base := failing(httpfault.Hang())(t).(*http.Transport)
				base.ResponseHeaderTimeout = time.Minute
				return base
			}},
	})
}

func TestAServerThatRequiresHTTP1IsNotAskedAgain(t *testing.T) {
	unfold(t, true, []failure{
		{name: "HTTP/1.1 is required for the stream", text: "HTTP_1_1_REQUIRED", class: retry.Final,
			base: failing(httpfault.RSTStream(http11Required))},
		{name: "HTTP/1.1 is required for the connection", text: "HTTP_1_1_REQUIRED", class: retry.Final,
			base: failing(httpfault.GoAway(0, http11Required))},
		{name: "HTTP/1.1 is required for the connection, which ends", text: "HTTP_1_1_REQUIRED", class: retry.Final,
			base: failing(httpfault.GoAway(httpfault.MaxStream, http11Required))},
	})
}

// net/http sends a refused stream again by itself, so that an attempt is eight sendings and about a minute.
func TestAnAttemptThatHTTP2RefusesIsEightSendingsOfNetHTTP(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := faulty(t, http2, httpfault.RSTStream(httpfault.RefusedStream).Times(8), httpfault.OK(""))
		tr, start := new(trail), time.Now()
		mustEnd(t, retry.New(s.Transport(), tr.eager(2)), &order{Request: newRequest(t, "POST", s.URL, "body")})
		require.Len(t, tr.steps, 2)
		assert.Equal(t, retry.Unprocessed, tr.steps[0].Class)
		assert.Len(t, s.Requests(), 9)
		assert.Greater(t, time.Since(start), time.Minute)
	})
}

// The deadline of the request's context reaches net/http's own retries.
func TestNetHTTPsOwnRetriesEndWithTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		base := failing(httpfault.RSTStream(httpfault.RefusedStream))(t)
		tr, start := new(trail), time.Now()
		client := &http.Client{Transport: retry.New(base, tr.eager(4)), Timeout: 10 * time.Second}
		_, err := client.Post("http://example.com/", "text/plain", strings.NewReader("body"))
		require.Error(t, err)
		assert.Equal(t, 10*time.Second, time.Since(start))
		assert.Len(t, tr.steps, 1)
	})
}

// A GOAWAY that leaves a stream out proves that nobody acted on it, and net/http sends it again over a new connection.
func TestARequestThatGOAWAYLeftOutIsSentAgainByNetHTTP(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, tr := faulty(t, http2, httpfault.GoAway(0, httpfault.NoError), httpfault.OK("")), new(trail)
		mustEnd(t, retry.New(s.Transport(), tr.eager(4)), &order{Request: newRequest(t, "POST", s.URL, "body")})
		assert.Len(t, tr.steps, 1)
		assert.Equal(t, 2, s.Connections())
	})
}
