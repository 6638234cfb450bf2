package layers_test

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-e3550de8/retry"
)

// dialQUIC says by its error what net/http's says: that there is no connection, so that nothing was sent.
func dialQUIC(ctx context.Context, addr string, tlsCfg *tls.Config, cfg *quic.Config) (*quic.Conn, error) {
	conn, err := quic.DialAddrEarly(ctx, addr, tlsCfg, cfg)
	if err != nil {
		return nil, &net.OpError{Op: "dial", Net: "udp", Err: err}
	}
	return conn, nil
}

func TestAPOSTOverHTTP3IsSentAgainIfThereWasNoConnection(t *testing.T) {
	nobody, err := net.ListenPacket("udp", "127.0.0.1:0") // where packets arrive and are never answered
	require.NoError(t, err)
	defer nobody.Close()
	for _, tt := range []struct {
		name  string
		dial  func(context.Context, string, *tls.Config, *quic.Config) (*quic.Conn, error)
		dials int
	}{
		{"by quic-go's own error", quic.DialAddrEarly, 1},
		{"by an OpError", dialQUIC, 3},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dials := 0
			base := &http3.Transport{
				QUICConfig: &quic.Config{HandshakeIdleTimeout: 50 * time.Millisecond},
				Dial: func(ctx context.Context, addr string, t *tls.Config, q *quic.Config) (*quic.Conn, error) {
					dials++
					return tt.dial(ctx, addr, t, q)
				},
			}
			defer base.Close()
			client := &http.Client{Transport: retry.New(base, retry.Policy{MaxAttempts: 3, Backoff: retry.Constant(0)})}
			_, err := client.Post("https://"+nobody.LocalAddr().String(), "text/plain", strings.NewReader("order"))
			require.Error(t, err)
			assert.Equal(t, tt.dials, dials)
		})
	}
}
