package bench_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed-e3550de8/retry/bench"
)

// A refusingBase answers 503 to everybody, and counts.
type refusingBase struct{ sent atomic.Int64 }

func (s *refusingBase) RoundTrip(req *http.Request) (*http.Response, error) {
	resp := new(http.Response)
	answer(resp, http.StatusServiceUnavailable, req)
	s.sent.Add(1)
	return resp, nil
}

// BenchmarkWaiting is 10,000 requests that wait for their retry, and are then canceled all at once: what each of them
// holds while it waits, and how long it takes until the last one is back.
//
// A library that does not hear of the cancellation is not waited for: after two seconds its figure is 2000. With -short
// there are 1,000 requests.
func BenchmarkWaiting(b *testing.B) {
	eachWaiting(b, func(rt http.RoundTripper) sender { return rt.RoundTrip })
}

// BenchmarkWaitingClient is the same behind an http.Client, as nearly every request is: the frames of Client.Do are on
// the stack too, which makes it larger for everyone.
func BenchmarkWaitingClient(b *testing.B) {
	eachWaiting(b, func(rt http.RoundTripper) sender { return (&http.Client{Transport: rt}).Do })
}

type sender func(*http.Request) (*http.Response, error)

// eachWaiting has goroutines that wait for the context, and do nothing else, in the place of the bare base.
func eachWaiting(b *testing.B, through func(http.RoundTripper) sender) {
	idle := bench.Contender{Name: "bare", New: func(base http.RoundTripper, _ bench.Setup) http.RoundTripper {
		return waiter{base}
	}}
	b.Run(idle.Name, func(b *testing.B) {
		for b.Loop() {
			wait(b, idle, through)
		}
	})
	each(b, func(b *testing.B, c bench.Contender) {
		if c.Budget {
			b.Skip("its budget lets no such number wait")
		}
		for b.Loop() {
			wait(b, c, through)
		}
	}, bench.Retrier)
}

type waiter struct{ base http.RoundTripper }

func (w waiter) RoundTrip(req *http.Request) (*http.Response, error) {
	if resp, err := w.base.RoundTrip(req); err != nil || resp.StatusCode == http.StatusOK {
		return resp, err
	}
	<-req.Context().Done()
	return nil, req.Context().Err()
}

func wait(b *testing.B, c bench.Contender, through func(http.RoundTripper) sender) {
	requests := 10_000
	if testing.Short() {
		requests /= 10
	}
	base := new(refusingBase)
	// Those who do not hear of the cancellation are gone after 20 s.
	send := through(c.New(base, bench.Setup{Retries: 1, Wait: 20 * time.Second}))
	ctx, cancel := context.WithCancel(context.Background())
	reqs := make([]*http.Request, requests)
	for i := range reqs {
		reqs[i] = newRequest(http.MethodGet).WithContext(ctx)
	}
	errs := make([]error, requests)
	var left atomic.Int64
	left.Store(int64(requests))
	done := make(chan struct{})

	all := float64(requests)
	bytes, goroutines := held(), runtime.NumGoroutine()
	for i, req := range reqs {
		go func() {
			_, errs[i] = send(req)
			if left.Add(-1) == 0 {
				close(done)
			}
		}()
	}
	for base.sent.Load() < int64(requests) {
		time.Sleep(time.Millisecond)
	}
	time.Sleep(100 * time.Millisecond) // from the last answer to the last wait
	b.ReportMetric(float64(int64(held()-bytes))/all, "B/waiting")
	b.ReportMetric(float64(runtime.NumGoroutine()-goroutines)/all, "goroutines/waiting")

	start := time.Now()
	cancel()
	select {
	case <-done:
	case <-time.After(2 * time.Second):
	}
	b.ReportMetric(float64(time.Since(start).Microseconds())/1000, "ms-to-leave")
	b.ReportMetric(1-float64(left.Load())/all, "left")
	b.ReportMetric(canceled(errs, left.Load()), "canceled-errors")
	b.ReportMetric(float64(settled(goroutines)-goroutines)/all, "goroutines-left")
	runtime.KeepAlive(reqs)
}

// canceled returns the share of errs that say that the context was canceled. If requests are still running, there is
// nothing to be read yet.
func canceled(errs []error, running int64) float64 {
	if running > 0 {
		return 0
	}
	n := 0
	for _, err := range errs {
		if errors.Is(err, context.Canceled) {
			n++
		}
	}
	return float64(n) / float64(len(errs))
}

// BenchmarkAuthorities is GETs that succeed at once, to 10,000 hosts in turn: what is kept for each of them, and how
// long a request takes when all of them are known.
func BenchmarkAuthorities(b *testing.B) {
	const hosts = 10_000
	urls := make([]*url.URL, hosts)
	for i := range urls {
		urls[i] = &url.URL{Scheme: "http", Host: fmt.Sprintf("host-%d.example.com", i), Path: "/"}
	}
	each(b, func(b *testing.B, c bench.Contender) {
		rt := c.New(newStub(http.StatusOK), usual)
		req := newRequest(http.MethodGet)
		before := held()
		for _, u := range urls {
			req.URL, req.Host = u, u.Host
			send(b, rt, req)
		}
		kept := int64(held() - before)
		i := 0
		stop := stopwatch(b)
		for b.Loop() {
			u := urls[i%hosts]
			i++
			req.URL, req.Host = u, u.Host
			send(b, rt, req)
		}
		stop()
		b.ReportMetric(float64(kept)/hosts, "B/host")
	}, everyone...)
}
