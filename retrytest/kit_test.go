package retrytest_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/seed-e3550de8/retry/retrytest"
)

func TestAReferenceKeepsEveryPromiseOfTheKit(t *testing.T) {
	t.Parallel()
	testReference(t, changed(func(*reference) {}), retrytest.Claims{})
}

// testReference runs the kit on references that were changed, with what is known of them added to the claims.
func testReference(t *testing.T, change func(*reference) http.RoundTripper, claims retrytest.Claims) {
	t.Helper()
	claims.LongestBackoff = longest
	if claims.Attempts == 0 {
		claims.Attempts = attempts
	}
	claims.Persistent = func(base http.RoundTripper) http.RoundTripper {
		r := newReference(base)
		r.attempts = 100
		return change(r)
	}
	claims.Hasty = func(base http.RoundTripper) http.RoundTripper {
		r := newReference(base)
		r.wait = func(int, *http.Response) time.Duration { return 0 }
		return change(r)
	}
	retrytest.TestRoundTripper(t, func(base http.RoundTripper) http.RoundTripper {
		return change(newReference(base))
	}, claims)
}
