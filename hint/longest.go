package hint

import (
	"net/http"
	"time"

	"github.com/seed-e3550de8/retry"
)

// Longest returns the longest of several waits: for a server that has more than one limit, or a client that talks to
// more than one kind of server. A nil one stands for Retry-After, as it does in a Policy. Of none, there is no wait.
func Longest(
	waits ...func(*http.Response, time.Time) (time.Duration, bool),
) func(*http.Response, time.Time) (time.Duration, bool) {
	return func(resp *http.Response, now time.Time) (longest time.Duration, ok bool) {
		for _, wait := range waits {
			if wait == nil {
				wait = retryAfter
			}
			if d, asked := wait(resp, now); asked {
				longest, ok = max(longest, d), true
			}
		}
		return longest, ok
	}
}

func retryAfter(resp *http.Response, now time.Time) (time.Duration, bool) {
	if resp == nil {
		return 0, false
	}
	return retry.ParseRetryAfter(resp.Header, now)
}

// read parses a text that means what it would mean in Retry-After.
func read(text string) (time.Duration, bool) {
	return retry.ParseRetryAfter(http.Header{"Retry-After": {text}}, time.Time{})
}

func otherwise(next func(retry.Attempt) retry.Class, a retry.Attempt) retry.Class {
	if next == nil {
		return retry.Classify(a)
	}
	return next(a)
}

// orTransient is what becomes of an attempt whose server says that it may pass. Proof of more stays proof.
func orTransient(c retry.Class) retry.Class {
	if c == retry.Unprocessed {
		return c
	}
	return retry.Transient
}
