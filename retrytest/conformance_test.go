package retrytest_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/seed-e3550de8/retry/retrytest"
)

func TestAReferenceKeepsEveryPromiseOfTheKit(t *testing.T) {
	t.Parallel()
	testReference(t, changed(func(*reference) {}))
}

// testReference runs the kit on references that were changed.
func testReference(t *testing.T, change func(*reference) http.RoundTripper) {
	t.Helper()
	retrytest.TestRoundTripper(t, func(base http.RoundTripper) http.RoundTripper {
		return change(newReference(base))
	}, retrytest.Claims{
		Attempts:       attempts,
		LongestBackoff: longest,
		Persistent: func(base http.RoundTripper) http.RoundTripper {
			r := newReference(base)
			r.attempts = 100
			return change(r)
		},
		Hasty: func(base http.RoundTripper) http.RoundTripper {
			r := newReference(base)
			r.wait = func(int, *http.Response) time.Duration { return 0 }
			return change(r)
		},
	})
}
