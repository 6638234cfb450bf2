package bench_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-e3550de8/retry"
	"github.com/seed-e3550de8/retry/idempotency"
)

// A way is one of several to send the same request.
type way struct {
	name string
	run  func(b *testing.B)
}

func compare(b *testing.B, ways ...way) {
	for _, w := range ways {
		b.Run(w.name, func(b *testing.B) {
			b.ReportAllocs()
			calmly(b)
			w.run(b)
		})
	}
}

func noWait(p retry.Policy) retry.Policy {
	p.Backoff = retry.Constant(0)
	return p
}

// BenchmarkFileUpload is a PUT of a file of 16 MiB over loopback: over HTTP/1 the bare transport has it copied by the
// kernel.
func BenchmarkFileUpload(b *testing.B) { uploadFile(b, false) }

// BenchmarkFileUploadHTTP2 is the same over HTTP/2.
func BenchmarkFileUploadHTTP2(b *testing.B) { uploadFile(b, true) }

func uploadFile(b *testing.B, http2 bool) {
	const size = 16 << 20
	name := filepath.Join(b.TempDir(), "file")
	require.NoError(b, os.WriteFile(name, make([]byte, size), 0o600))
	upload := func(p *retry.Policy, set bool) func(*testing.B) {
		return func(b *testing.B) {
			l := newLoopback(b, http2, func(w http.ResponseWriter, r *http.Request) { io.Copy(io.Discard, r.Body) })
			var rt http.RoundTripper = l.transport
			if p != nil {
				rt = retry.New(rt, *p)
			}
			shared, err := os.Open(name)
			require.NoError(b, err)
			defer shared.Close()
			b.SetBytes(size)
			peak, stop := watchHeap(), stopwatch(b)
			for b.Loop() {
				req := l.newRequest()
				req.Method = http.MethodPut
				if set {
					retry.SetBody(req, shared, size)
				} else {
					req.Body, err = os.Open(name)
					req.ContentLength = size
				}
				require.NoError(b, err)
				require.NoError(b, finish(rt.RoundTrip(req)))
			}
			stop()
			b.ReportMetric(float64(peak())/(1<<20), "peak-MiB")
		}
	}
	compare(b,
		way{"bare", upload(nil, false)},
		way{"bare, SetBody", upload(nil, true)},
		way{"retry", upload(&retry.Policy{}, false)},
		way{"retry, SetBody", upload(&retry.Policy{}, true)},
	)
}

// A pageBase answers 200 with a page of 4 KiB.
type pageBase struct{ page []byte }

func (s pageBase) RoundTrip(req *http.Request) (*http.Response, error) {
	resp := new(http.Response)
	answer(resp, http.StatusOK, req)
	resp.Body, resp.ContentLength = io.NopCloser(bytes.NewReader(s.page)), int64(len(s.page))
	return resp, nil
}

// BenchmarkPage is a GET of 4 KiB that is read to its end, after the policy has looked at it or has read it ahead.
func BenchmarkPage(b *testing.B) {
	peek := func(a retry.Attempt) retry.Class {
		if a.Response != nil {
			if start, err := retry.Peek(a.Response, 1<<10); err != nil || bytes.HasPrefix(start, []byte("throttled")) {
				return retry.Transient
			}
		}
		return retry.Classify(a)
	}
	get := func(p *retry.Policy) func(*testing.B) {
		return func(b *testing.B) {
			var rt http.RoundTripper = pageBase{make([]byte, 4<<10)}
			if p != nil {
				rt = retry.New(rt, noWait(*p))
			}
			req, stop := newRequest(http.MethodGet), stopwatch(b)
			for b.Loop() {
				require.NoError(b, finish(rt.RoundTrip(req)))
			}
			stop()
		}
	}
	compare(b,
		way{"bare", get(nil)},
		way{"retry", get(&retry.Policy{})},
		way{"retry, Classify", get(&retry.Policy{Classify: retry.Classify})},
		way{"retry, Peek of 1 KiB", get(&retry.Policy{Classify: peek})},
		way{"retry, ReadAhead", get(&retry.Policy{ReadAhead: 64 << 10})},
	)
}

// BenchmarkDo is an operation that succeeds at once, and one that sends a GET.
func BenchmarkDo(b *testing.B) {
	ctx := context.Background()
	nothing := func(context.Context) (int, error) { return 1, nil }
	get := func(rt http.RoundTripper) func(context.Context) (*http.Response, error) {
		return func(ctx context.Context) (*http.Response, error) {
			return rt.RoundTrip(newRequest(http.MethodGet).WithContext(ctx))
		}
	}
	sent, retried := get(newStub(http.StatusOK)), get(retry.New(newStub(http.StatusOK), noWait(retry.Policy{})))
	compare(b,
		way{"bare", func(b *testing.B) { repeatedly(b, func() error { _, err := nothing(ctx); return err }) }},
		way{"Do", func(b *testing.B) { repeatedly(b, func() error { return done(ctx, nothing) }) }},
		way{"a GET, bare", func(b *testing.B) { repeatedly(b, func() error { _, err := sent(ctx); return err }) }},
		way{"a GET in Do", func(b *testing.B) { repeatedly(b, func() error { return done(ctx, sent) }) }},
		way{"a GET of retry in Do", func(b *testing.B) { repeatedly(b, func() error { return done(ctx, retried) }) }},
	)
}

func done[T any](ctx context.Context, op func(context.Context) (T, error)) error {
	_, err := retry.Do(ctx, retry.Policy{}, op)
	return err
}

func repeatedly(b *testing.B, call func() error) {
	stop := stopwatch(b)
	for b.Loop() {
		if err := call(); err != nil {
			b.Fatal(err)
		}
	}
	stop()
}

// BenchmarkIdempotency is a POST that gets a key and succeeds at once.
func BenchmarkIdempotency(b *testing.B) {
	post := func(wrap func(http.RoundTripper) http.RoundTripper) func(*testing.B) {
		return func(b *testing.B) {
			rt, req := wrap(newStub(http.StatusOK)), newRequest(http.MethodPost)
			repeatedly(b, func() error { _, err := rt.RoundTrip(req); return err })
		}
	}
	retrying := func(base http.RoundTripper) http.RoundTripper { return retry.New(base, noWait(retry.Policy{})) }
	key := func(*http.Request) string { return "8e03978e-40d5-43e8-bc93-6894a57f9324" }
	compare(b,
		way{"bare", post(func(base http.RoundTripper) http.RoundTripper { return base })},
		way{"retry", post(retrying)},
		way{"idempotency and retry", post(func(base http.RoundTripper) http.RoundTripper {
			return &idempotency.Transport{Base: retrying(base)}
		})},
		way{"the same, a key of one's own", post(func(base http.RoundTripper) http.RoundTripper {
			return &idempotency.Transport{Base: retrying(base), Key: key}
		})},
	)
}
