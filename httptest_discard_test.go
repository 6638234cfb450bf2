package retry_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-e3550de8/retry"
	"github.com/seed-e3550de8/retry/httpfault"
)

// alternate answers every other request by bad and the rest by 200.
func alternate(bad http.HandlerFunc) http.HandlerFunc {
	var n atomic.Int32
	return func(w http.ResponseWriter, r *http.Request) {
		if n.Add(1)%2 == 1 {
			bad(w, r)
			return
		}
		_, _ = io.WriteString(w, "OK")
	}
}

func servePage(code, size int) http.HandlerFunc {
	text := bytes.Repeat([]byte("x"), size)
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(code)
		_, _ = w.Write(text)
	}
}

func TestOneConnectionServesEveryRetry(t *testing.T) {
	cases := map[string]http.HandlerFunc{
		"64 KiB error pages": servePage(503, 64<<10),
		"no error page":      servePage(503, 0),
		"a declared length": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "65536")
			servePage(503, 64<<10)(w, nil)
		},
		"a page that comes in pieces": func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusServiceUnavailable)
			for range 4 {
				_, _ = io.WriteString(w, "piece")
				w.(http.Flusher).Flush()
				time.Sleep(time.Millisecond)
			}
		},
	}
	for name, bad := range cases {
		t.Run(name, func(t *testing.T) {
			overBoth(t, func(t *testing.T, proto string) {
				s := serve(t, proto, alternate(bad)).warm(t)
				p := new(trail).eager(4)
				p.Backoff = retry.Constant(reuseWait)
				client := &http.Client{Transport: retry.New(s.base, p)}
				for range 200 {
					resp, err := client.Get("http://example.com/")
					require.NoError(t, err)
					require.Equal(t, "OK", readAndClose(t, resp))
					require.Equal(t, 2, retry.AttemptNumber(resp.Request.Context()))
				}
				assert.Equal(t, 1, s.dialed(), "connections")
			})
		})
	}
}

func TestABodyWithoutEndDelaysNoRetry(t *testing.T) {
	sendUntilGone := func(chunk string, every time.Duration) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(http.StatusServiceUnavailable)
			for r.Context().Err() == nil {
				if _, err := io.WriteString(w, chunk); err != nil {
					return
				}
				w.(http.Flusher).Flush()
				time.Sleep(every)
			}
		}
	}
	bodies := map[string]http.HandlerFunc{
		"a drip each second":      sendUntilGone("x", time.Second),
		"a drip each millisecond": sendUntilGone("x", time.Millisecond),
		"endless and fast":        sendUntilGone(strings.Repeat("x", 64<<10), 0),
		"silent":                  sendUntilGone("", time.Hour),
	}
	for name, bad := range bodies {
		for _, backoff := range []time.Duration{0, 5 * time.Millisecond, 100 * time.Millisecond, 10 * time.Second} {
			t.Run(name+", backoff "+backoff.String(), func(t *testing.T) {
				overBoth(t, func(t *testing.T, proto string) { checkUndelayed(t, proto, bad, backoff) })
			})
		}
	}
}

// checkUndelayed sends a request whose first answer is bad.
func checkUndelayed(t *testing.T, proto string, bad http.HandlerFunc, backoff time.Duration) {
	s, tr := serve(t, proto, alternate(bad)), new(trail)
	p := tr.eager(2)
	p.Backoff = retry.Constant(backoff)
	resp, err := retry.New(s.base, p).RoundTrip(newRequest(t, "GET", "http://example.com/", ""))
	require.NoError(t, err)
	assert.Equal(t, "OK", readAndClose(t, resp))
	took, latest := tr.steps[1].at.Sub(tr.steps[0].at), max(backoff, 10*time.Millisecond)
	if proto == http2 {
		latest = backoff // nothing is read
	}
	assert.GreaterOrEqual(t, took, backoff)
	assert.LessOrEqual(t, took, latest)
	if proto == http1 {
		assert.Equal(t, 2, s.dialed(), "what is not read to its end is closed")
		s.base.CloseIdleConnections()
		time.Sleep(closeLingers)
		synctest.Wait()
		assert.Empty(t, s.open(), "connections")
	}
}

// A connection of MaxConnsPerHost is free again before the wait, or the retry would wait for it for ever.
func TestTheOnlyConnectionOfAHostServesTheRetry(t *testing.T) {
	overBoth(t, func(t *testing.T, proto string) {
		s := serve(t, proto, perhaps(503, 500))
		s.base.MaxConnsPerHost = 1
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		resp, err := retry.New(s.base, new(trail).eager(4)).RoundTrip(newRequest(t, "GET", "http://example.com/", "").WithContext(ctx))
		require.NoError(t, err)
		assert.Equal(t, "OK", readAndClose(t, resp))
		assert.Equal(t, 1, s.dialed())
	})
}

func TestAGzippedPageKeepsItsConnectionAndTheNextIsUnpacked(t *testing.T) {
	overBoth(t, func(t *testing.T, proto string) {
		srv := faulty(t, proto, httpfault.Status(503).BodySize(8<<10).Gzip(), httpfault.OK("page").Gzip())
		p := new(trail).eager(4)
		p.Backoff = retry.Constant(reuseWait)
		resp, err := retry.New(srv.Transport(), p).RoundTrip(newRequest(t, "GET", srv.URL, ""))
		require.NoError(t, err)
		assert.True(t, resp.Uncompressed)
		assert.Equal(t, "page", readAndClose(t, resp))
		assert.Equal(t, 1, srv.Connections())
	})
}

// perhaps is a handler that answers its nth call with the nth status, and then with 200. The body of each answer is
// its status text.
func perhaps(statuses ...int) http.HandlerFunc {
	var mu sync.Mutex
	return func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		code := http.StatusOK
		if len(statuses) > 0 {
			code, statuses = statuses[0], statuses[1:]
		}
		mu.Unlock()
		_, _ = io.Copy(io.Discard, r.Body)
		w.WriteHeader(code)
		_, _ = io.WriteString(w, http.StatusText(code))
	}
}

// stall is a handler that reads the request and then waits until the client goes.
func stall(_ http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	<-r.Context().Done()
}
