package fleet_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-e3550de8/retry"
	"github.com/seed-e3550de8/retry/fleet"
)

// cycle answers 200, or 503 and 200 in turn.
type cycle struct {
	fails bool
	sent  int
}

func (c *cycle) RoundTrip(req *http.Request) (*http.Response, error) {
	resp := &http.Response{StatusCode: 200, Body: http.NoBody, Request: req}
	if c.sent++; c.fails && c.sent%2 == 1 {
		resp.StatusCode = 503
	}
	return resp, nil
}

// What a store on the loopback interface costs a request that succeeds at once, and one that is retried without a wait.
func BenchmarkStore(b *testing.B) {
	for _, c := range []struct {
		name          string
		fails, shared bool
	}{
		{"200", false, false},
		{"200, with a store", false, true},
		{"503, then 200", true, false},
		{"503, then 200, with a store", true, true},
	} {
		b.Run(c.name, func(b *testing.B) {
			policy := retry.Policy{Backoff: retry.Constant(0)}
			if c.shared {
				f, err := fleet.New(embedded(b).client(b), fleet.Options{})
				require.NoError(b, err)
				policy.Budget = f.Budget
			}
			rt := retry.New(&cycle{fails: c.fails}, policy)
			req, err := http.NewRequestWithContext(b.Context(), http.MethodGet, "http://api.example/", nil)
			require.NoError(b, err)
			b.ReportAllocs()
			for b.Loop() {
				resp, err := rt.RoundTrip(req)
				if err != nil || resp.StatusCode != http.StatusOK {
					b.Fatal(resp, err)
				}
			}
		})
	}
}
