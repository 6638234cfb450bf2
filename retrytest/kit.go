package retrytest

import (
	"fmt"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// TestRoundTripper checks that the RoundTrippers made by wrap keep the contract of [http.RoundTripper] and the promises
// that any retrying middleware should keep. Each promise is a subtest; when one fails, its message says in a paragraph
// what was promised, what happened, and why it matters.
//
//	func TestTransport(t *testing.T) {
//		wrap := func(base http.RoundTripper) http.RoundTripper { return mine.New(base) }
//		retrytest.TestRoundTripper(t, wrap, retrytest.Claims{Attempts: 4})
//	}
//
// wrap returns a new RoundTripper that makes its attempts through the given one. It is called many times, also from
// inside a [synctest] bubble, where minutes of backoff take no time. So what wrap returns must not share timers,
// channels or goroutines with the others. Only the uploads named EarlyReplyUploadHTTP1 and EarlyReplyUploadHTTP2 run on
// loopback sockets and wait for real, unless [Claims] have a Hasty wrapper.
//
// The zero [Claims] claims everything. A subtest that needs what is not claimed is skipped with the reason.
func TestRoundTripper(t *testing.T, wrap func(http.RoundTripper) http.RoundTripper, claims Claims) {
	t.Helper()
	checks := slices.Concat(callerChecks, contractChecks, bodyChecks, fileChecks, earlyReplyChecks, replayChecks,
		retryAfterChecks, waitingChecks, discardChecks, boundsChecks, hygieneChecks, wireChecks, messageChecks,
		uploadChecks)
	for name := range claims.Unclaimed {
		if !slices.ContainsFunc(checks, func(c check) bool { return c.name == name }) {
			t.Errorf("Claims.Unclaimed names %q, but there is no such subtest", name)
		}
	}
	for _, c := range checks {
		t.Run(c.name, func(t *testing.T) {
			if reason := claims.lacks(c); reason != "" {
				t.Skip("not claimed: " + reason)
			}
			c.test(t, wrap, claims)
		})
	}
}

// A check is one promise and the way to see it kept or broken.
type check struct {
	name    string
	promise string
	why     string
	needs   []need
	live    bool // outside of a bubble, or in some of its own
	run     func(*probe)
}

func (c check) test(t *testing.T, wrap func(http.RoundTripper) http.RoundTripper, claims Claims) {
	if c.live {
		c.probe(t, wrap, claims)
		return
	}
	blocked := inBubble(t, func(t *testing.T) { c.probe(t, wrap, claims) })
	if blocked == "" || blocked == goroutinesLeft || t.Failed() {
		return // what is left behind in any of the subtests is held against NothingLeft alone
	}
	(&probe{T: t, check: c}).broken("The call was blocked for ever: %s.", blocked)
}

// goroutinesLeft is what synctest says of a bubble with goroutines that outlive it.
const goroutinesLeft = "deadlock: main bubble goroutine has exited but blocked goroutines remain"

// inBubble runs f in a bubble. It returns why that could not end, or "": that it panics is no reason to take the other
// tests of the binary along.
func inBubble(t *testing.T, f func(*testing.T)) (blocked string) {
	t.Helper()
	defer func() {
		if r := recover(); r != nil {
			blocked = fmt.Sprint(r)
		}
	}()
	synctest.Test(t, f)
	return ""
}

func (c check) probe(t *testing.T, wrap func(http.RoundTripper) http.RoundTripper, claims Claims) {
	p := &probe{T: t, check: c, claims: claims}
	p.wrap = func(base http.RoundTripper) http.RoundTripper {
		rt := wrap(base)
		if rt == nil { // for an http.Client that would be http.DefaultTransport
			p.Fatal("wrap returned nil")
		}
		return rt
	}
	defer p.caught()
	c.run(p)
}

// caught is deferred: a panic of the wrapper breaks its promise, and not the binary.
func (p *probe) caught() {
	if r := recover(); r != nil {
		p.broken("The wrapper panicked: %v.", r)
	}
}

// A probe is one run of a check.
type probe struct {
	*testing.T
	check  check
	wrap   func(http.RoundTripper) http.RoundTripper
	claims Claims
}

// broken fails the test with the paragraph that TestRoundTripper promises, and ends it.
func (p *probe) broken(format string, args ...any) {
	p.Helper()
	happened := fmt.Sprintf(format, args...)
	p.Fatalf("Promised: %s Happened: %s Why it matters: %s", p.check.promise, happened, p.check.why)
}

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
