package conformance

import (
	"net/http"
	"time"

	"github.com/hashicorp/go-retryablehttp"

	"github.com/seed-e3550de8/retry/retrytest"
)

func hashicorp() Subject {
	wrap := func(attempts int) func(http.RoundTripper) http.RoundTripper {
		return func(base http.RoundTripper) http.RoundTripper {
			c := retryablehttp.NewClient()
			c.HTTPClient.Transport = base
			c.RetryMax = attempts - 1
			c.Logger = nil
			return &retryablehttp.RoundTripper{Client: c}
		}
	}
	return Subject{
		Name:   "go-retryablehttp",
		Module: "github.com/hashicorp/go-retryablehttp",
		Setup:  "its RoundTripper and the defaults of NewClient, without a logger",
		Wrap:   wrap(5),
		Claims: retrytest.Claims{
			Attempts:          5,
			NotRetried:        []int{http.StatusRequestTimeout},
			LongestBackoff:    30 * time.Second,
			LongestRetryAfter: -1,
			Persistent:        wrap(120),
			NoIdempotency:     true,
			NoIdempotencyKey:  true,
			NoUnprocessed:     true,
			NoJitter:          true,
			NoDeadline:        true,
			NoLastResponse:    true,
			Unclaimed:         map[string]string{"CancelKeepsLastError": lastErrorLost},
		},
	}
}
