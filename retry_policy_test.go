package retry_test

import (
	"context"
	"math"
	"net/http"
	"net/url"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-e3550de8/retry"
)

// told has p record its decisions.
func told(p *retry.Policy) *[]retry.Decision {
	var all []retry.Decision
	p.OnAttempt = func(_ retry.Attempt, d retry.Decision) { all = append(all, d) }
	return &all
}

// A situation is a call on which a decision is to be made. It may be repeated, if nothing forbids it.
type situation struct {
	order  *order
	policy retry.Policy
	cancel context.CancelFunc
	reply  reply
}

// forbidding are all the reasons against a retry, in the order in which they count, and what brings them about.
var forbidding = []struct {
	reason error
	set    func(*situation)
}{
	{context.Canceled, func(s *situation) {
		outcome := s.reply
		s.reply = func(req *http.Request) (*http.Response, error) { s.cancel(); return outcome(req) }
	}},
	{nil, func(s *situation) { s.policy.Classify = func(retry.Attempt) retry.Class { return retry.Final } }},
	{retry.ErrNotIdempotent, func(s *situation) { s.order.Method = "POST" }},
	{retry.ErrNotReplayable, func(s *situation) { s.order.GetBody = nil }},
	{retry.ErrMaxAttempts, func(s *situation) { s.policy.MaxAttempts = 1 }},
	{retry.ErrRetryAfter, func(s *situation) { s.policy.MaxRetryAfter = time.Second }},
	{retry.ErrDeadline, func(s *situation) { s.policy.Backoff = retry.Constant(math.MaxInt64) }},
	{retry.ErrBudget, func(s *situation) { s.policy.Budget = &retry.Budget{Floor: 0.5} }},
}

// decided returns the only decision on a call for which those of the reasons hold.
func decided(t *testing.T, outcome reply, reasons ...int) (d retry.Decision) {
	synctest.Test(t, func(t *testing.T) {
		s := situation{order: place("PUT", "payload"), reply: outcome, policy: retry.Policy{Budget: new(retry.Budget)}}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		s.order.under(ctx)
		s.cancel = cancel
		for _, i := range reasons {
			forbidding[i].set(&s)
		}
		decisions := told(&s.policy)
		resp, _ := retry.New(play(s.reply), s.policy).RoundTrip(s.order.Request)
		drop(resp)
		assert.Len(t, *decisions, 1, "%v", reasons)
		d = (*decisions)[0]
		b := s.policy.Budget
		assert.Equal(t, b.Balance(at("http://other.example")), b.Balance(apiURL), "%v withdraws something", reasons)
	})
	return d
}

func TestOfSeveralReasonsTheFirstCounts(t *testing.T) {
	outcome := answer(503, "Retry-After", "2")
	for i, first := range forbidding {
		if first.reason == nil {
			continue // below
		}
		together := []int{i}
		for j := i + 1; j < len(forbidding); j++ {
			if forbidding[j].reason != nil {
				together = append(together, j)
			}
		}
		for _, reasons := range [][]int{{i}, together} {
			d := decided(t, outcome, reasons...)
			assert.False(t, d.Retry, "%v", first.reason)
			assert.ErrorIs(t, d.Reason, first.reason)
			assert.Equal(t, retry.Transient, d.Class, "%v", first.reason)
		}
	}
	assert.NoError(t, decided(t, fail(errPeerReset), 1, 2, 3, 4, 5, 6, 7).Reason, "it is final")
	assert.ErrorIs(t, decided(t, fail(errPeerReset), 0, 1, 2, 3, 4, 5, 6, 7).Reason, context.Canceled, "even then")
}

func TestADecisionTellsTheWaitAndWhoAskedForIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := every(time.Second)
		p.MaxAttempts = 5
		decisions := told(&p)
		mustEnd(t, retry.New(play(answer(503), answer(503, "Retry-After", "5"), fail(errDialRefused),
			answer(503, "Retry-After", "61")), p), place("GET", ""))
		assert.Equal(t, []retry.Decision{
			{Retry: true, Class: retry.Transient, Delay: time.Second, Price: 1},
			{Retry: true, Class: retry.Transient, Delay: 6 * time.Second, FromServer: true, Price: 1},
			{Retry: true, Class: retry.Unprocessed, Delay: time.Second, Price: 1},
			{Class: retry.Transient, Delay: 62 * time.Second, FromServer: true, Reason: retry.ErrRetryAfter},
		}, *decisions)
	})
}

func TestOnAttemptIsToldOfEveryAttemptBeforeAnyWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		var told []retry.Attempt
		var at []time.Duration
		p := every(5 * time.Second)
		p.OnAttempt = func(a retry.Attempt, _ retry.Decision) {
			told, at = append(told, a), append(at, time.Since(begin))
			assert.Equal(t, a.Response == nil, a.Err != nil)
			time.Sleep(2 * time.Second) // it is part of the request, and of the wait
		}
		base := play(late(3*s, answer(503)), late(s, fail(errPeerReset)), answer(200))
		mustEnd(t, retry.New(base, p), place("GET", ""))
		require.Len(t, told, 3)
		for i, a := range told {
			assert.Equal(t, i+1, a.Number)
			assert.Equal(t, []time.Duration{3 * s, s, 0}[i], a.Duration)
			assert.Same(t, base.sent[i].req, a.Request)
			assert.Same(t, base.sent[i].resp, a.Response)
		}
		assert.Equal(t, []time.Duration{3 * time.Second, 9 * time.Second, 14 * time.Second}, at)
		assert.Equal(t, error(errPeerReset), told[1].Err)
	})
}

func TestExtremeFieldsMeanWhatTheirCommentsSay(t *testing.T) {
	falling := retry.BackoffFunc(func(int) time.Duration { return math.MinInt64 })
	for _, row := range []struct {
		name     string
		policy   retry.Policy
		header   string
		attempts int
		took     time.Duration
	}{
		{"negative delays are zero", retry.Policy{Backoff: falling}, "", 4, 0},
		{"a negative Constant is zero", every(-5), "", 4, 0},
		{"an endless delay never comes to pass", every(math.MaxInt64), "", 1, 0},
		{"and does not overflow", every(math.MaxInt64), "9", 1, 0},
		{"MaxRetryAfter is inclusive", retry.Policy{Backoff: retry.Constant(0), MaxRetryAfter: 9 * s}, "9", 4, 27 * s},
		{"beyond MaxRetryAfter", retry.Policy{Backoff: retry.Constant(0), MaxRetryAfter: 9*time.Second - 1}, "9", 1, 0},
		{"a minute is the default", every(0), "60", 4, 180 * time.Second},
		{"and no more", every(0), "61", 1, 0},
		{"negative MaxRetryAfter", retry.Policy{MaxRetryAfter: -1}, "0", 1, 0},
		{"negative MaxRetryAfter, garbage", retry.Policy{Backoff: retry.Constant(0), MaxRetryAfter: -1}, "soon", 4, 0},
		{"the longest MaxRetryAfter", retry.Policy{Backoff: retry.Constant(0), MaxRetryAfter: longest}, "600", 4, 1800 * s},
		{"huge MaxAttempts: the budget ends it", retry.Policy{Backoff: retry.Constant(0), MaxAttempts: math.MaxInt,
			Budget: &retry.Budget{Floor: 10}}, "", 11, 0},
		{"negative AttemptTimeout is none", retry.Policy{Backoff: retry.Constant(0), AttemptTimeout: -1}, "", 4, 0},
		{"huge AttemptTimeout", retry.Policy{Backoff: retry.Constant(0), AttemptTimeout: math.MaxInt64}, "", 4, 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 24*time.Hour)
			defer cancel()
			s := play(answer(503))
			if row.header != "" {
				s = play(answer(503, "Retry-After", row.header))
			}
			mustEnd(t, retry.New(s, row.policy), place("GET", "").under(ctx))
			assert.Equal(t, row.attempts, s.attempts(), row.name)
			assert.Equal(t, row.took, time.Since(s.begin), row.name)
		})
	}
}

func TestAClassThatIsNoneCountsAsFinal(t *testing.T) {
	for _, class := range []retry.Class{-1, 3, math.MaxInt} {
		p := retry.Policy{Classify: func(retry.Attempt) retry.Class { return class }}
		decisions := told(&p)
		mustEnd(t, retry.New(play(answer(503)), p), place("GET", ""))
		assert.Equal(t, []retry.Decision{{}}, *decisions)
	}
}

func TestTheZeroTransportWorks(t *testing.T) {
	var zero retry.Transport
	o := place("GET", "")
	o.URL = &url.URL{Scheme: "gopher", Host: "api.example"}
	_, err := zero.RoundTrip(o.Request)
	assert.EqualError(t, err, `unsupported protocol scheme "gopher"`)
	zero.CloseIdleConnections()
}

func TestDecideWithoutABudgetHasNone(t *testing.T) {
	for range 6 {
		require.True(t, retry.Policy{}.Decide(attempted(1, 503), time.Now()).Retry)
	}
	assert.Equal(t, retry.ErrMaxAttempts, retry.Policy{}.Decide(attempted(4, 503), time.Now()).Reason)
}

// The run of an operation has no request. The first retry comes after the first attempt.
func TestDecideTakesAnAttemptWithoutRequestForOneThatMayBeRepeated(t *testing.T) {
	rising := retry.BackoffFunc(func(retry int) time.Duration { return time.Duration(retry) * time.Minute })
	for n, backoff := range map[int]retry.BackoffFunc{0: nil, 1: rising, 3: rising} { // a nil one does not wait
		p := retry.Policy{Backoff: backoff}
		want := retry.Decision{Retry: true, Class: retry.Transient, Delay: time.Duration(n) * time.Minute, Price: 1}
		assert.Equal(t, want, p.Decide(retry.Attempt{Number: n, Err: errPeerReset}, time.Now()))
	}
}

func TestOfASuccessNothingElseIsAsked(t *testing.T) {
	done, cancel := context.WithCancel(t.Context())
	cancel()
	a := attempted(1, 200)
	a.Request = a.Request.WithContext(done)
	p := retry.Policy{RetryAfter: func(*http.Response, time.Time) (time.Duration, bool) { panic("asked") }}
	assert.Equal(t, retry.Decision{}, p.Decide(a, time.Now()))
}
