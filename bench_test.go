package retry_test

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"runtime"
	"testing"
	"time"

	"github.com/seed-e3550de8/retry"
)

// A benchBase answers from a cycle of statuses, reads bodies to their end, and allocates nothing. It serves one request
// at a time. The same cases, beside other libraries, are in the module bench.
type benchBase struct {
	statuses []int
	sent     int
	buf      [4096]byte
	slots    [2]http.Response // two, as a retry's response may come before the first one is let go
}

func (b *benchBase) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Body != nil {
		for {
			if _, err := req.Body.Read(b.buf[:]); err != nil {
				break
			}
		}
		_ = req.Body.Close()
	}
	slot := &b.slots[b.sent%2]
	*slot = http.Response{StatusCode: b.statuses[b.sent%len(b.statuses)], Header: benchHeader, Body: http.NoBody, Request: req}
	b.sent++
	return slot, nil
}

var benchHeader = http.Header{"Content-Type": {"text/plain"}, "Date": {"Sun, 06 Nov 1994 08:49:37 GMT"}}

// A benchBody is a request body that can be sent again and again without an allocation.
type benchBody struct{ bytes.Reader }

func (*benchBody) Close() error { return nil }

func benchRequest(ctx context.Context, method string) *http.Request {
	req := &http.Request{Method: method, URL: &url.URL{Scheme: "http", Host: "example.com", Path: "/"}, Header: http.Header{}}
	return req.WithContext(ctx)
}

func benchRoundTrip(b *testing.B, rt http.RoundTripper, req *http.Request) {
	resp, err := rt.RoundTrip(req)
	if err != nil || resp.StatusCode != http.StatusOK {
		b.Fatal(resp, err)
	}
}

var noWait = retry.Policy{Backoff: retry.Constant(0)}

// BenchmarkGet is a GET: what the Transport adds to its base, for which "bare" stands.
func BenchmarkGet(b *testing.B) {
	cancelable, cancel := context.WithCancel(context.Background())
	defer cancel()
	for _, c := range []struct {
		name   string
		policy retry.Policy
		ctx    context.Context
	}{
		{name: "bare"},
		{name: "defaults", policy: noWait},
		{name: "without a budget", policy: retry.Policy{Backoff: retry.Constant(0), Budget: retry.Unlimited}},
		{name: "cancelable context", policy: noWait, ctx: cancelable},
		{name: "policy in the context", policy: noWait, ctx: retry.WithPolicy(context.Background(), retry.Policy{MaxAttempts: 2})},
		{name: "hook", policy: retry.Policy{Backoff: retry.Constant(0), OnAttempt: func(retry.Attempt, retry.Decision) {}}},
	} {
		ctx := cmp.Or(c.ctx, context.Background())
		for _, outcome := range []struct {
			name     string
			statuses []int
		}{
			{"200", []int{200}},
			{"503 then 200", []int{503, 200}},
		} {
			if c.name == "bare" && len(outcome.statuses) > 1 {
				continue
			}
			b.Run(c.name+"/"+outcome.name, func(b *testing.B) {
				b.ReportAllocs()
				var rt http.RoundTripper = &benchBase{statuses: outcome.statuses}
				if c.name != "bare" {
					rt = retry.New(rt, c.policy)
				}
				req := benchRequest(ctx, http.MethodGet)
				for b.Loop() {
					benchRoundTrip(b, rt, req)
				}
			})
		}
	}
}

// BenchmarkPut is a PUT of 1 KiB and of 1 MiB.
func BenchmarkPut(b *testing.B) {
	for _, size := range []int{1 << 10, 1 << 20} {
		data := make([]byte, size)
		for _, statuses := range [][]int{{200}, {503, 200}} {
			b.Run(fmt.Sprintf("%d bytes/%d attempts", size, len(statuses)), func(b *testing.B) {
				b.ReportAllocs()
				rt := retry.New(&benchBase{statuses: statuses}, noWait)
				body, req := new(benchBody), benchRequest(context.Background(), http.MethodPut)
				req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(data)), nil }
				for b.Loop() {
					body.Reset(data)
					req.Body = body
					benchRoundTrip(b, rt, req)
				}
			})
		}
	}
}

// BenchmarkGetManyAuthorities is a GET that succeeds at once, to more authorities than the Budget has fast slots.
func BenchmarkGetManyAuthorities(b *testing.B) {
	urls := make([]*url.URL, 1000)
	for i := range urls {
		urls[i] = &url.URL{Scheme: "http", Host: fmt.Sprintf("host-%d.example.com", i), Path: "/"}
	}
	b.ReportAllocs()
	rt, req := retry.New(&benchBase{statuses: []int{200}}, noWait), benchRequest(context.Background(), http.MethodGet)
	for i := 0; b.Loop(); i++ {
		req.URL = urls[i%len(urls)]
		benchRoundTrip(b, rt, req)
	}
}

// BenchmarkGetParallel is a GET that succeeds at once, by many goroutines to one authority.
func BenchmarkGetParallel(b *testing.B) {
	b.ReportAllocs()
	resp := &http.Response{StatusCode: 200, Header: benchHeader, Body: http.NoBody, Request: benchRequest(context.Background(), http.MethodGet)}
	rt := retry.New(roundTripperFunc(func(*http.Request) (*http.Response, error) { return resp, nil }), noWait)
	b.RunParallel(func(pb *testing.PB) {
		req := benchRequest(context.Background(), http.MethodGet)
		for pb.Next() {
			if _, err := rt.RoundTrip(req); err != nil {
				b.Error(err)
				return
			}
		}
	})
}

func BenchmarkParseRetryAfter(b *testing.B) {
	now := time.Date(1994, 11, 6, 8, 49, 37, 0, time.UTC)
	for _, value := range []string{"120", "Sun, 06 Nov 1994 08:50:37 GMT", "Sunday, 06-Nov-94 08:50:37 GMT", "soon"} {
		b.Run(value, func(b *testing.B) {
			b.ReportAllocs()
			h := http.Header{"Retry-After": {value}}
			for b.Loop() {
				retry.ParseRetryAfter(h, now)
			}
		})
	}
}

func BenchmarkExponential(b *testing.B) {
	for b.Loop() {
		retry.Exponential{}.Delay(3)
	}
}

// BenchmarkBudgetAuthorities shows what a million authorities cost, each with a retry that was spent, and what is left
// of it after an hour of traffic with one of them.
func BenchmarkBudgetAuthorities(b *testing.B) {
	const authorities, busy = 1_000_000, 200_000
	for b.Loop() {
		before, budget, now := heap(), new(retry.Budget), time.Now()
		for i := range authorities {
			budget.Spend(fmt.Sprint("host", i, ".example.com"), now)
		}
		grown := heap() - before
		b.ReportMetric(float64(grown)/float64(budget.Buckets()), "B/authority")
		b.ReportMetric(float64(grown)/1e6, "MB")
		for range busy {
			now = now.Add(time.Hour / busy)
			budget.Touch("busy", now)
		}
		b.ReportMetric(float64(budget.Buckets()), "authorities-after")
		b.ReportMetric(max(float64(heap())-float64(before), 0)/1e6, "MB-after")
	}
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
