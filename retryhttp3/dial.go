package retryhttp3

import (
	"context"
	"crypto/tls"
	"net"

	"github.com/quic-go/quic-go"
)

// Dial is the Dial of an [http3.Transport] whose errors say that there is no connection, as those of net/http do: they
// are a [*net.OpError] whose Op is "dial". Without it a server that answers nothing cannot be told from one that falls
// silent in the middle of a request, since quic-go has the same error for both, and a POST is sent to neither again.
//
// It dials as [quic.DialAddrEarly] does, from a socket of its own for each connection.
func Dial(ctx context.Context, addr string, t *tls.Config, q *quic.Config) (*quic.Conn, error) {
	conn, err := quic.DialAddrEarly(ctx, addr, t, q)
	if err != nil {
		return nil, &net.OpError{Op: "dial", Net: "udp", Err: err}
	}
	return conn, nil
}
