//go:build !race

package retry_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/seed-e3550de8/retry"
)

// The race detector allocates on its own account, so that this file is not for it.

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
	resp := &http.Response{StatusCode: code, Body: http.NoBody}
	rt := retry.New(roundTripperFunc(func(req *http.Request) (*http.Response, error) {
		resp.Request = req
		return resp, nil
	}), p)
	req, _ := http.NewRequestWithContext(ctx, "PUT", "http://api.example/", nil)
	if body != "" {
		req, _ = http.NewRequestWithContext(ctx, "PUT", "http://api.example/", io.NopCloser(struct{ io.Reader }{strings.NewReader(body)}))
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
