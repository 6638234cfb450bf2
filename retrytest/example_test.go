package retrytest_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/seed-e3550de8/retry/retrytest"
)

// An Example has no t, so this one is only compiled: the function in it is what stands in a test file.
func ExampleTestRoundTripper() {
	TestMine := func(t *testing.T) {
		wrap := func(base http.RoundTripper) http.RoundTripper { return newReference(base) }
		retrytest.TestRoundTripper(t, wrap, retrytest.Claims{})
	}
	_ = TestMine
}

func ExampleClaims() {
	TestMine := func(t *testing.T) {
		wrap := func(base http.RoundTripper) http.RoundTripper { return newReference(base) }
		retrytest.TestRoundTripper(t, wrap, retrytest.Claims{
			Attempts:       4,
			LongestBackoff: 4 * time.Second,
			NotRetried:     []int{http.StatusRequestTimeout}, // not asked for
			NoJitter:       true,                             // nor is this
			Unclaimed: map[string]string{
				"CancelKeepsLastError": "a cancelled wait has the context's error alone, as in net/http",
			},
		})
	}
	_ = TestMine
}
