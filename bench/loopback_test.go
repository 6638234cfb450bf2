package bench_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/url"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed-e3550de8/retry/bench"
)

// A loopback is a server on 127.0.0.1 and the transport that talks to it.
type loopback struct {
	transport *http.Transport
	opened    atomic.Int64 // connections
	url       *url.URL
}

func newLoopback(b *testing.B, http2 bool, handler http.HandlerFunc) *loopback {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	protocols := new(http.Protocols)
	protocols.SetHTTP1(!http2)
	protocols.SetUnencryptedHTTP2(http2)
	server := &http.Server{Handler: handler, Protocols: protocols}
	go server.Serve(listener)

	l := &loopback{url: &url.URL{Scheme: "http", Host: listener.Addr().String(), Path: "/"}}
	dialer := &net.Dialer{}
	l.transport = &http.Transport{
		Protocols:           protocols,
		MaxIdleConnsPerHost: 64,
		DisableCompression:  true,
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			l.opened.Add(1)
			return dialer.DialContext(ctx, network, address)
		},
	}
	b.Cleanup(func() {
		l.transport.CloseIdleConnections()
		server.Close()
	})
	return l
}

func (l *loopback) newRequest() *http.Request {
	req := newRequest(http.MethodGet)
	req.URL, req.Host = l.url, l.url.Host
	return req
}

// finish reads the response to its end, as a caller who wants the connection back does.
func finish(resp *http.Response, err error) error {
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	return err
}

func ok(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "ok") }

// warm sends what need not be measured: the first contender of a process would pay for its first pages and connections.
func (l *loopback) warm(b *testing.B, rt http.RoundTripper, requests int, bytes int64) {
	for range requests {
		resp, err := rt.RoundTrip(l.newRequest())
		if err != nil {
			b.Fatal(err)
		}
		io.CopyN(io.Discard, resp.Body, bytes)
		resp.Body.Close()
	}
}

// BenchmarkLoopbackSerial is a GET over one kept connection.
func BenchmarkLoopbackSerial(b *testing.B) { overLoopback(b, false, serially) }

// BenchmarkLoopbackSerialHTTP2 is the same over HTTP/2.
func BenchmarkLoopbackSerialHTTP2(b *testing.B) { overLoopback(b, true, serially) }

// BenchmarkLoopbackParallel is GETs of 16 goroutines for each processor.
func BenchmarkLoopbackParallel(b *testing.B) { overLoopback(b, false, parallel) }

// BenchmarkLoopbackParallelHTTP2 is the same over one HTTP/2 connection.
func BenchmarkLoopbackParallelHTTP2(b *testing.B) { overLoopback(b, true, parallel) }

func overLoopback(b *testing.B, http2 bool, run func(*testing.B, http.RoundTripper, *loopback)) {
	each(b, func(b *testing.B, c bench.Contender) {
		l := newLoopback(b, http2, ok)
		rt := c.New(l.transport, usual)
		l.warm(b, rt, 500, 1<<10)
		b.ResetTimer()
		run(b, rt, l)
	}, everyone...)
}

func serially(b *testing.B, rt http.RoundTripper, l *loopback) {
	stop := stopwatch(b)
	for b.Loop() {
		if err := finish(rt.RoundTrip(l.newRequest())); err != nil {
			b.Fatal(err)
		}
	}
	stop()
}

func parallel(b *testing.B, rt http.RoundTripper, l *loopback) {
	b.SetParallelism(16)
	stop := stopwatch(b)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if err := finish(rt.RoundTrip(l.newRequest())); err != nil {
				b.Error(err)
				return
			}
		}
	})
	stop()
}

// BenchmarkErrorPage is 200 requests one after the other, each of which meets a 503 with a page of 64 KiB and then
// succeeds. One connection is enough for it.
func BenchmarkErrorPage(b *testing.B) {
	const requests = 200
	page := make([]byte, 64<<10)
	each(b, func(b *testing.B, c bench.Contender) {
		var seen atomic.Int64
		l := newLoopback(b, false, func(w http.ResponseWriter, r *http.Request) {
			if seen.Add(1)%2 == 0 {
				ok(w, r)
				return
			}
			w.WriteHeader(http.StatusServiceUnavailable)
			w.Write(page)
		})
		rt := c.New(l.transport, usual)
		before := runtime.NumGoroutine()
		var opened, left float64
		for b.Loop() {
			first := l.opened.Load()
			for range requests {
				if err := finish(send(b, rt, l.newRequest()), nil); err != nil {
					b.Fatal(err)
				}
			}
			opened = float64(l.opened.Load() - first)
			l.transport.CloseIdleConnections()
			left = float64(settled(before) - before)
		}
		b.ReportMetric(opened, "conns")
		b.ReportMetric(left, "goroutines-left")
	}, bench.Retrier)
}

// settled returns the number of goroutines once it is down to want, or what it is after a while.
func settled(want int) int {
	for range 50 {
		if runtime.NumGoroutine() <= want {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	return runtime.NumGoroutine()
}

// BenchmarkDrip is a request that meets a 503 whose page drips for two seconds (with -short, for half a second), and
// then succeeds: the time until then.
func BenchmarkDrip(b *testing.B) {
	each(b, func(b *testing.B, c bench.Contender) {
		var seen atomic.Int64
		l := newLoopback(b, false, func(w http.ResponseWriter, r *http.Request) {
			if seen.Add(1)%2 == 0 {
				ok(w, r)
				return
			}
			w.WriteHeader(http.StatusServiceUnavailable)
			drip(w, r)
		})
		rt := c.New(l.transport, usual)
		for b.Loop() {
			start := time.Now()
			if err := finish(send(b, rt, l.newRequest()), nil); err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(float64(time.Since(start).Microseconds())/1000, "ms-to-retry")
		}
	}, bench.Retrier)
}

func drip(w http.ResponseWriter, r *http.Request) {
	drops := 40
	if testing.Short() {
		drops = 10
	}
	for range drops {
		if _, err := w.Write([]byte(".")); err != nil {
			return
		}
		http.NewResponseController(w).Flush()
		select {
		case <-r.Context().Done():
			return
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// BenchmarkStream1GiB is the reading of a response of 1 GiB; with -short, of 64 MiB.
func BenchmarkStream1GiB(b *testing.B) {
	size := 1 << 30
	if testing.Short() {
		size = 1 << 26
	}
	chunk := make([]byte, 64<<10)
	each(b, func(b *testing.B, c bench.Contender) {
		l := newLoopback(b, false, func(w http.ResponseWriter, r *http.Request) {
			for range size / len(chunk) {
				if _, err := w.Write(chunk); err != nil {
					return
				}
			}
		})
		rt := c.New(l.transport, usual)
		l.warm(b, rt, 1, int64(size/4))
		b.SetBytes(int64(size))
		stop := stopwatch(b)
		for b.Loop() {
			if err := finish(rt.RoundTrip(l.newRequest())); err != nil {
				b.Fatal(err)
			}
		}
		stop()
	}, everyone...)
}
