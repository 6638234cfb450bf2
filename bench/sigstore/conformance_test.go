package sigstore_test

import (
	"flag"
	"net/http"
	"testing"

	"github.com/sigstore/sigstore/pkg/httpretry"

	"github.com/seed-e3550de8/retry/retrytest"
)

var others = flag.Bool("others", false, "run the kit, some of which this library fails")

func TestConformance(t *testing.T) {
	t.Run("sigstore", func(t *testing.T) {
		if !*others {
			t.Skip("needs -others")
		}
		retrytest.TestRoundTripper(t, wrap(httpretry.DefaultMaxRetries), retrytest.Claims{
			Attempts:         1 + httpretry.DefaultMaxRetries,
			NotRetried:       []int{http.StatusRequestTimeout},
			LongestBackoff:   httpretry.DefaultWaitMax,
			Persistent:       wrap(120),
			NoIdempotency:    true,
			NoIdempotencyKey: true,
			NoUnprocessed:    true,
			NoDeadline:       true,
			NoFiles:          true,
			Unclaimed: map[string]string{
				"RetryAfterOverflow":   cut,
				"RetryAfterTooLong":    cut,
				"CancelKeepsLastError": "a cancelled wait has the context's error alone, as in net/http",
			},
		})
	})
}

const cut = "a longer Retry-After is cut to WaitMax, as documented"

func wrap(retries int) func(http.RoundTripper) http.RoundTripper {
	return func(base http.RoundTripper) http.RoundTripper {
		t := httpretry.NewTransport(base)
		t.MaxRetries = retries
		return t
	}
}
