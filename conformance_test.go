package retry_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/seed-e3550de8/retry"
	"github.com/seed-e3550de8/retry/retrytest"
)

var conforming = map[string]struct {
	policy retry.Policy
	claims retrytest.Claims
	gated  bool // each Transport by a Gate of its own
}{
	"with the default policy": {
		claims: retrytest.Claims{Attempts: 4, LongestBackoff: 32 * time.Second},
	},
	"with an attempt timeout and a hook": {
		policy: retry.Policy{
			AttemptTimeout: time.Hour,
			OnAttempt:      func(retry.Attempt, retry.Decision) {},
		},
		claims: retrytest.Claims{Attempts: 4, LongestBackoff: 32 * time.Second, Unclaimed: map[string]string{
			"BodyNotWrapped": "an attempt's context lives until its body ends",
		}},
	},
	"with eight attempts that soon wait for the longest backoff": {
		policy: retry.Policy{
			MaxAttempts:   8,
			Backoff:       retry.Exponential{Base: 200 * time.Millisecond, Max: time.Second},
			MaxRetryAfter: 10 * time.Second,
			Budget:        retry.Unlimited, // the default one ends a request after five retries of a server that is down
		},
		claims: retrytest.Claims{Attempts: 8, LongestBackoff: time.Second, LongestRetryAfter: 10 * time.Second},
	},
	"with a gate": {
		gated:  true,
		claims: retrytest.Claims{Attempts: 4, LongestBackoff: 32 * time.Second},
	},
}

func TestTheTransportKeepsThePromisesOfAnyRetryingRoundTripper(t *testing.T) {
	t.Parallel()
	for name, c := range conforming {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c.claims.Persistent = func(base http.RoundTripper) http.RoundTripper {
				persistent := c.policy
				persistent.MaxAttempts, persistent.Budget = 120, retry.Unlimited
				return retry.New(base, persistent)
			}
			c.claims.Hasty = func(base http.RoundTripper) http.RoundTripper {
				hasty := c.policy
				hasty.Backoff = retry.Constant(time.Millisecond)
				return retry.New(base, hasty)
			}
			retrytest.TestRoundTripper(t, func(base http.RoundTripper) http.RoundTripper {
				if c.gated {
					c.policy.Gate = new(retry.Gate)
				}
				return retry.New(base, c.policy)
			}, c.claims)
		})
	}
}
