package conformance

import (
	"net/http"
	"time"

	"github.com/seed-e3550de8/retry"
	"github.com/seed-e3550de8/retry/retrytest"
)

func ours() Subject {
	return Subject{
		Name:   "retry",
		Module: "github.com/seed-e3550de8/retry",
		Setup:  "`retry.New(base, retry.Policy{})`",
		Wrap:   func(base http.RoundTripper) http.RoundTripper { return retry.New(base, retry.Policy{}) },
		Claims: retrytest.Claims{
			Attempts:       4,
			LongestBackoff: 32 * time.Second,
			Persistent: func(base http.RoundTripper) http.RoundTripper {
				return retry.New(base, retry.Policy{MaxAttempts: 120, Budget: retry.Unlimited})
			},
		},
	}
}
