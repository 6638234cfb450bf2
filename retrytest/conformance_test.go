package retrytest_test

import (
	"net/http"
	"testing"

	"github.com/seed-e3550de8/retry/retrytest"
)

func TestAReferenceKeepsEveryPromiseOfTheKit(t *testing.T) {
	retrytest.TestRoundTripper(t, newReference, retrytest.Claims{
		Attempts:       attempts,
		LongestBackoff: longest,
		Persistent: func(base http.RoundTripper) http.RoundTripper {
			return &reference{base: base, attempts: 100}
		},
	})
}
