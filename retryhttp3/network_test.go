package retryhttp3_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
	"github.com/quic-go/quic-go/testutils/simnet"
	"github.com/stretchr/testify/require"

	"github.com/seed-e3550de8/retry"
)

// A network is in memory, that of quic-go's own tests. Who waits for it waits durably, so that in a bubble of
// testing/synctest the clock goes on: the timeouts are those that quic-go has by default, and none takes any time.
// It belongs to the bubble that made it.
type network struct {
	simnet.PerfectRouter
	certificate tls.Certificate
	roots       *x509.CertPool
	sockets     atomic.Int32
}

// inBubble runs f in a bubble, with a network.
func inBubble(t *testing.T, f func(*testing.T, *network)) {
	certificate, roots := trust(t)
	synctest.Test(t, func(t *testing.T) { f(t, &network{certificate: certificate, roots: roots}) })
}

// socket returns a new socket at an address of its own.
func (n *network) socket(t *testing.T) *quic.Transport {
	port := int(n.sockets.Add(1))
	return n.socketAt(t, &net.UDPAddr{IP: net.IPv4(192, 0, 2, 1), Port: port})
}

// socketAt returns a new socket, which takes the place of any other at this address.
func (n *network) socketAt(t *testing.T, addr *net.UDPAddr) *quic.Transport {
	socket := &quic.Transport{Conn: simnet.NewBlockingSimConn(addr, n)}
	t.Cleanup(func() {
		_ = socket.Close()
		_ = socket.Conn.Close()
	})
	return socket
}

// serve starts a server on a socket.
func (n *network) serve(t *testing.T, socket *quic.Transport, answer func(int, http.ResponseWriter)) *server {
	s := &server{addr: socket.Conn.LocalAddr().String(), roots: n.roots, udp: socket.Conn, answer: answer}
	s.Server = &http3.Server{Handler: s}
	listen(t, s.Server, socket, &tls.Config{Certificates: []tls.Certificate{n.certificate}})
	return s
}

// nobody returns an address where packets arrive and are never answered.
func (n *network) nobody(t *testing.T) *net.UDPAddr {
	silent := n.socket(t)
	require.NoError(t, silent.Conn.Close())
	return addrOf(silent)
}

func addrOf(socket *quic.Transport) *net.UDPAddr { return socket.Conn.LocalAddr().(*net.UDPAddr) }

// client returns a client whose policy and whose timeouts are the default ones, but for what p has.
func (n *network) client(t *testing.T, p retry.Policy, to ...string) *client {
	c := &client{to: to}
	c.base = &http3.Transport{TLSClientConfig: &tls.Config{RootCAs: n.roots, ServerName: "127.0.0.1"}, Dial: c.dial}
	c.dialAddr = func(ctx context.Context, to string, config *tls.Config, q *quic.Config) (*quic.Conn, error) {
		return n.dial(ctx, n.socket(t), to, config, q)
	}
	c.start(t, p)
	return c
}

// dial is retryhttp3.Dial from a socket in memory.
func (n *network) dial(
	ctx context.Context, from *quic.Transport, to string, config *tls.Config, q *quic.Config,
) (*quic.Conn, error) {
	addr, err := net.ResolveUDPAddr("udp", to)
	if err != nil {
		return nil, err
	}
	conn, err := from.DialEarly(ctx, addr, config, q)
	if err != nil {
		return nil, &net.OpError{Op: "dial", Net: "udp", Err: err}
	}
	return conn, nil
}
