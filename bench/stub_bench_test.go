package bench_test

import (
	"context"
	"io"
	"net/http"
	"testing"

	"github.com/seed-e3550de8/retry"
	"github.com/seed-e3550de8/retry/bench"
)

// BenchmarkSuccess is a GET that succeeds at once.
func BenchmarkSuccess(b *testing.B) {
	each(b, func(b *testing.B, c bench.Contender) {
		get(b, c, context.Background())
	}, everyone...)
}

// BenchmarkSuccessCancel is the same with a context that can be canceled.
func BenchmarkSuccessCancel(b *testing.B) {
	each(b, func(b *testing.B, c bench.Contender) {
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		get(b, c, ctx)
	}, everyone...)
}

// BenchmarkSuccessPolicy is the same with a policy in the context, for those that have one.
func BenchmarkSuccessPolicy(b *testing.B) {
	ctx := retry.WithPolicy(context.Background(), retry.Policy{MaxAttempts: 2})
	each(b, func(b *testing.B, c bench.Contender) {
		if c.Module != "" && c.Module != "github.com/seed-e3550de8/retry" {
			b.Skip("has no policy in the context")
		}
		get(b, c, ctx)
	}, everyone...)
}

func get(b *testing.B, c bench.Contender, ctx context.Context) {
	calmly(b)
	rt := c.New(newStub(http.StatusOK), usual)
	req := newRequest(http.MethodGet).WithContext(ctx)
	stop := stopwatch(b)
	for b.Loop() {
		send(b, rt, req)
	}
	stop()
}

// BenchmarkSuccessParallel is a GET that succeeds at once, by many goroutines through one RoundTripper.
func BenchmarkSuccessParallel(b *testing.B) {
	each(b, func(b *testing.B, c bench.Contender) {
		calmly(b)
		rt := c.New(sharedStub{}, usual)
		stop := stopwatch(b)
		b.RunParallel(func(pb *testing.PB) {
			req := newRequest(http.MethodGet)
			req.Response = new(http.Response)
			for pb.Next() {
				if _, err := rt.RoundTrip(req); err != nil {
					b.Error(err)
					return
				}
			}
		})
		stop()
	}, everyone...)
}

// BenchmarkRetryParallel is GETs that meet a 503 and then succeed, by many goroutines through one RoundTripper.
func BenchmarkRetryParallel(b *testing.B) {
	each(b, func(b *testing.B, c bench.Contender) {
		calmly(b)
		rt := c.New(sharedFlakyStub{}, usual)
		first := newRequest(http.MethodGet)
		first.Response = new(http.Response)
		if resp, err := rt.RoundTrip(first); err != nil || resp.StatusCode != http.StatusOK {
			b.Skip("sends a request of its own making, which the stub cannot tell")
		}
		stop := stopwatch(b)
		b.RunParallel(func(pb *testing.PB) {
			req := newRequest(http.MethodGet)
			req.Response = new(http.Response)
			for pb.Next() {
				if _, err := rt.RoundTrip(req); err != nil {
					b.Error(err)
					return
				}
			}
		})
		stop()
	}, bench.Retrier)
}

// BenchmarkPut1KiB is a PUT of 1 KiB that succeeds at once.
func BenchmarkPut1KiB(b *testing.B) { put(b, 1<<10, 1, http.StatusOK) }

// BenchmarkPut1MiB is a PUT of 1 MiB that succeeds at once.
func BenchmarkPut1MiB(b *testing.B) { put(b, 1<<20, 1, http.StatusOK) }

// BenchmarkRetryPut1KiB is a PUT of 1 KiB that meets a 503 and then succeeds.
func BenchmarkRetryPut1KiB(b *testing.B) {
	put(b, 1<<10, 2, http.StatusServiceUnavailable, http.StatusOK)
}

func put(b *testing.B, size int64, attempts int, statuses ...int) {
	kinds := everyone
	if attempts > 1 {
		kinds = []bench.Kind{bench.Retrier}
	}
	each(b, func(b *testing.B, c bench.Contender) {
		calmly(b)
		base := newStub(statuses...)
		rt := c.New(base, usual)
		body := newPayload(int(size))
		req := newRequest(http.MethodPut)
		body.attach(req)
		fit(b, rt, base, req, attempts, size)
		stop := stopwatch(b)
		for b.Loop() {
			body.attach(req)
			send(b, rt, req)
		}
		stop()
	}, kinds...)
}

// BenchmarkRetryGet is a GET that meets a 503 and then succeeds.
func BenchmarkRetryGet(b *testing.B) {
	repeat(b, usual, http.StatusServiceUnavailable, http.StatusOK)
}

// BenchmarkRetryTen is a GET that meets ten failing statuses and then succeeds.
func BenchmarkRetryTen(b *testing.B) {
	repeat(b, bench.Setup{Retries: 10}, 500, 502, 503, 504, 500, 502, 503, 504, 500, 502, http.StatusOK)
}

func repeat(b *testing.B, s bench.Setup, statuses ...int) {
	each(b, func(b *testing.B, c bench.Contender) {
		if c.Budget && s.Retries > usual.Retries {
			b.Skip("its budget is for a server that recovers")
		}
		calmly(b)
		base := newStub(statuses...)
		rt := c.New(base, s)
		req := newRequest(http.MethodGet)
		fit(b, rt, base, req, len(statuses), 0)
		stop := stopwatch(b)
		for b.Loop() {
			send(b, rt, req)
		}
		stop()
	}, bench.Retrier)
}

// BenchmarkPut64MiB is a PUT of a 64 MiB stream with GetBody that succeeds at once: peak-MiB is what the heap grew by.
func BenchmarkPut64MiB(b *testing.B) { putStream(b, 1, http.StatusOK) }

// BenchmarkRetryPut64MiB is the same after a 503.
func BenchmarkRetryPut64MiB(b *testing.B) {
	putStream(b, 2, http.StatusServiceUnavailable, http.StatusOK)
}

func putStream(b *testing.B, attempts int, statuses ...int) {
	const size = 64 << 20
	kinds := everyone
	if attempts > 1 {
		kinds = []bench.Kind{bench.Retrier}
	}
	each(b, func(b *testing.B, c bench.Contender) {
		base := newStub(statuses...)
		rt := c.New(base, usual)
		req := newRequest(http.MethodPut)
		attach := func() {
			req.Body, req.ContentLength = &stream{left: size}, size
			req.GetBody = func() (io.ReadCloser, error) { return &stream{left: size}, nil }
		}
		attach()
		fit(b, rt, base, req, attempts, size)
		peak := watchHeap()
		for b.Loop() {
			attach()
			send(b, rt, req)
		}
		b.ReportMetric(float64(peak())/(1<<20), "peak-MiB")
	}, kinds...)
}

// BenchmarkBodyKept tells whether the caller gets the response body that the base returned, and with it whatever else
// that body can do, such as being written to after a 101.
func BenchmarkBodyKept(b *testing.B) {
	each(b, func(b *testing.B, c bench.Contender) {
		body := &stream{}
		rt := c.New(bodyBase{body}, usual)
		kept := 0.0
		for b.Loop() {
			if send(b, rt, newRequest(http.MethodGet)).Body == io.ReadCloser(body) {
				kept = 1
			}
		}
		b.ReportMetric(kept, "kept")
	}, everyone...)
}

// A bodyBase answers 200 with a body that can be told from others.
type bodyBase struct{ body io.ReadCloser }

func (s bodyBase) RoundTrip(req *http.Request) (*http.Response, error) {
	resp := new(http.Response)
	answer(resp, http.StatusOK, req)
	resp.Body = s.body
	return resp, nil
}
