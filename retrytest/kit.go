package retrytest

import (
	"fmt"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
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
	if claims.Serve != nil {
		checks = append(checks, servedChecks...)
	}
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
	apart   bool // from Claims.Serve, whose own doing it could not be told from
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
	p := &probe{T: t, check: c, wrapper: wrap, claims: claims}
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
	check   check
	wrapper func(http.RoundTripper) http.RoundTripper
	claims  Claims
}

// wrap returns a new wrapper, whose attempts rt makes.
func (p *probe) wrap(rt http.RoundTripper) http.RoundTripper {
	p.Helper()
	if b, ok := rt.(*base); ok && p.claims.Serve != nil && !p.check.apart {
		b.wire = p.served(b)
	}
	wrapped := p.wrapper(rt)
	if wrapped == nil { // for an http.Client that would be http.DefaultTransport
		p.Fatal("wrap returned nil")
	}
	return wrapped
}

// broken fails the test with the paragraph that TestRoundTripper promises, and ends it.
func (p *probe) broken(format string, args ...any) {
	p.Helper()
	happened := fmt.Sprintf(format, args...)
	p.Fatalf("Promised: %s Happened: %s Why it matters: %s", p.check.promise, happened, p.check.why)
}
