package retry_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"

	"github.com/seed-e3550de8/retry"
	"github.com/stretchr/testify/require"
)

// The response codes of RFC 1035 section 4.1.1.
const (
	dnsServFail = 2
	dnsNXDomain = 3
)

type dialFunc func(ctx context.Context, network, addr string) (net.Conn, error)

// primeResolver resolves a name, without asking anybody. Package net makes a channel at its first lookup, which must
// not happen in a bubble: other tests use it too.
var primeResolver = sync.OnceFunc(func() {
	r := resolver(func(context.Context, string, string) (net.Conn, error) { return nil, net.ErrClosed })
	_, _ = r.LookupHost(context.Background(), "host.retry.test.")
})

// resolver returns Go's own resolver, which asks the name server that dial reaches.
func resolver(dial dialFunc) *net.Resolver { return &net.Resolver{PreferGo: true, Dial: dial} }

// silentServer is a name server, over TCP and in memory, that never answers.
func silentServer(t *testing.T) dialFunc {
	w := newNetwork()
	acceptRaw(t, w, func(c net.Conn) { _, _ = io.Copy(io.Discard, c) })
	return w.DialContext
}

// nameServer answers every question with rcode, over UDP on the loopback interface.
func nameServer(t *testing.T, rcode byte) dialFunc {
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	require.NoError(t, err)
	done := make(chan struct{})
	go func() {
		defer close(done)
		packet := make([]byte, 1500)
		for {
			n, from, err := pc.ReadFrom(packet)
			if err != nil {
				return
			}
			_, _ = pc.WriteTo(dnsAnswer(packet[:n], rcode), from)
		}
	}()
	t.Cleanup(func() {
		pc.Close()
		<-done
	})
	return func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", pc.LocalAddr().String())
	}
}

// dnsAnswer returns the answer to a query of one question: its header and question, without any record.
func dnsAnswer(query []byte, rcode byte) []byte {
	end := 12
	for end < len(query) && query[end] != 0 {
		end += 1 + int(query[end])
	}
	answer := append([]byte(nil), query[:min(end+5, len(query))]...)
	answer[2] |= 0x80                   // it is an answer
	answer[3] = 0x80 | rcode            // recursion is available
	copy(answer[6:12], make([]byte, 6)) // no records
	return answer
}

func resolving(server func(*testing.T) dialFunc) func(*testing.T) http.RoundTripper {
	return func(t *testing.T) http.RoundTripper {
		d := net.Dialer{Resolver: resolver(server(t))}
		return dialing(t, http1, d.DialContext)
	}
}

func TestNamesThatDoNotResolve(t *testing.T) {
	answering := func(rcode byte) func(*testing.T) dialFunc {
		return func(t *testing.T) dialFunc { return nameServer(t, rcode) }
	}
	const url = "http://host.retry.test./"
	unfold(t, false, []failure{
		{name: "no such host", url: url, text: "no such host", class: retry.Final, base: resolving(answering(dnsNXDomain))},
		{name: "the name server fails", url: url, text: "server misbehaving", class: retry.Unprocessed,
			base: resolving(answering(dnsServFail))},
		{name: "the name server is away", url: url, text: "lookup", class: retry.Unprocessed,
			base: resolving(func(t *testing.T) dialFunc {
				addr := closedPort(t)
				return func(ctx context.Context, _, _ string) (net.Conn, error) {
					return new(net.Dialer).DialContext(ctx, "tcp", addr)
				}
			})},
	})
	unfold(t, true, []failure{
		{name: "the name server does not answer", url: url, text: "i/o timeout", class: retry.Unprocessed,
			base: resolving(silentServer)},
	})
}
