//go:build !race

package retry_test

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/seed-e3550de8/retry"
)

// The race detector allocates on its own account, and takes its time, so that this file is not for it. Bodies, many
// hosts and many goroutines are measured in the module bench.

// A benchBase answers from a cycle of statuses and allocates nothing. It serves one request at a time.
type benchBase struct {
	statuses []int
	sent     int
	slots    [2]http.Response // two, as a retry's response may come before the first one is let go
}

func (b *benchBase) RoundTrip(req *http.Request) (*http.Response, error) {
	slot := &b.slots[b.sent%2]
	code := b.statuses[b.sent%len(b.statuses)]
	*slot = http.Response{StatusCode: code, Header: benchHeader, Body: http.NoBody, Request: req}
	b.sent++
	return slot, nil
}

var benchHeader = http.Header{"Content-Type": {"text/plain"}, "Date": {"Sun, 06 Nov 1994 08:49:37 GMT"}}

func benchRequest(ctx context.Context, method string) *http.Request {
	u := &url.URL{Scheme: "http", Host: "example.com", Path: "/"}
	return (&http.Request{Method: method, URL: u, Header: http.Header{}}).WithContext(ctx)
}

func benchRoundTrip(b *testing.B, rt http.RoundTripper, req *http.Request) {
	resp, err := rt.RoundTrip(req)
	if err != nil || resp.StatusCode != http.StatusOK {
		b.Fatal(resp, err)
	}
}

// Promise 15: "A request that succeeds at once costs no allocation."
func TestPromise15_ARequestThatSucceedsAtOnceCostsNoAllocation(t *testing.T) {
	cancellable, cancel := context.WithCancel(t.Context())
	defer cancel()
	policy := retry.WithPolicy(context.Background(), retry.Policy{MaxAttempts: 7, Backoff: retry.Constant(1)})
	below, cancelBelow := context.WithCancel(retry.AsIdempotent(policy))
	defer cancelBelow()
	for name, ctx := range map[string]context.Context{
		"plain": context.Background(), "cancellable": cancellable, "policy": policy, "policy far up": below,
	} {
		for budget, p := range map[string]retry.Policy{
			"default budget": {},
			"own budget":     {Budget: &retry.Budget{}},
			"unlimited":      {Budget: retry.Unlimited},
			"idempotent":     {Idempotent: retry.Idempotent, MaxAttempts: 2, Backoff: retry.Constant(0)},
			"shared":         {Gate: new(retry.Gate)},
		} {
			for _, body := range []string{"", "payload"} {
				assert.Zero(t, allocations(ctx, p, body, 200), "%s, %s, body %q", name, budget, body)
				assert.Zero(t, allocations(ctx, p, body, 404), "%s, %s, body %q, 404", name, budget, body)
			}
		}
	}
}

// allocations counts what a request costs above the base, which costs nothing.
func allocations(ctx context.Context, p retry.Policy, body string, code int) float64 {
	rt, req := retry.New(&benchBase{statuses: []int{code}}, p), benchRequest(ctx, http.MethodPut)
	if body != "" {
		req.Body = io.NopCloser(struct{ io.Reader }{strings.NewReader(body)})
	}
	return testing.AllocsPerRun(200, func() { _, _ = rt.RoundTrip(req) })
}

// What else there is on the paths of a request costs as much as it has to, and no more than it did.
func TestTheOtherPathsAllocateNoMoreThanTheyDid(t *testing.T) {
	get := benchRequest(context.Background(), http.MethodGet)
	through := func(p retry.Policy, statuses ...int) func() {
		rt := retry.New(&benchBase{statuses: statuses}, p)
		return func() { _, _ = rt.RoundTrip(get) }
	}
	for name, row := range map[string]struct {
		most float64
		run  func()
	}{
		"503, then 200":        {2, through(noWait, 503, 200)},
		"a hook, 200":          {0, through(retry.Policy{OnAttempt: func(retry.Attempt, retry.Decision) {}}, 200)},
		"Classify, 200":        {0, through(retry.Policy{Classify: retry.Classify}, 200)},
		"ReadAhead of no body": {0, through(retry.Policy{ReadAhead: 1 << 10}, 200)},
		"an operation that is done": {6, func() {
			_, _ = retry.Do(context.Background(), retry.Policy{}, func(context.Context) (int, error) { return 1, nil })
		}},
	} {
		assert.LessOrEqual(t, testing.AllocsPerRun(200, row.run), row.most, name)
	}
}

// BenchmarkGet is a GET: what the Transport adds to its base, for which "bare" stands.
func BenchmarkGet(b *testing.B) {
	cancelable, cancel := context.WithCancel(context.Background())
	defer cancel()
	two := retry.WithPolicy(context.Background(), retry.Policy{MaxAttempts: 2})
	for _, c := range []struct {
		name   string
		policy retry.Policy
		ctx    context.Context
	}{
		{name: "bare"},
		{name: "defaults", policy: noWait},
		{name: "without a budget", policy: retry.Policy{Backoff: retry.Constant(0), Budget: retry.Unlimited}},
		{name: "cancelable context", policy: noWait, ctx: cancelable},
		{name: "policy in the context", policy: noWait, ctx: two},
		{name: "hook", policy: retry.Policy{Backoff: retry.Constant(0), OnAttempt: func(retry.Attempt, retry.Decision) {}}},
	} {
		ctx := cmp.Or(c.ctx, context.Background())
		for _, statuses := range [][]int{{200}, {503, 200}} {
			if c.name == "bare" && len(statuses) > 1 {
				continue
			}
			b.Run(fmt.Sprint(c.name, "/", statuses), func(b *testing.B) {
				b.ReportAllocs()
				var rt http.RoundTripper = &benchBase{statuses: statuses}
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
