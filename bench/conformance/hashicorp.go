package conformance

import (
	"context"
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
		Told: toldHashicorp,
	}
}

func toldHashicorp(base http.RoundTripper, again func(*http.Response) bool) http.RoundTripper {
	c := retryablehttp.NewClient()
	c.HTTPClient.Transport = base
	c.RetryMax = 3
	c.Logger = nil
	c.Backoff = func(_, _ time.Duration, _ int, _ *http.Response) time.Duration { return 0 }
	c.CheckRetry = func(ctx context.Context, resp *http.Response, err error) (bool, error) {
		if err == nil && again(resp) {
			return true, nil
		}
		return retryablehttp.DefaultRetryPolicy(ctx, resp, err)
	}
	return &retryablehttp.RoundTripper{Client: c}
}
