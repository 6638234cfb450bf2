package conformance

import (
	"net/http"
	"time"

	"github.com/seed-e3550de8/retry"
	"github.com/seed-e3550de8/retry/resume"
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
		Told: func(base http.RoundTripper, again func(*http.Response) bool) http.RoundTripper {
			return retry.New(base, retry.Policy{
				Backoff: retry.Constant(0),
				Classify: func(a retry.Attempt) retry.Class {
					if a.Response != nil && again(a.Response) {
						return retry.Transient
					}
					return retry.Classify(a)
				},
			})
		},
		Own: Own{
			Look: func(resp *http.Response) []byte {
				start, _ := retry.Peek(resp, glance)
				return start
			},
			Whole: func(base http.RoundTripper) http.RoundTripper {
				return retry.New(base, retry.Policy{Backoff: retry.Constant(0), ReadAhead: downloadSize})
			},
			Resume: func(base http.RoundTripper) http.RoundTripper {
				repeating := retry.New(base, retry.Policy{Backoff: retry.Constant(0)})
				return resume.New(repeating, resume.Policy{Backoff: retry.Constant(0)})
			},
		},
	}
}
