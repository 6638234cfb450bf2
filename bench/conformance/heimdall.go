package conformance

import (
	"net/http"
	"time"

	"github.com/gojek/heimdall/v7"
	"github.com/gojek/heimdall/v7/httpclient"

	"github.com/seed-e3550de8/retry/retrytest"
)

func heimdallClient() Subject {
	wrap := func(attempts int) func(http.RoundTripper) http.RoundTripper {
		return func(base http.RoundTripper) http.RoundTripper {
			backoff := heimdall.NewExponentialBackoff(time.Second, 30*time.Second, 2, time.Second)
			c := httpclient.NewClient(
				httpclient.WithHTTPClient(&http.Client{Transport: base}),
				httpclient.WithRetryCount(attempts-1),
				httpclient.WithRetrier(heimdall.NewRetrier(backoff)),
			)
			return roundTripper(c.Do)
		}
	}
	return Subject{
		Name:   "heimdall",
		Module: "github.com/gojek/heimdall/v7",
		Setup:  "Do of its httpclient, with NewExponentialBackoff",
		Wrap:   wrap(4),
		Claims: retrytest.Claims{
			Attempts:         4,
			NotRetried:       []int{http.StatusRequestTimeout, http.StatusTooManyRequests},
			LongestBackoff:   31 * time.Second,
			Persistent:       wrap(120),
			NoIdempotency:    true,
			NoIdempotencyKey: true,
			NoUnprocessed:    true,
			NoRetryAfter:     true,
			NoDeadline:       true,
			Unclaimed: map[string]string{
				"CancelKeepsLastError":          lastErrorLost,
				"CloseIdleConnectionsForwarded": notATransport,
				"RequestNotModified":            notATransport,
			},
		},
	}
}

const notATransport = "a client, not a RoundTripper"
