//lint:file-ignore SA1019 people still use it, and that is what is tested

package xhttp2_test

//lint:file-ignore SA1019 x/net/http2.Transport is deprecated, and in use

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"golang.org/x/net/http2"

	"github.com/seed-e3550de8/retry"
	"github.com/seed-e3550de8/retry/httpfault"
	"github.com/seed-e3550de8/retry/internal/memnet"
	"github.com/seed-e3550de8/retry/retryhttp3/xhttp2"
	"github.com/seed-e3550de8/retry/retrytest"
)

// newBase returns the Transport of golang.org/x/net/http2, over connections in memory.
func newBase(s *httpfault.Server) *http2.Transport {
	connections := s.Transport()
	return &http2.Transport{
		AllowHTTP: true,
		DialTLSContext: func(ctx context.Context, network, addr string, _ *tls.Config) (net.Conn, error) {
			return connections.DialContext(ctx, network, addr)
		},
	}
}

// own is how often x/net/http2 sends a request by itself whose stream is refused.
const own = 8

func TestWhatBecomesOfAPOST(t *testing.T) {
	for _, tt := range []struct {
		name string
		step httpfault.Step
		body io.Reader
		want []retry.Class
	}{
		{"a refused stream", httpfault.RSTStream(httpfault.RefusedStream).Times(own), strings.NewReader("order"),
			[]retry.Class{retry.Unprocessed, retry.Final}},
		{"a refused stream, with a body whose source may be the one that refused",
			httpfault.RSTStream(httpfault.RefusedStream).Times(own), struct{ io.Reader }{strings.NewReader("order")},
			[]retry.Class{retry.Transient}},
		{"another reset", httpfault.RSTStream(httpfault.InternalError), strings.NewReader("order"),
			[]retry.Class{retry.Transient}},
		{"HTTP/1.1 required", httpfault.RSTStream(httpfault.HTTP11Required), strings.NewReader("order"),
			[]retry.Class{retry.Final}},
		{"GOAWAY before it, which x/net/http2 repeats by itself", httpfault.GoAway(0, httpfault.NoError),
			strings.NewReader("order"), []retry.Class{retry.Final}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server := httpfault.Config{Protocol: httpfault.H2C, Pipe: true}.NewServer(t, tt.step)
				base := newBase(server)
				defer base.CloseIdleConnections()
				assert.Equal(t, tt.want, classes(t, base, server.URL, tt.body))
			})
		})
	}
}

// classes returns what the attempts of a POST are classified as.
func classes(t *testing.T, base http.RoundTripper, url string, body io.Reader) (got []retry.Class) {
	client := &http.Client{Transport: retry.New(base, retry.Policy{
		Classify:  xhttp2.Classify,
		OnAttempt: func(_ retry.Attempt, d retry.Decision) { got = append(got, d.Class) },
	})}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, body)
	assert.NoError(t, err)
	if req.GetBody == nil {
		req.GetBody = func() (io.ReadCloser, error) {
			return io.NopCloser(struct{ io.Reader }{strings.NewReader("order")}), nil
		}
	}
	if resp, err := client.Do(req); err == nil {
		assert.NoError(t, resp.Body.Close())
	}
	return got
}

func TestClassifyKeepsThePromisesOverHTTP2(t *testing.T) {
	withBackoff := func(b retry.Backoff) func(http.RoundTripper) http.RoundTripper {
		return func(base http.RoundTripper) http.RoundTripper {
			return retry.New(base, retry.Policy{Classify: xhttp2.Classify, Backoff: b})
		}
	}
	retrytest.TestRoundTripper(t, withBackoff(nil), retrytest.Claims{
		Attempts:       4,
		LongestBackoff: 32 * time.Second,
		Hasty:          withBackoff(retry.Constant(time.Millisecond)),
		Serve:          serve,
	})
}

// serve starts a server of HTTP/2 over connections in memory, without TLS.
func serve(t *testing.T, h http.Handler) http.RoundTripper {
	var protocols http.Protocols
	protocols.SetUnencryptedHTTP2(true)
	listener, server := memnet.Listen(), &http.Server{Handler: h, Protocols: &protocols}
	go func() { _ = server.Serve(listener) }()
	base := &http2.Transport{
		DialTLSContext: func(ctx context.Context, network, addr string, _ *tls.Config) (net.Conn, error) {
			// Up to Go 1.26 this base leaves the request's body open if it gets no connection.
			return listener.DialContext(context.WithoutCancel(ctx), network, addr)
		},
	}
	t.Cleanup(func() {
		base.CloseIdleConnections()
		server.Close()
		time.Sleep(time.Second) // the http.Server may take half of it
	})
	return base
}
