package retry_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-e3550de8/retry"
)

// A failure is a way for every attempt to end without a response.
type failure struct {
	name   string
	url    string // http://example.com/ if empty
	base   func(*testing.T) http.RoundTripper
	mangle func(*http.Request)

	text  string // in the error: so that the row fails if it provokes another error than it says
	class retry.Class
}

// check sends a GET and a POST through three attempts.
func (f failure) check(t *testing.T) {
	for _, method := range []string{"GET", "POST"} {
		want := 1
		if f.class == retry.Unprocessed || f.class == retry.Transient && method == "GET" {
			want = 3
		}
		req := newRequest(t, method, "http://example.com/", "body")
		if f.url != "" {
			req = newRequest(t, method, f.url, "body")
		}
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

// unfold runs the rows each in a bubble, or with the system's own network.
func unfold(t *testing.T, bubble bool, failures []failure) {
	primeResolver()
	for _, f := range failures {
		t.Run(f.name, func(t *testing.T) {
			if !bubble {
				f.check(t)
				return
			}
			synctest.Test(t, f.check)
		})
	}
}

// closedPort returns an address of the loopback interface that nobody listens on.
func closedPort(t *testing.T) string {
	li, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, li.Close())
	return li.Addr().String()
}

// loopback is serveRaw on the loopback interface.
func loopback(t *testing.T, handle func(net.Conn)) *http.Transport {
	li, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	acceptRaw(t, li, handle)
	return dialing(t, http1, func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "tcp", li.Addr().String())
	})
}

// readRequest reads an HTTP/1 request with its body.
func readRequest(c net.Conn) {
	req, err := http.ReadRequest(bufio.NewReader(c))
	if err == nil {
		_, _ = io.Copy(io.Discard, req.Body)
	}
}

func reset(c net.Conn) {
	_ = c.(interface{ SetLinger(int) error }).SetLinger(0)
	c.Close()
}

// sending reads a request and answers with raw bytes, then closes the connection.
func sending(raw string) func(net.Conn) {
	return func(c net.Conn) {
		readRequest(c)
		_, _ = io.WriteString(c, raw)
	}
}

func TestConnectionsThatFailOnTheLoopbackInterface(t *testing.T) {
	over := func(handle func(net.Conn)) func(*testing.T) http.RoundTripper {
		return func(t *testing.T) http.RoundTripper { return loopback(t, handle) }
	}
	unfold(t, false, []failure{
		{name: "refused", text: "dial tcp", class: retry.Unprocessed, base: func(t *testing.T) http.RoundTripper {
			addr := closedPort(t)
			return dialing(t, http1, func(ctx context.Context, _, _ string) (net.Conn, error) {
				return new(net.Dialer).DialContext(ctx, "tcp", addr)
			})
		}},
		{name: "a port that is none", text: "invalid port", class: retry.Final, base: func(*testing.T) http.RoundTripper {
			return dialing(t, http1, func(ctx context.Context, _, _ string) (net.Conn, error) {
				return new(net.Dialer).DialContext(ctx, "tcp", "127.0.0.1:70000")
			})
		}},
		{name: "reset before the request is read", class: retry.Transient,
			base: over(func(c net.Conn) { _, _ = c.Read(make([]byte, 1)); reset(c) })},
		{name: "reset after the request is read", text: "reset", class: retry.Transient,
			base: over(func(c net.Conn) { readRequest(c); reset(c) })},
		{name: "closed after the request is read", text: "EOF", class: retry.Transient, base: over(readRequest)},
	})
}

func TestResponsesThatAreCutOffOrMalformed(t *testing.T) {
	over := func(handle func(net.Conn)) func(*testing.T) http.RoundTripper {
		return func(t *testing.T) http.RoundTripper { return serveRaw(t, http1, handle).base }
	}
	limited := func(handle func(net.Conn)) func(*testing.T) http.RoundTripper {
		return func(t *testing.T) http.RoundTripper {
			s := serveRaw(t, http1, handle)
			s.base.MaxResponseHeaderBytes = 1 << 10
			return s.base
		}
	}
	unfold(t, true, []failure{
		{name: "closed inside the status line", text: "malformed HTTP status code", class: retry.Transient,
			base: over(sending("HTTP/1.1 20"))},
		{name: "closed between two header lines", text: "unexpected EOF", class: retry.Transient,
			base: over(sending("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n"))},
		{name: "closed inside a header line", text: "malformed MIME header", class: retry.Transient,
			base: over(sending("HTTP/1.1 200 OK\r\nContent-Le"))},
		{name: "malformed status line", text: "malformed HTTP", class: retry.Transient,
			base: over(sending("ICY 200 OK\r\n\r\n"))},
		{name: "malformed Content-Length", text: "bad Content-Length", class: retry.Transient,
			base: over(sending("HTTP/1.1 200 OK\r\nContent-Length: five\r\n\r\n"))},
		{name: "headers without end", text: "server response headers exceeded", class: retry.Transient,
			base: limited(sending("HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 2<<10)))},
		{name: "1xx without end", text: "server response headers exceeded", class: retry.Transient,
			base: limited(sending(strings.Repeat("HTTP/1.1 103 Early Hints\r\nX: x\r\n\r\n", 100)))},
	})
}

func TestConnectionsThatFailInABubble(t *testing.T) {
	stalled := func(c net.Conn) { _, _ = io.Copy(io.Discard, c) }
	unfold(t, true, []failure{
		{name: "the dial times out", text: "i/o timeout", class: retry.Unprocessed,
			base: func(t *testing.T) http.RoundTripper {
				return dialing(t, http1, func(ctx context.Context, _, _ string) (net.Conn, error) {
					d := net.Dialer{Timeout: time.Minute, Resolver: resolver(silentServer(t))}
					return d.DialContext(ctx, "tcp", "example.com:80")
				})
			}},
		{name: "HTTP/1 spoken to an HTTP/2 client", text: "http2: ", class: retry.Transient,
			base: func(t *testing.T) http.RoundTripper {
				return serveRaw(t, http2, func(c net.Conn) {
					_, _ = io.WriteString(c, "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
					stalled(c)
				}).base
			}},
		{name: "no headers within ResponseHeaderTimeout", text: "timeout awaiting response headers", class: retry.Transient,
			base: func(t *testing.T) http.RoundTripper {
				s := serveRaw(t, http1, stalled)
				s.base.ResponseHeaderTimeout = time.Minute
				return s.base
			}},
		{name: "the connection is closed on this side", text: "use of closed network connection", class: retry.Transient,
			base: func(t *testing.T) http.RoundTripper {
				var s *site
				s = serveRaw(t, http1, func(c net.Conn) { readRequest(c); s.open()[0].Close(); stalled(c) })
				return s.base
			}},
	})
}

func TestHeadersThatStallPastTheAttemptTimeoutEndTheAttemptNotTheRequest(t *testing.T) {
	overBoth(t, func(t *testing.T, proto string) {
		for method, want := range map[string]int{"GET": 3, "POST": 1} {
			s := serve(t, proto, stall)
			tr := new(trail)
			p := tr.eager(3)
			p.AttemptTimeout = 5 * time.Second
			start := time.Now()
			_, err := (&http.Client{Transport: retry.New(s.base, p)}).Do(newRequest(t, method, "http://example.com/", "body"))
			require.ErrorIs(t, err, context.DeadlineExceeded, method)
			var timeout net.Error
			require.ErrorAs(t, err, &timeout)
			assert.True(t, timeout.Timeout(), method)
			assert.Len(t, tr.steps, want, method)
			assert.Equal(t, retry.Transient, tr.last().Class)
			assert.Equal(t, time.Duration(want)*p.AttemptTimeout, time.Since(start), method)
		}
	})
}

// A body's own error looks like the network's, and a fresh body may do better.
func TestABodyWhoseReadFailsIsTransient(t *testing.T) {
	broken := errors.New("the disk is gone")
	overBoth(t, func(t *testing.T, proto string) {
		for method, want := range map[string]int{"PUT": 3, "POST": 1} {
			s, tr := serve(t, proto, perhaps()), new(trail)
			body := func() (io.ReadCloser, error) {
				return io.NopCloser(io.MultiReader(strings.NewReader("half"), iotest.ErrReader(broken))), nil
			}
			first, _ := body()
			req, err := http.NewRequestWithContext(t.Context(), method, "http://example.com/", first)
			require.NoError(t, err)
			req.GetBody = body
			_, err = retry.New(s.base, tr.eager(3)).RoundTrip(req)
			require.ErrorIs(t, err, broken, method)
			require.Len(t, tr.steps, want, method)
			assert.Equal(t, retry.Transient, tr.last().Class, method)
			checkOutcome(t, tr, err)
		}
	})
}
