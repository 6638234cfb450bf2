package retrytest

import (
	"net/http"
	"testing"
	"time"
)

// Claims says what a RoundTripper under test does not promise, so that it is measured by its own word. The zero Claims
// claims everything.
type Claims struct {
	// Attempts is how many attempts are made of a request that fails each time, the first included. 0 means that any
	// number from 2 to 100 will do.
	Attempts int

	// FailureStatus is a status that is retried, which the server of most subtests answers with. 0 means 503.
	FailureStatus int

	// NotRetried lists those of 408, 429, 500, 502, 503 and 504 that are not retried on purpose.
	NotRetried []int

	// LongestBackoff is the longest wait that the wrapper chooses by itself. 0 means two minutes.
	LongestBackoff time.Duration

	// LongestRetryAfter is the longest Retry-After that is waited for. If a server asks for more, its response is
	// returned. 0 means an hour, a negative value that any Retry-After is waited for.
	LongestRetryAfter time.Duration

	// Persistent, if not nil, makes a wrapper with the backoff of the others, but of at least 100 attempts. Without it
	// an overflow in the backoff is looked for only among the attempts that are usually made.
	Persistent func(http.RoundTripper) http.RoundTripper

	// Hasty, if not nil, makes a wrapper whose waits are as short as they can be, for the uploads over loopback
	// sockets, where waiting takes real time.
	Hasty func(http.RoundTripper) http.RoundTripper

	// Serve, if not nil, starts a server for h and returns a RoundTripper whose requests all reach it, over a protocol
	// that the kit does not know. It ends both by t.Cleanup. It is called many times, from inside of a bubble of
	// testing/synctest: who waits for its connections must wait durably, which no socket allows. The requests are
	// for https://example.com.
	//
	// Over this server go all responses that have a status, header fields and a body, and those that do not come; with
	// them the bodies and trailers of requests, 1xx responses, trailers and redirects. Two subtests are added,
	// BlockedUploadServed and EarlyReplyUploadServed. The rest is as without it: what a server cannot be told to do
	// (errors; bodies that stall, drip, or have no end), what is about HTTP/1 or HTTP/2 alone (ExpectContinue,
	// SwitchingProtocols, the use of connections, and what is named after one of them), and BodyClosedOnce, since a
	// transport may close a body twice by itself.
	Serve func(t *testing.T, h http.Handler) http.RoundTripper

	NoErrors         bool // errors of the base are not retried
	NoIdempotency    bool // a request that is not idempotent is retried like any other
	NoIdempotencyKey bool // an Idempotency-Key does not make a POST idempotent
	NoUnprocessed    bool // a POST is not sent again even if the server cannot have seen it
	NoBackoff        bool // a retry may follow at once
	NoJitter         bool // the waits are not random
	NoRetryAfter     bool // Retry-After is not read
	NoDeadline       bool // waits may be longer than the context's deadline allows
	NoLastResponse   bool // when the attempts are used up, an error takes the place of the last response
	NoFiles          bool // a body that is a file and has no GetBody is sent once

	// Unclaimed maps the names of further subtests to the reason why their promise is not claimed.
	Unclaimed map[string]string
}

func (c Claims) failureStatus() int {
	if c.FailureStatus == 0 {
		return http.StatusServiceUnavailable
	}
	return c.FailureStatus
}

func (c Claims) longestBackoff() time.Duration {
	if c.LongestBackoff == 0 {
		return 2 * time.Minute
	}
	return c.LongestBackoff
}

func (c Claims) longestRetryAfter() time.Duration {
	if c.LongestRetryAfter == 0 {
		return time.Hour
	}
	return c.LongestRetryAfter
}

// lacks returns why check k is not claimed, or "".
func (c Claims) lacks(k check) string {
	if reason, ok := c.Unclaimed[k.name]; ok {
		return reason
	}
	for _, n := range k.needs {
		if reason := n(c); reason != "" {
			return reason
		}
	}
	return ""
}

// A need returns why the claims do not cover a feature, or "".
type need func(Claims) string

func unless(lacking bool, reason string) string {
	if lacking {
		return reason
	}
	return ""
}

func errorRetries(c Claims) string { return unless(c.NoErrors, "errors are not retried") }

func idempotency(c Claims) string {
	return unless(c.NoIdempotency, "requests are retried whether idempotent or not")
}

func idempotencyKey(c Claims) string {
	return unless(c.NoIdempotencyKey, "an Idempotency-Key is not looked at")
}

func unprocessed(c Claims) string {
	return unless(c.NoUnprocessed, "errors that prove a request unprocessed are not told from others")
}

func backoff(c Claims) string { return unless(c.NoBackoff, "a retry may follow at once") }

func jitter(c Claims) string { return unless(c.NoJitter, "waits are not random") }

func retryAfter(c Claims) string { return unless(c.NoRetryAfter, "Retry-After is not read") }

func retryAfterLimit(c Claims) string {
	return unless(c.LongestRetryAfter < 0, "any Retry-After is waited for")
}

func deadline(c Claims) string {
	return unless(c.NoDeadline, "deadlines are not looked at before a wait")
}

func files(c Claims) string { return unless(c.NoFiles, "a file is sent once") }

func lastResponse(c Claims) string {
	return unless(c.NoLastResponse, "an error takes the place of the last response")
}
