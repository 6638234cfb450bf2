package bench_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/seed-e3550de8/retry/bench"
)

// BenchmarkContention is a GET that succeeds at once, by as many goroutines as there are processors, to one server and
// to a thousand in turn. Without a network it shows what they wait for each other; over loopback, whether anybody would
// notice. The counter is what no budget can do without in which all successes of an authority count.
func BenchmarkContention(b *testing.B) {
	for _, servers := range []int{1, 1000} {
		b.Run(fmt.Sprintf("stub/%d", servers), func(b *testing.B) {
			contend(b, servers, func(*testing.B) http.RoundTripper { return sharedStub{} })
		})
		b.Run(fmt.Sprintf("loopback/%d", servers), func(b *testing.B) {
			contend(b, servers, anyHost)
		})
	}
	b.Run("counter/1/add", func(b *testing.B) {
		var counter atomic.Int64
		stop := stopwatch(b)
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				counter.Add(1)
			}
		})
		stop()
	})
}

// anyHost returns a transport to a server on loopback, whatever the host of the request is.
func anyHost(b *testing.B) http.RoundTripper {
	l := newLoopback(b, false, ok)
	address, dial := l.url.Host, l.transport.DialContext
	l.transport.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return dial(ctx, network, address)
	}
	return l.transport
}

func contend(b *testing.B, servers int, base func(*testing.B) http.RoundTripper) {
	hosts := make([]*url.URL, servers)
	for i := range hosts {
		hosts[i] = &url.URL{Scheme: "http", Host: fmt.Sprintf("host-%d.example.com", i), Path: "/"}
	}
	each(b, func(b *testing.B, c bench.Contender) {
		if !slices.Contains([]string{"bare", "pass-through", "retry", "retry+unlimited"}, c.Name) {
			b.Skip("is about our Budget")
		}
		calmly(b)
		rt := c.New(base(b), usual)
		var goroutines atomic.Int64
		send := func(req *http.Request) error { return finish(rt.RoundTrip(req)) }
		for _, u := range hosts { // opens the connections
			req := newRequest(http.MethodGet)
			req.URL, req.Host = u, u.Host
			if err := send(req); err != nil {
				b.Fatal(err)
			}
		}
		b.ResetTimer()
		stop := stopwatch(b)
		b.RunParallel(func(pb *testing.PB) {
			req := newRequest(http.MethodGet)
			req.Response = new(http.Response)
			for i := int(goroutines.Add(1)) * 97; pb.Next(); i++ {
				req.URL = hosts[i%servers]
				req.Host = req.URL.Host
				if err := send(req); err != nil {
					b.Error(err)
					return
				}
			}
		})
		stop()
	}, everyone...)
}
