package bench_test

import (
	"net/http"
	"net/url"
	"runtime/debug"
	"testing"

	"github.com/seed-e3550de8/retry/bench"
)

// each runs a benchmark for every contender of the given kinds.
func each(b *testing.B, run func(b *testing.B, c bench.Contender), kinds ...bench.Kind) {
	for _, c := range bench.Field() {
		for _, k := range kinds {
			if c.Kind != k {
				continue
			}
			b.Run(c.Name, func(b *testing.B) {
				b.ReportAllocs()
				run(b, c)
			})
		}
	}
}

// calmly keeps the collector from running thousands of times a second, which it does where there is next to nothing on
// the heap, as there is in no server. It would be charged to those who allocate.
func calmly(b *testing.B) {
	before := debug.SetGCPercent(1000)
	b.Cleanup(func() { debug.SetGCPercent(before) })
}

// stopwatch starts to count the time that processors spend on the benchmark, the collector's included. The function
// that it returns ends that and reports cpu-ns/op. On a machine with other work to do this varies much less than ns/op.
func stopwatch(b *testing.B) (stop func()) {
	start := cpuTime()
	return func() { b.ReportMetric(float64(cpuTime()-start)/float64(b.N), "cpu-ns/op") }
}

// everyone is for cases in which nothing fails.
var everyone = []bench.Kind{bench.Retrier, bench.Sender, bench.Hedger}

// usual is the setup of all cases but those that say otherwise.
var usual = bench.Setup{Retries: 3}

var target = &url.URL{Scheme: "http", Host: "example.com", Path: "/things/1"}

func newRequest(method string) *http.Request {
	return &http.Request{
		Method: method,
		URL:    target,
		Proto:  "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"Accept": {"text/plain"}},
		Host:   target.Host,
	}
}

// send sends req through rt, and stops the benchmark unless the answer is a 200 in the end.
func send(b *testing.B, rt http.RoundTripper, req *http.Request) *http.Response {
	resp, err := rt.RoundTrip(req)
	if err != nil {
		b.Fatal(err)
	}
	if resp.StatusCode != http.StatusOK {
		b.Fatalf("status %d", resp.StatusCode)
	}
	return resp
}

// fit skips the benchmark of a contender that does not do what the case is about: a figure would compare nothing. It
// sends one request, of which attempts should arrive, each with the whole body.
func fit(b *testing.B, rt http.RoundTripper, base *stub, req *http.Request, attempts int, size int64) {
	b.Helper()
	sent, read := base.sent, base.read
	resp, err := rt.RoundTrip(req)
	if err != nil {
		b.Skip("fails: " + err.Error())
	}
	resp.Body.Close()
	switch {
	case resp.StatusCode != http.StatusOK:
		b.Skipf("ends with status %d", resp.StatusCode)
	case base.sent-sent != attempts:
		b.Skipf("sends %d times, not %d", base.sent-sent, attempts)
	case base.read-read != int64(attempts)*size:
		b.Skipf("sends %d bytes of a body of %d in %d attempts", base.read-read, size, attempts)
	}
}
