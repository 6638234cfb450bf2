package retry_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-e3550de8/retry"
	"github.com/seed-e3550de8/retry/httpfault"
	"github.com/seed-e3550de8/retry/internal/memnet"
)

// A failure is a way for every attempt to end without a response.
type failure struct {
	name   string
	base   setup
	mangle func(*http.Request)

	text  string // in the error: so that the row fails if it provokes another error than it says
	class retry.Class
}

// check sends a GET and a POST through three attempts.
func (f failure) check(t *testing.T, url string) {
	for _, method := range []string{"GET", "POST"} {
		want := 1
		if f.class == retry.Unprocessed || f.class == retry.Transient && method == "GET" {
			want = 3
		}
		req := newRequest(t, method, url, "body")
		if f.mangle != nil {
			f.mangle(req)
		}
		tr := new(trail)
		resp, err := retry.New(f.base(t), tr.eager(3)).RoundTrip(req)
		require.ErrorContains(t, err, f.text, method)
		require.Nil(t, resp, method)
		require.Len(t, tr.steps, want, "%s: attempts", method)
		for i, s := range tr.steps {
			assert.Equal(t, f.class, s.Class, "%s: attempt %d: %v", method, i+1, s.err)
		}
		checkOutcome(t, tr, err)
	}
}

// checkOutcome compares the error that RoundTrip returned to what OnAttempt was told.
func checkOutcome(t *testing.T, tr *trail, err error) {
	if len(tr.steps) == 1 {
		assert.Equal(t, tr.steps[0].err, err, "the error of a single attempt is the base's own")
		return
	}
	e, ok := errors.AsType[*retry.Error](err)
	require.True(t, ok, "%T", err)
	assert.Equal(t, len(tr.steps), e.Attempts)
	assert.ErrorIs(t, err, retry.ErrMaxAttempts)
	assert.ErrorIs(t, err, tr.last().err)
}

const (
	plainURL  = "http://example.com/"
	secureURL = "https://example.com/"
)

// unfold runs the rows each in a bubble, or with the system's own network.
func unfold(t *testing.T, bubble bool, url string, failures []failure) {
	primeResolver()
	for _, f := range failures {
		t.Run(f.name, func(t *testing.T) {
			if !bubble {
				f.check(t, url)
				return
			}
			synctest.Test(t, func(t *testing.T) { f.check(t, url) })
		})
	}
}

// A setup makes a base, and the server that it reaches.
type setup func(*testing.T) http.RoundTripper

// doing is a base whose server does step with each request.
func doing(p httpfault.Protocol, step httpfault.Step) setup {
	return func(t *testing.T) http.RoundTripper {
		return httpfault.Config{Protocol: p, Pipe: memnet.Bubble() != "", Default: step}.NewServer(t).Transport()
	}
}

// meeting is a base whose server does step with each connection.
func meeting(p httpfault.Protocol, step httpfault.Step) setup {
	return func(t *testing.T) http.RoundTripper {
		srv := httpfault.Config{Protocol: p, Pipe: memnet.Bubble() != ""}.NewServer(t)
		base := srv.Transport()
		base.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
			srv.Add(step)
			return srv.DialContext(ctx, network, addr)
		}
		return base
	}
}

// handling is a base whose server is handle.
func handling(handle func(net.Conn)) setup {
	return func(t *testing.T) http.RoundTripper { return serveRaw(t, http1, handle).base }
}

// tuned is s with an http.Transport that is not as it comes.
func (s setup) tuned(tune func(*http.Transport)) setup {
	return func(t *testing.T) http.RoundTripper {
		base := s(t).(*http.Transport)
		tune(base)
		return base
	}
}

// via is s with a server that is a proxy.
func (s setup) via(proxy string) setup {
	return s.tuned(func(tr *http.Transport) {
		tr.Proxy = func(*http.Request) (*url.URL, error) { return url.Parse(proxy) }
	})
}

const plainHTTP, overHTTP2, overTLS1 = httpfault.HTTP1, httpfault.H2C, httpfault.HTTPS

func TestConnectionsThatFailOnTheLoopbackInterface(t *testing.T) {
	unfold(t, false, plainURL, []failure{
		{name: "refused", text: "dial tcp", class: retry.Unprocessed, base: meeting(plainHTTP, httpfault.Refuse())},
		{name: "a port that is none", text: "invalid port", class: retry.Final,
			mangle: func(r *http.Request) { r.URL.Host = "127.0.0.1:70000" },
			base:   func(*testing.T) http.RoundTripper { return new(http.Transport) }},
		{name: "reset before it is read", class: retry.Transient, base: meeting(plainHTTP, httpfault.ResetOnAccept())},
		{name: "reset after it is read", text: "reset", class: retry.Transient, base: doing(plainHTTP, httpfault.Reset())},
		{name: "closed after it is read", text: "EOF", class: retry.Transient, base: doing(plainHTTP, httpfault.Close())},
	})
}

func TestResponsesThatAreCutOffOrMalformed(t *testing.T) {
	limit := func(tr *http.Transport) { tr.MaxResponseHeaderBytes = 1 << 10 }
	var rows []failure
	for _, row := range []struct{ name, answer, text string }{
		{"closed inside the status line", "HTTP/1.1 20", "malformed HTTP status code"},
		{"closed between two header lines", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n", "unexpected EOF"},
		{"closed inside a header line", "HTTP/1.1 200 OK\r\nContent-Le", "malformed MIME header"},
		{"malformed status line", "ICY 200 OK\r\n\r\n", "malformed HTTP"},
		{"malformed Content-Length", "HTTP/1.1 200 OK\r\nContent-Length: five\r\n\r\n", "bad Content-Length"},
		{"headers without end", "HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 2<<10), "headers exceeded"},
		{"1xx without end", strings.Repeat("HTTP/1.1 103 Early Hints\r\nX: x\r\n\r\n", 100), "headers exceeded"},
	} {
		base := doing(plainHTTP, httpfault.Raw(row.answer)).tuned(limit)
		rows = append(rows, failure{name: row.name, base: base, text: row.text, class: retry.Transient})
	}
	unfold(t, true, plainURL, rows)
}

func TestConnectionsThatFailInABubble(t *testing.T) {
	hasty := func(tr *http.Transport) { tr.ResponseHeaderTimeout = time.Minute }
	impatient := func(r *http.Request) {
		*r = *r.WithContext(retry.WithPolicy(r.Context(), retry.Policy{AttemptTimeout: time.Minute}))
	}
	unfold(t, true, plainURL, []failure{
		{name: "HTTP/1 spoken to an HTTP/2 client", text: "http2: ", class: retry.Transient,
			base: handling(badRequest).tuned(func(tr *http.Transport) { tr.Protocols = protocolsOf(http2) })},
		{name: "no headers within ResponseHeaderTimeout", text: "timeout awaiting response headers", class: retry.Transient,
			base: doing(plainHTTP, httpfault.Hang()).tuned(hasty)},
		{name: "no headers within ResponseHeaderTimeout, HTTP/2", text: "timeout awaiting response headers",
			class: retry.Transient, base: doing(overHTTP2, httpfault.Hang()).tuned(hasty)},
		{name: "no headers within AttemptTimeout", text: "attempt timeout", class: retry.Transient, mangle: impatient,
			base: doing(plainHTTP, httpfault.Hang())},
		{name: "no headers within AttemptTimeout, HTTP/2", text: "attempt timeout", class: retry.Transient, mangle: impatient,
			base: doing(overHTTP2, httpfault.Hang())},
		{name: "PINGs are not answered", text: "http2: client connection lost", class: retry.Transient,
			base: meeting(overHTTP2, httpfault.StallSettings()).tuned(func(tr *http.Transport) {
				tr.HTTP2 = &http.HTTP2Config{SendPingTimeout: time.Minute, PingTimeout: time.Minute}
			})},
		{name: "the connection is closed on this side", text: "use of closed network connection", class: retry.Transient,
			base: func(t *testing.T) http.RoundTripper {
				var s *site
				s = serveRaw(t, http1, func(c net.Conn) { readRequest(c); s.open()[0].Close(); stalled(c) })
				return s.base
			}},
	})
}

func TestFailuresOfHTTP2(t *testing.T) {
	var rows []failure
	for _, f := range []struct {
		name  string
		step  httpfault.Step
		text  string
		class retry.Class
	}{
		{"REFUSED_STREAM", httpfault.RSTStream(httpfault.RefusedStream), "REFUSED_STREAM", retry.Unprocessed},
		{"INTERNAL_ERROR", httpfault.RSTStream(httpfault.InternalError), "INTERNAL_ERROR", retry.Transient},
		{"CANCEL", httpfault.RSTStream(httpfault.Cancel), "CANCEL", retry.Transient},
		{"ENHANCE_YOUR_CALM", httpfault.RSTStream(httpfault.EnhanceYourCalm), "ENHANCE_YOUR_CALM", retry.Transient},
		{"NO_ERROR", httpfault.RSTStream(httpfault.NoError), "NO_ERROR", retry.Transient},
		{"HTTP_1_1_REQUIRED", httpfault.RSTStream(httpfault.HTTP11Required), "HTTP_1_1_REQUIRED", retry.Final},
		{"HTTP_1_1_REQUIRED for the connection", httpfault.GoAway(0, httpfault.HTTP11Required), "HTTP_1_1_REQUIRED",
			retry.Final},
		{"HTTP_1_1_REQUIRED for the connection, which ends", httpfault.GoAway(httpfault.MaxStream, httpfault.HTTP11Required),
			"HTTP_1_1_REQUIRED", retry.Final},
		// It is unprocessed in truth, but nothing but a text tells.
		{"GOAWAY with an error that leaves the stream out", httpfault.GoAway(0, httpfault.EnhanceYourCalm), "GOAWAY",
			retry.Transient},
		{"GOAWAY that includes the stream, then the end", httpfault.GoAway(httpfault.MaxStream, httpfault.NoError), "GOAWAY",
			retry.Transient},
		{"a malformed response", httpfault.MalformedHeader(), "PROTOCOL_ERROR", retry.Transient},
		{"the connection ends", httpfault.Close(), "EOF", retry.Transient},
		{"the connection is reset", httpfault.Reset(), "reset", retry.Transient},
	} {
		rows = append(rows, failure{name: f.name, base: doing(overHTTP2, f.step), text: f.text, class: f.class})
	}
	unfold(t, true, plainURL, rows)
}

// net/http itself sends a stream again that was refused, eight times within about a minute, and one that a GOAWAY left
// out. All of that is one attempt, and the deadline of the request's context ends it.
func TestAnAttemptOverHTTP2MayBeSeveralSendingsOfNetHTTP(t *testing.T) {
	for name, row := range map[string]struct {
		timeout            time.Duration // of the client
		first              httpfault.Step
		attempts, sendings int
		least, most        time.Duration
	}{
		"refused": {0, httpfault.RSTStream(httpfault.RefusedStream).Times(8), 2, 9, time.Minute, 3 * time.Minute},
		"refused, with a Timeout": {10 * time.Second, httpfault.RSTStream(httpfault.RefusedStream).Times(5), 1, 5,
			10 * time.Second, 10 * time.Second},
		"left out by GOAWAY": {0, httpfault.GoAway(0, httpfault.NoError), 1, 2, 0, time.Second},
	} {
		synctest.Test(t, func(t *testing.T) {
			s, tr, start := faulty(t, http2, row.first), new(trail), time.Now()
			client := &http.Client{Transport: retry.New(s.Transport(), tr.eager(4)), Timeout: row.timeout}
			resp, err := client.Post(s.URL, "text/plain", strings.NewReader("body"))
			drop(resp)
			assert.Equal(t, row.timeout > 0, err != nil, name)
			require.Len(t, tr.steps, row.attempts, name)
			assert.Len(t, s.Requests(), row.sendings, name)
			assert.GreaterOrEqual(t, time.Since(start), row.least, name)
			assert.LessOrEqual(t, time.Since(start), row.most, name)
		})
	}
}
