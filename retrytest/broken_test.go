package retrytest_test

import (
	"context"
	"net/http"
	"slices"
	"time"
)

// A broken wrapper is the reference with one fault, each of which is in some library.
type broken struct {
	fault  string
	change func(*reference) http.RoundTripper
	caught []string // the subtests that fail, all of them

	perhaps string // one of caught that may pass by chance
}

var brokenWrappers = slices.Concat(
	brokenInRequest, brokenWithFiles, brokenInReplay, brokenInResponse, brokenInWaiting, brokenInBounds,
	brokenInHygiene,
)

// hopelessWrappers keep so little of the contract that hardly a subtest passes. The kit has to end all the same.
var hopelessWrappers = []broken{
	{
		fault:  "panics",
		change: around(func(*reference, *http.Request) (*http.Response, error) { panic("oh") }),
	},
	{
		fault:  "returns neither a response nor an error",
		change: around(func(*reference, *http.Request) (*http.Response, error) { return nil, nil }),
	},
	{
		fault: "returns responses without a body",
		change: around(func(_ *reference, req *http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: 200, Request: req}, nil
		}),
	},
	{
		fault: "repeats without end",
		change: around(func(r *reference, req *http.Request) (*http.Response, error) {
			for {
				if resp, err := r.base.RoundTrip(req); err == nil && resp.StatusCode < 400 {
					return resp, nil
				}
			}
		}),
	},
}

// changed is a wrapper that differs from the reference in its parts alone.
func changed(change func(*reference)) func(*reference) http.RoundTripper {
	return func(r *reference) http.RoundTripper {
		change(r)
		return r
	}
}

func repeating(f func(*http.Request, *http.Response, error) bool) func(*reference) http.RoundTripper {
	return changed(func(r *reference) { r.mayRepeat = f })
}

func waiting(f func(int, *http.Response) time.Duration) func(*reference) http.RoundTripper {
	return changed(func(r *reference) { r.wait = f })
}

func discarding(f func(*http.Response, time.Duration)) func(*reference) http.RoundTripper {
	return changed(func(r *reference) { r.discard = f })
}

func givingUp(f func(*http.Response, error) (*http.Response, error)) func(*reference) http.RoundTripper {
	return changed(func(r *reference) { r.giveUp = f })
}

func whenCancelled(f func(context.Context, error) error) func(*reference) http.RoundTripper {
	return changed(func(r *reference) { r.cancelled = f })
}

// around is a wrapper whose calls go through f.
func around(f func(r *reference, req *http.Request) (*http.Response, error)) func(*reference) http.RoundTripper {
	return func(r *reference) http.RoundTripper {
		return forwarding{r, func(req *http.Request) (*http.Response, error) { return f(r, req) }}
	}
}

// beneath is the reference over a base whose calls go through f.
func beneath(
	f func(base http.RoundTripper, req *http.Request) (*http.Response, error),
) func(*reference) http.RoundTripper {
	return changed(func(r *reference) {
		base := r.base
		r.base = forwarding{base, func(req *http.Request) (*http.Response, error) { return f(base, req) }}
	})
}

type forwarding struct {
	http.RoundTripper
	roundTrip func(*http.Request) (*http.Response, error)
}

func (f forwarding) RoundTrip(req *http.Request) (*http.Response, error) { return f.roundTrip(req) }

func (f forwarding) CloseIdleConnections() {
	if c, ok := f.RoundTripper.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}
