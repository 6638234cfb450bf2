package retry_test

import (
	"bufio"
	"compress/gzip"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-e3550de8/retry"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// after503 returns a handler that answers 503 once, and then leaves it to h.
func after503(h http.HandlerFunc) http.HandlerFunc {
	var served atomic.Bool
	return func(w http.ResponseWriter, r *http.Request) {
		if served.CompareAndSwap(false, true) {
			http.Error(w, "not now", http.StatusServiceUnavailable)
			return
		}
		h(w, r)
	}
}

func TestExpectContinueHoldsTheBodyBackInEachAttempt(t *testing.T) {
	overBoth(t, func(t *testing.T, proto string) {
		in := new(inbox)
		s := serve(t, proto, after503(in.ServeHTTP))
		s.base.ExpectContinueTimeout = time.Hour
		continued := 0
		req := newRequest(t, "PUT", "http://example.com/", "body")
		req.Header.Set("Expect", "100-continue")
		trace := &httptrace.ClientTrace{Got100Continue: func() { continued++ }}
		req = req.WithContext(httptrace.WithClientTrace(req.Context(), trace))
		start := time.Now()
		resp, err := retry.New(s.base, new(trail).eager(4)).RoundTrip(req)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		assert.Equal(t, http.StatusOK, resp.StatusCode)
		assert.Equal(t, 2, retry.AttemptNumber(resp.Request.Context()))
		assert.Len(t, in.whole, 1)
		assert.Equal(t, 1, continued, "interim responses")
		assert.Zero(t, time.Since(start))
	})
}

func TestInterimResponsesOfEachAttemptReachTheTrace(t *testing.T) {
	overBoth(t, func(t *testing.T, proto string) {
		answer := perhaps(503, 429)
		s := serve(t, proto, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Link", "</style.css>; rel=preload")
			w.WriteHeader(http.StatusEarlyHints)
			answer(w, r)
		})
		var links []string
		trace := &httptrace.ClientTrace{Got1xxResponse: func(_ int, h textproto.MIMEHeader) error {
			links = append(links, h.Get("Link"))
			return nil
		}}
		req := newRequest(t, "GET", "http://example.com/", "")
		resp, err := retry.New(s.base, new(trail).eager(4)).RoundTrip(req.WithContext(httptrace.WithClientTrace(req.Context(), trace)))
		require.NoError(t, err)
		assert.Equal(t, "OK", readAndClose(t, resp))
		assert.Len(t, links, 3)
	})
}

func TestHEADIsRetriedOverOneConnectionAndHasItsLength(t *testing.T) {
	overBoth(t, func(t *testing.T, proto string) {
		s := serve(t, proto, after503(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1234567")
		})).warm(t)
		resp, err := retry.New(s.base, new(trail).eager(4)).RoundTrip(newRequest(t, "HEAD", "http://example.com/", ""))
		require.NoError(t, err)
		assert.EqualValues(t, 1234567, resp.ContentLength)
		assert.Empty(t, readAndClose(t, resp))
		assert.Equal(t, 1, s.dialed())
	})
}

func TestAnEmptyBodyStaysNoBody(t *testing.T) {
	overBoth(t, func(t *testing.T, proto string) {
		var lengths []int64
		s := serve(t, proto, func(w http.ResponseWriter, r *http.Request) {
			lengths = append(lengths, r.ContentLength)
			if len(lengths) == 1 {
				w.WriteHeader(http.StatusServiceUnavailable)
				return
			}
			w.WriteHeader(http.StatusNoContent)
		})
		req := newRequest(t, "PUT", "http://example.com/", "")
		req.Body = http.NoBody
		resp, err := retry.New(s.base, new(trail).eager(4)).RoundTrip(req)
		require.NoError(t, err)
		if proto == http1 { // HTTP/2 has an empty body of its own
			assert.Equal(t, http.NoBody, resp.Body)
		}
		require.NoError(t, resp.Body.Close())
		assert.Equal(t, http.NoBody, resp.Request.Body)
		assert.Equal(t, []int64{0, 0}, lengths)
	})
}

func TestAGzippedBodyIsUnpackedAfterARetry(t *testing.T) {
	zipped := func(w http.ResponseWriter, code int, text string) {
		w.Header().Set("Content-Encoding", "gzip")
		w.WriteHeader(code)
		z := gzip.NewWriter(w)
		_, _ = io.WriteString(z, text)
		_ = z.Close()
	}
	overBoth(t, func(t *testing.T, proto string) {
		var served atomic.Bool
		s := serve(t, proto, func(w http.ResponseWriter, _ *http.Request) {
			if served.CompareAndSwap(false, true) {
				zipped(w, 503, strings.Repeat("not now ", 1<<10))
				return
			}
			zipped(w, 200, "page")
		}).warm(t)
		resp, err := retry.New(s.base, new(trail).eager(4)).RoundTrip(newRequest(t, "GET", "http://example.com/", ""))
		require.NoError(t, err)
		assert.True(t, resp.Uncompressed)
		assert.Equal(t, "page", readAndClose(t, resp))
		assert.Equal(t, 1, s.dialed())
	})
}

// hijack answers raw bytes and then sends back what it receives.
func hijack(raw string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		c, rw, err := w.(http.Hijacker).Hijack()
		if err != nil {
			return
		}
		defer c.Close()
		_, _ = io.WriteString(c, raw)
		_, _ = io.Copy(c, rw)
	}
}

func TestAnUpgradedConnectionCanBeWrittenTo(t *testing.T) {
	for name, timeout := range map[string]time.Duration{"plain": 0, "with an attempt timeout": time.Second} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := serve(t, http1, after503(hijack("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")))
				p := new(trail).eager(4)
				p.AttemptTimeout = timeout
				req := newRequest(t, "GET", "http://example.com/", "")
				req.Header.Set("Connection", "Upgrade")
				req.Header.Set("Upgrade", "echo")
				resp, err := retry.New(s.base, p).RoundTrip(req)
				require.NoError(t, err)
				require.Equal(t, http.StatusSwitchingProtocols, resp.StatusCode)
				require.Implements(t, (*io.ReadWriteCloser)(nil), resp.Body)
				time.Sleep(time.Hour) // the connection outlives any timeout of its attempt
				checkEcho(t, resp.Body.(io.ReadWriteCloser))
			})
		})
	}
}

func checkEcho(t *testing.T, c io.ReadWriteCloser) {
	_, err := io.WriteString(c, "hello\n")
	require.NoError(t, err)
	line, err := bufio.NewReader(c).ReadString('\n')
	require.NoError(t, err)
	assert.Equal(t, "hello\n", line)
	assert.NoError(t, c.Close())
}

// CONNECT to a server, not through a proxy: the response's body is what the tunnel sends, the request's what it gets.
// It is not idempotent.
func TestCONNECTPassesAsItIs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, http1, hijack("HTTP/1.1 200 Connection established\r\n\r\n"))
		r, w := io.Pipe()
		req := newRequest(t, "CONNECT", "http://example.com/", "")
		req.Body, req.ContentLength = r, -1
		req.Header.Set("X", "y")
		go func() { _, _ = io.WriteString(w, "hello\n") }()
		resp, err := retry.New(s.base, new(trail).eager(4)).RoundTrip(req)
		require.NoError(t, err)
		line, err := bufio.NewReader(resp.Body).ReadString('\n')
		require.NoError(t, err)
		assert.Equal(t, "hello\n", line)
		w.Close()
		assert.NoError(t, resp.Body.Close())
	})
}

func TestACONNECTThatIsRefusedIsSentOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, tr := serveRaw(t, http1, func(c net.Conn) {
			readRequest(c)
			_, _ = io.WriteString(c, "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n")
		}), new(trail)
		resp, err := retry.New(s.base, tr.eager(4)).RoundTrip(newRequest(t, "CONNECT", "http://example.com/", ""))
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		assert.Equal(t, http.StatusServiceUnavailable, resp.StatusCode)
		assert.ErrorIs(t, tr.last().Reason, retry.ErrNotIdempotent)
	})
}
