package retrytest_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"
)

var brokenInWaiting = []broken{
	{
		fault: "sleeps past the deadline",
		change: changed(func(r *reference) {
			r.tooLate = func(context.Context, time.Duration) bool { return false }
		}),
		caught: []string{"DeadlineNotSleptPast"},
	},
	{
		fault:  "ignores Retry-After",
		change: waiting(func(n int, _ *http.Response) time.Duration { return backoff(n) }),
		caught: []string{
			"RetryAfterNeverEarly", "RetryAfterDates", "RetryAfterSkewedClock",
			"RetryAfterOverflow", "RetryAfterTooLong",
			"CancelWhileWaiting",
		},
	},
	{
		fault:  "waits for any Retry-After",
		change: waiting(asking(retryAfter, func(asked, own time.Duration) time.Duration { return asked + own })),
		caught: []string{"RetryAfterTooLong"},
	},
	{
		fault: "caps Retry-After and asks again earlier",
		change: waiting(asking(retryAfter, func(asked, own time.Duration) time.Duration {
			return min(asked, maxRetryAfter) + own
		})),
		caught: []string{"RetryAfterTooLong", "RetryAfterOverflow"},
	},
	{
		fault: "lets Retry-After overflow",
		change: waiting(capped(func(h http.Header) time.Duration {
			if seconds, err := strconv.ParseUint(h.Get("Retry-After"), 10, 64); err == nil {
				return max(0, time.Duration(seconds)*time.Second)
			}
			return retryAfter(h)
		})),
		caught: []string{"RetryAfterOverflow"},
	},
	{
		fault: "jitters Retry-After downwards",
		change: waiting(asking(retryAfter, func(asked, own time.Duration) time.Duration {
			if asked > maxRetryAfter {
				return -1
			}
			return own + time.Duration(float64(asked)*(0.66+0.34*rand.Float64()))
		})),
		caught: []string{"RetryAfterNeverEarly", "RetryAfterDates", "RetryAfterSkewedClock"},
	},
	{
		fault: "retries at once after a past date",
		change: changed(func(r *reference) {
			r.wait = func(n int, resp *http.Response) time.Duration {
				if resp != nil && resp.Header.Get("Retry-After") != "" && retryAfter(resp.Header) == 0 {
					if _, err := http.ParseTime(resp.Header.Get("Retry-After")); err == nil {
						return 0
					}
				}
				return wait(n, resp)
			}
		}),
		caught: []string{"RetryAfterPast"},
	},
	{
		fault: "takes a negative Retry-After for none",
		change: changed(func(r *reference) {
			r.wait = func(n int, resp *http.Response) time.Duration {
				if resp != nil {
					if seconds, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil && seconds < 0 {
						return 0
					}
				}
				return wait(n, resp)
			}
		}),
		caught: []string{"RetryAfterGarbage"},
	},
	{
		fault: "reads dates against the local clock",
		change: waiting(capped(func(h http.Header) time.Duration {
			h = h.Clone()
			h.Del("Date")
			return retryAfter(h)
		})),
		caught: []string{"RetryAfterSkewedClock"},
	},
	{
		fault: "parses only the first form of a date",
		change: waiting(capped(func(h http.Header) time.Duration {
			v := h.Get("Retry-After")
			_, numeric := strconv.ParseUint(v, 10, 64)
			if _, err := time.Parse(http.TimeFormat, v); err != nil && errors.Is(numeric, strconv.ErrSyntax) {
				return 0
			}
			return retryAfter(h)
		})),
		caught: []string{"RetryAfterDates"},
	},
	{
		fault: "loses the jitter at the cap",
		change: waiting(backingOff(func(n int) time.Duration {
			doubled := firstBackoff << min(n-1, 20)
			return min(longest, doubled+rand.N(time.Second))
		})),
		caught: []string{"JitterAtCap"},
	},
	{
		fault: "lets the backoff overflow",
		change: waiting(backingOff(func(n int) time.Duration {
			limit := min(longest, firstBackoff<<(n-1))
			return rand.N(max(limit, 0) + 1)
		})),
		caught: []string{"TruncationWithoutOverflow"},
	},
	{
		fault:  "returns an opaque error when cancelled",
		change: whenCancelled(func(context.Context, error) error { return errors.New("the wait was interrupted") }),
		caught: []string{"CancelWhileWaiting", "CancelKeepsCause", "CancelKeepsLastError"},
	},
	{
		fault:  "returns the context's error alone when cancelled",
		change: whenCancelled(func(ctx context.Context, _ error) error { return ctx.Err() }),
		caught: []string{"CancelKeepsCause", "CancelKeepsLastError"},
	},
}

// capped is the reference's wait with another parser of Retry-After.
func capped(parse func(http.Header) time.Duration) func(int, *http.Response) time.Duration {
	return asking(parse, func(asked, own time.Duration) time.Duration {
		if asked > maxRetryAfter {
			return -1
		}
		return asked + own
	})
}

func asking(
	parse func(http.Header) time.Duration, sum func(asked, own time.Duration) time.Duration,
) func(int, *http.Response) time.Duration {
	return func(n int, resp *http.Response) time.Duration {
		if resp == nil {
			return backoff(n)
		}
		return sum(parse(resp.Header), backoff(n))
	}
}

// backingOff is the reference's wait with another backoff.
func backingOff(own func(int) time.Duration) func(int, *http.Response) time.Duration {
	return func(n int, resp *http.Response) time.Duration {
		if resp == nil || resp.Header["Retry-After"] == nil {
			return own(n)
		}
		return wait(n, resp)
	}
}
