package conformance

import (
	"net/http"
	"time"

	"github.com/failsafe-go/failsafe-go/failsafehttp"

	"github.com/seed-e3550de8/retry/retrytest"
)

func failsafe() Subject {
	wrap := func(attempts int) func(http.RoundTripper) http.RoundTripper {
		return func(base http.RoundTripper) http.RoundTripper {
			return failsafehttp.NewRoundTripper(base, failsafehttp.NewRetryPolicyBuilder().
				WithMaxRetries(attempts-1).
				WithBackoff(time.Second, 30*time.Second).
				Build())
		}
	}
	return Subject{
		Name:   "failsafehttp",
		Module: "github.com/failsafe-go/failsafe-go",
		Setup:  "NewRetryPolicyBuilder with WithMaxRetries and WithBackoff",
		Wrap:   wrap(4),
		Claims: retrytest.Claims{
			Attempts:          4,
			NotRetried:        []int{http.StatusRequestTimeout},
			LongestBackoff:    30 * time.Second,
			LongestRetryAfter: -1,
			Persistent:        wrap(100),
			NoIdempotency:     true,
			NoIdempotencyKey:  true,
			NoUnprocessed:     true,
			NoJitter:          true,
			NoDeadline:        true,
			NoLastResponse:    true,
			Unclaimed: map[string]string{
				"CancelKeepsLastError":  lastErrorLost,
				"RetryAfterDates":       "dates are not read",
				"RetryAfterSkewedClock": "dates are not read",
			},
		},
		Told: func(base http.RoundTripper, again func(*http.Response) bool) http.RoundTripper {
			return failsafehttp.NewRoundTripper(base, failsafehttp.NewRetryPolicyBuilder().
				WithMaxRetries(3).
				HandleIf(func(resp *http.Response, err error) bool { return err == nil && again(resp) }).
				Build())
		},
	}
}
