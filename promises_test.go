package retry_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/seed-e3550de8/retry"
	"github.com/seed-e3550de8/retry/retrytest"
)

// closing is a response whose body calls f when it is closed.
func closing(f func()) reply {
	return func(*http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: 503, Header: http.Header{}, Body: onClose{strings.NewReader("page"), f}}, nil
	}
}

type onClose struct {
	io.Reader
	do func()
}

func (c onClose) Close() error { c.do(); return nil }

// closingIdle is a base with idle connections.
type closingIdle struct {
	http.RoundTripper
	do func()
}

func (c closingIdle) CloseIdleConnections() { c.do() }

// endings are what ends the context of a call, and when.
var endings = []struct {
	name   string
	method string
	at     time.Duration
	end    func(ctx *endable, o *order, p *retry.Policy) reply
}{
	{"in OnAttempt", "PUT", 0, func(ctx *endable, _ *order, p *retry.Policy) reply {
		p.OnAttempt = func(retry.Attempt, retry.Decision) { ctx.end() }
		return answer(503)
	}},
	{"while discarding", "GET", 0, func(ctx *endable, _ *order, _ *retry.Policy) reply {
		return closing(ctx.end)
	}},
	{"while discarding, after GetBody", "PUT", time.Second - retry.Grace,
		func(ctx *endable, _ *order, _ *retry.Policy) reply { return closing(ctx.end) }},
	{"in the wait", "PUT", time.Second / 2, func(ctx *endable, _ *order, _ *retry.Policy) reply {
		time.AfterFunc(time.Second/2, ctx.end)
		return answer(503)
	}},
	// When timer and context are both ready, select may take either.
	{"at the end of the wait, unseen by select", "GET", time.Second, func(ctx *endable, _ *order, _ *retry.Policy) reply {
		ctx.deadline = time.Now().Add(time.Second)
		return answer(503)
	}},
	{"in GetBody", "PUT", time.Second - retry.Grace, func(ctx *endable, o *order, _ *retry.Policy) reply {
		getBody := o.GetBody
		o.GetBody = func() (io.ReadCloser, error) { ctx.end(); return getBody() }
		return answer(503)
	}},
}

// Promise 9: "Nothing is sent after the context is done, and nothing waits past its deadline."
func TestPromise09_NothingIsSentOnceTheContextIsDone(t *testing.T) {
	for i := range 2 * len(endings) {
		row, gate := endings[i/2], []*retry.Gate{nil, new(retry.Gate)}[i%2]
		synctest.Test(t, func(t *testing.T) {
			ctx, p := newEndable(t), every(time.Second)
			p.Gate = gate
			o := place(row.method, map[string]string{"PUT": "payload"}[row.method]).under(ctx)
			s := play(row.end(ctx, o, &p), answer(200))
			_, err := retry.New(s, p).RoundTrip(o.Request)
			assert.Equal(t, 1, s.attempts(), row.name)
			assert.ErrorIs(t, err, context.Canceled, row.name)
			assert.Equal(t, row.at, time.Since(s.begin), row.name)
			synctest.Wait() // for the Close of a drain that nobody waited for
			assert.Empty(t, s.left(o, nil), row.name)
			assert.Equal(t, strings.HasSuffix(row.name, "GetBody"), len(o.bodies) == 2, "%s: asked in vain", row.name)
		})
	}
	synctest.Test(t, func(t *testing.T) {
		ctx, s := newEndable(t), play(fail(errPeerReset), fail(errPeerReset), answer(200))
		o := place("DELETE", "").under(ctx)
		_, err := retry.New(closingIdle{s, ctx.end}, every(0)).RoundTrip(o.Request)
		assert.ErrorIs(t, err, context.Canceled, "while idle connections are closed")
		assert.Equal(t, 2, s.attempts(), "while idle connections are closed")
	})
	for _, deadline := range []time.Duration{time.Second, 3*time.Second - 1, 3 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), deadline)
			defer cancel()
			s := play(answer(503, "Retry-After", "2"))
			mustEnd(t, retry.New(s, every(time.Second)), place("GET", "").under(ctx))
			assert.Zero(t, time.Since(s.begin), "the deadline %v makes the wait of 3s pointless", deadline)
			assert.Equal(t, 1, s.attempts())
		})
	}
}

// Promise 10: "No goroutine, timer, connection or context outlives its request."
func TestPromise10_NothingOutlivesTheRequest(t *testing.T) {
	dripping := func(req *http.Request) (*http.Response, error) { return page(503, drip(time.Second, -1))(req) }
	empty := func(*http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: 200, Body: http.NoBody}, nil
	}
	for name, replies := range map[string][]reply{
		"success":           {answer(200)},
		"retries":           {answer(503), fail(errPeerReset), answer(503), answer(200)},
		"late":              {late(time.Minute, answer(200))},
		"empty":             {empty},
		"endless, discards": {page(503, endless{}), dripping, answer(200)},
	} {
		for _, patience := range []time.Duration{0, time.Hour} { // before the response is closed
			// The bubble ends only when each goroutine in it has, also those that wait for a context's end.
			synctest.Test(t, func(t *testing.T) {
				p := every(5 * time.Second)
				p.AttemptTimeout = 10 * time.Second // the attempt's timer is long due after an hour
				resp, err := retry.New(play(replies...), p).RoundTrip(place("GET", "").under(newEndable(t)).Request)
				assert.Equal(t, name == "late", err != nil, name)
				time.Sleep(patience)
				if patience > 0 && err == nil {
					text, err := io.ReadAll(resp.Body)
					assert.NoError(t, err, name)
					assert.Equal(t, name == "empty", len(text) == 0, name)
				}
				drop(resp)
			})
		}
	}
}

// Promise 11: "A discarded body is drained within a bound in bytes and in time, then closed, before the rest of the
// wait, and the drain counts towards it: its connection serves the next attempt, and an endless or dripping body makes
// no retry later than its backoff, or than 10ms if that is longer."
func TestPromise11_ADiscardedBodyIsDrainedWithinBounds(t *testing.T) {
	const ms = time.Millisecond
	page64k := func() io.Reader { return strings.NewReader(strings.Repeat("x", 64<<10)) }
	dripping := func() io.Reader { return drip(300*ms, -1) }
	whole := func() io.Reader { return io.LimitReader(endless{}, retry.MaxDrain) }
	for _, row := range []struct {
		name               string
		body               func() io.Reader
		wait, closed, next time.Duration
		toTheEnd           bool
	}{
		{"error page", page64k, 3000 * ms, 0, 3000 * ms, true},
		{"error page, no wait", page64k, 0, 0, 0, true},
		{"of the very bound", whole, 1000 * ms, 0, 1000 * ms, true},
		{"endless", func() io.Reader { return endless{} }, 3000 * ms, 0, 3000 * ms, false},
		{"slow, but there in time", func() io.Reader { return drip(200*ms, 3) }, 3000 * ms, 800 * ms, 3000 * ms, true},
		{"dripping", dripping, 3000 * ms, retry.MaxDrainTime, 3000 * ms, false},
		{"dripping, short wait", dripping, 400 * ms, 400 * ms, 400 * ms, false},
		{"dripping, no wait", dripping, 0, retry.Grace, retry.Grace, false},
	} {
		if retry.CloseDrains { // at once and unread: the rest is net/http's, within bounds of its own
			row.closed, row.next, row.toTheEnd = 0, row.wait, false
		}
		synctest.Test(t, func(t *testing.T) {
			s := play(page(503, row.body()), answer(200))
			mustEnd(t, retry.New(s, every(row.wait)), place("GET", ""))
			assert.Equal(t, []time.Duration{0, row.next}, s.times(), row.name)
			synctest.Wait() // for the reader that was given up
			discarded := s.sent[0].resp.Body.(*watched)
			assert.Equal(t, row.closed, discarded.closedAt, row.name)
			assert.Equal(t, 1, discarded.closes, row.name)
			assert.Equal(t, row.toTheEnd, discarded.sawEnd, row.name)
			assert.LessOrEqual(t, discarded.read(), int(retry.MaxDrain)+1, row.name)
		})
	}
}

// Promise 12: "101 responses and their writable bodies pass untouched." The conformance kit has the rest of it.
func TestPromise12_SpecialMessagesAreAsWithoutThisPackage(t *testing.T) {
	for _, p := range []retry.Policy{{}, {AttemptTimeout: time.Second}} {
		synctest.Test(t, func(t *testing.T) {
			switched := struct {
				io.ReadCloser
				io.Writer
			}{watch("101", strings.NewReader("")), io.Discard}
			upgrade := func(*http.Request) (*http.Response, error) {
				return &http.Response{StatusCode: 101, Body: switched}, nil
			}
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			resp := mustAnswer(t, retry.New(play(answer(503), upgrade), p), place("GET", "").under(ctx))
			assert.Equal(t, switched, resp.Body, "not wrapped")
			time.Sleep(time.Hour)
			assert.NoError(t, resp.Request.Context().Err(), "its connection lives on")
			drop(resp)
		})
	}
}

var conforming = map[string]struct {
	policy retry.Policy
	claims retrytest.Claims
	gated  bool // each Transport by a Gate of its own
}{
	"with the default policy": {claims: retrytest.Claims{Attempts: 4, LongestBackoff: 32 * time.Second}},
	"with an attempt timeout and a hook": {
		policy: retry.Policy{AttemptTimeout: time.Hour, OnAttempt: func(retry.Attempt, retry.Decision) {}},
		claims: retrytest.Claims{Attempts: 4, LongestBackoff: 32 * time.Second, Unclaimed: map[string]string{
			"BodyNotWrapped": "an attempt's context lives until its body ends",
		}},
	},
	"with eight attempts that soon wait for the longest backoff": {
		policy: retry.Policy{
			MaxAttempts:   8,
			Backoff:       retry.Exponential{Base: 200 * time.Millisecond, Max: time.Second},
			MaxRetryAfter: 10 * time.Second,
			Budget:        retry.Unlimited, // the default one ends a request after five retries of a server that is down
		},
		claims: retrytest.Claims{Attempts: 8, LongestBackoff: time.Second, LongestRetryAfter: 10 * time.Second},
	},
	"with a gate": {gated: true, claims: retrytest.Claims{Attempts: 4, LongestBackoff: 32 * time.Second}},
}

func TestTheTransportKeepsThePromisesOfAnyRetryingRoundTripper(t *testing.T) {
	t.Parallel()
	for name, c := range conforming {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c.claims.Persistent = func(base http.RoundTripper) http.RoundTripper {
				persistent := c.policy
				persistent.MaxAttempts, persistent.Budget = 120, retry.Unlimited
				return retry.New(base, persistent)
			}
			c.claims.Hasty = func(base http.RoundTripper) http.RoundTripper {
				hasty := c.policy
				hasty.Backoff = retry.Constant(time.Millisecond)
				return retry.New(base, hasty)
			}
			retrytest.TestRoundTripper(t, func(base http.RoundTripper) http.RoundTripper {
				if c.gated {
					c.policy.Gate = new(retry.Gate)
				}
				return retry.New(base, c.policy)
			}, c.claims)
		})
	}
}
