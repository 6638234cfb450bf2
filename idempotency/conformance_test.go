package idempotency_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/seed-e3550de8/retry"
	"github.com/seed-e3550de8/retry/idempotency"
	"github.com/seed-e3550de8/retry/retrytest"
)

func TestTheTransportKeepsTheOtherPromisesOfOneThatRetries(t *testing.T) {
	keyed := func(base http.RoundTripper, p retry.Policy) http.RoundTripper {
		return &idempotency.Transport{Base: retry.New(base, p)}
	}
	wrap := func(base http.RoundTripper) http.RoundTripper { return keyed(base, retry.Policy{}) }
	retrytest.TestRoundTripper(t, wrap, retrytest.Claims{
		Attempts:       4,
		LongestBackoff: 32 * time.Second,
		NoIdempotency:  true, // each POST has a key
		Hasty: func(base http.RoundTripper) http.RoundTripper {
			return keyed(base, retry.Policy{Backoff: retry.Constant(time.Millisecond)})
		},
	})
}
