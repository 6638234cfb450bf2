package retryhttp3_test

import (
	"context"
	"crypto/tls"
	"net/http"
	"testing"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"

	"github.com/seed-e3550de8/retry"
	"github.com/seed-e3550de8/retry/retryhttp3"
	"github.com/seed-e3550de8/retry/retrytest"
)

func TestClassifyKeepsThePromisesOverHTTP3(t *testing.T) {
	certificate, roots := trust(t)
	withBackoff := func(b retry.Backoff) func(http.RoundTripper) http.RoundTripper {
		return func(base http.RoundTripper) http.RoundTripper {
			return retry.New(base, retry.Policy{Classify: retryhttp3.Classify, Backoff: b})
		}
	}
	retrytest.TestRoundTripper(t, withBackoff(nil), retrytest.Claims{
		Attempts:       4,
		LongestBackoff: 32 * time.Second,
		Hasty:          withBackoff(retry.Constant(time.Millisecond)),
		Serve: func(t *testing.T, h http.Handler) http.RoundTripper {
			n := &network{certificate: certificate, roots: roots}
			socket := n.socket(t)
			listen(t, &http3.Server{Handler: h}, socket, &tls.Config{Certificates: []tls.Certificate{certificate}})
			base := &http3.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}
			base.Dial = func(ctx context.Context, _ string, config *tls.Config, q *quic.Config) (*quic.Conn, error) {
				return n.dial(ctx, n.socket(t), addrOf(socket).String(), config, q)
			}
			t.Cleanup(func() { _ = base.Close() })
			return base
		},
	})
}
