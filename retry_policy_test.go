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

// A setting is one of several things that forbid a retry.
type setting struct {
	reason error
	set    func(*situation)
}

type situation struct {
	order  *order
	policy retry.Policy
	cancel context.CancelFunc
	reply  reply
}

// forbidding are all the reasons, in the order in which they count.
var forbidding = []setting{
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

func TestOfSeveralReasonsTheFirstCounts(t *testing.T) {
	for i, first := range forbidding {
		if first.reason == nil {
			continue // below
		}
		synctest.Test(t, func(t *testing.T) {
			s := situation{order: place("PUT", "payload"), reply: answer(503, "Retry-After", "2")}
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			s.order.under(ctx)
			s.cancel = cancel
			for j, also := range forbidding[i:] {
				if also.reason != nil || i+j == i {
					also.set(&s)
				}
			}
			decisions := told(&s.policy)
			mustEnd(t, retry.New(play(s.reply), s.policy), s.order)
			require.Len(t, *decisions, 1, "%v", first.reason)
			d := (*decisions)[0]
			assert.False(t, d.Retry)
			assert.ErrorIs(t, d.Reason, first.reason)
			assert.Equal(t, retry.Transient, d.Class)
		})
	}
}

func TestAFinalErrorHasNoReasonButTheContexts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, done := range []bool{false, true} {
			s := situation{order: place("POST", "payload"), reply: fail(errPeerReset)}
			ctx, cancel := context.WithCancel(t.Context())
			s.order.under(ctx)
			s.cancel = cancel
			for _, also := range forbidding[1:] {
				also.set(&s)
			}
			if done {
				forbidding[0].set(&s)
			}
			decisions := told(&s.policy)
			_, err := retry.New(play(s.reply), s.policy).RoundTrip(s.order.Request)
			assert.Same(t, errPeerReset, err)
			require.Len(t, *decisions, 1)
			assert.Equal(t, done, (*decisions)[0].Reason != nil)
			cancel()
		}
	})
}

func TestARetryThatDoesNotHappenWithdrawsNothing(t *testing.T) {
	for i, first := range forbidding[:len(forbidding)-1] {
		synctest.Test(t, func(t *testing.T) {
			b := &retry.Budget{}
			s := situation{order: place("PUT", "payload"), reply: answer(503, "Retry-After", "2"), policy: retry.Policy{Budget: b}}
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			s.order.under(ctx)
			s.cancel = cancel
			forbidding[i].set(&s)
			mustEnd(t, retry.New(play(s.reply), s.policy), s.order)
			assert.Equal(t, b.Balance(at("http://other.example")), b.Balance(at("http://api.example")), "%v", first.reason)
		})
	}
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
		s := play(late(3*time.Second, answer(503)), late(time.Second, fail(errPeerReset)), answer(200))
		mustEnd(t, retry.New(s, p), place("GET", ""))
		require.Len(t, told, 3)
		for i, a := range told {
			assert.Equal(t, i+1, a.Number)
			assert.Same(t, s.sent[i].req, a.Request)
			assert.Same(t, s.sent[i].resp, a.Response)
		}
		assert.Equal(t, []time.Duration{3 * time.Second, time.Second, 0}, []time.Duration{told[0].Duration, told[1].Duration, told[2].Duration})
		assert.Equal(t, []time.Duration{3 * time.Second, 9 * time.Second, 14 * time.Second}, at)
		assert.Equal(t, error(errPeerReset), told[1].Err)
	})
}

func TestExtremeFieldsMeanWhatTheirCommentsSay(t *testing.T) {
	for _, row := range []struct {
		name     string
		policy   retry.Policy
		header   string
		attempts int
		took     time.Duration
	}{
		{"negative delays are zero", retry.Policy{Backoff: retry.BackoffFunc(func(int) time.Duration { return math.MinInt64 })}, "", 4, 0},
		{"a negative Constant is zero", every(-5), "", 4, 0},
		{"an endless delay never comes to pass", every(math.MaxInt64), "", 1, 0},
		{"and does not overflow", every(math.MaxInt64), "9", 1, 0},
		{"MaxRetryAfter is inclusive", retry.Policy{Backoff: retry.Constant(0), MaxRetryAfter: 9 * time.Second}, "9", 4, 27 * time.Second},
		{"beyond MaxRetryAfter", retry.Policy{Backoff: retry.Constant(0), MaxRetryAfter: 9*time.Second - 1}, "9", 1, 0},
		{"a minute is the default", every(0), "60", 4, 180 * time.Second},
		{"and no more", every(0), "61", 1, 0},
		{"negative MaxRetryAfter", retry.Policy{MaxRetryAfter: -1}, "0", 1, 0},
		{"negative MaxRetryAfter, garbage", retry.Policy{Backoff: retry.Constant(0), MaxRetryAfter: -1}, "soon", 4, 0},
		{"the longest MaxRetryAfter", retry.Policy{Backoff: retry.Constant(0), MaxRetryAfter: math.MaxInt64}, "600", 4, 1800 * time.Second},
		{"huge MaxAttempts: the budget ends it", retry.Policy{Backoff: retry.Constant(0), MaxAttempts: math.MaxInt, Budget: &retry.Budget{Floor: 10}}, "", 11, 0},
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

func TestBackoffIsAskedForTheRetryThatIsToCome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked []int
		p := retry.Policy{MaxAttempts: 5, Backoff: retry.BackoffFunc(func(n int) time.Duration {
			asked = append(asked, n)
			return time.Duration(n) * time.Second
		})}
		s := play(answer(503))
		mustEnd(t, retry.New(s, p), place("GET", ""))
		assert.Equal(t, []int{1, 2, 3, 4}, asked)
		assert.Equal(t, []time.Duration{0, 1e9, 3e9, 6e9, 10e9}, s.times())
	})
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
	now := time.Now()
	for range 1000 {
		require.True(t, retry.Policy{}.Decide(attempted(1, 503), now).Retry)
	}
	assert.Equal(t, retry.ErrMaxAttempts, retry.Policy{}.Decide(attempted(4, 503), now).Reason)
}

// The run of an operation has no request.
func TestDecideTakesAnAttemptWithoutRequestForOneThatMayBeRepeated(t *testing.T) {
	d := retry.Policy{Backoff: retry.BackoffFunc(nil)}.Decide(retry.Attempt{Number: 1, Err: errPeerReset}, time.Now())
	assert.True(t, d.Retry, "%v", d)
	assert.Zero(t, d.Delay, "a nil BackoffFunc does not wait")
	quick := retry.BackoffFunc(func(retry int) time.Duration { return time.Duration(retry) * time.Minute })
	d = retry.Policy{Backoff: quick}.Decide(retry.Attempt{Number: 2, Err: errPeerReset}, time.Now())
	assert.Equal(t, 2*time.Minute, d.Delay)
}
