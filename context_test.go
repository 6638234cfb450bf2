package retry_test

import (
	"context"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/seed-e3550de8/retry"
)

func TestWithPolicyOverridesEachFieldThatIsNotZero(t *testing.T) {
	final := func(retry.Attempt) retry.Class { return retry.Final }
	never := func(*http.Request) bool { return false }
	var heard int
	for _, row := range []struct {
		name     string
		policies []retry.Policy // the Transport's first, then those of its contexts, from outside in
		attempts int
		took     time.Duration
	}{
		{"none", []retry.Policy{{}}, 4, 18 * time.Second},
		{"MaxAttempts", []retry.Policy{{}, {MaxAttempts: 2}}, 2, 6 * time.Second},
		{"MaxAttempts, inner", []retry.Policy{{MaxAttempts: 9}, {MaxAttempts: 7}, {MaxAttempts: 2}}, 2, 6 * time.Second},
		{"MaxAttempts, kept", []retry.Policy{{MaxAttempts: 9}, {MaxAttempts: 3}, {Backoff: retry.Constant(0)}, {}}, 3, 10 * time.Second},
		{"Backoff", []retry.Policy{{}, {Backoff: retry.Constant(2 * time.Second)}}, 4, 21 * time.Second},
		{"MaxRetryAfter", []retry.Policy{{}, {MaxRetryAfter: 1}}, 1, 0},
		{"MaxRetryAfter, kept", []retry.Policy{{MaxRetryAfter: 1}, {MaxAttempts: 2}}, 1, 0},
		{"Classify", []retry.Policy{{}, {Classify: final}}, 1, 0},
		{"Classify, back", []retry.Policy{{Classify: final}, {Classify: retry.Classify}}, 4, 18 * time.Second},
		{"Idempotent", []retry.Policy{{}, {Idempotent: never}}, 1, 0},
		{"Budget", []retry.Policy{{}, {Budget: &retry.Budget{Floor: 0.5}}}, 1, 0},
		{"Budget, back", []retry.Policy{{Budget: &retry.Budget{Floor: 0.5}}, {Budget: retry.Unlimited}}, 4, 18 * time.Second},
		{"OnAttempt", []retry.Policy{{}, {OnAttempt: func(retry.Attempt, retry.Decision) { heard++ }}}, 4, 18 * time.Second},
		{"AttemptTimeout", []retry.Policy{{AttemptTimeout: time.Hour}, {AttemptTimeout: time.Millisecond, MaxAttempts: 1}}, 1, time.Millisecond},
		{"Gate", []retry.Policy{{Gate: new(retry.Gate), MaxAttempts: 1}, {}}, 1, 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			if row.policies[0].Backoff == nil {
				row.policies[0].Backoff = retry.Constant(time.Second)
			}
			ctx := t.Context()
			for _, p := range row.policies[1:] {
				ctx = retry.WithPolicy(ctx, p)
			}
			s := play(answer(503, "Retry-After", "5"))
			if row.name == "AttemptTimeout" {
				s = play(late(time.Minute, answer(503)))
			}
			resp, _ := retry.New(s, row.policies[0]).RoundTrip(place("GET", "").under(ctx).Request)
			drop(resp)
			assert.Equal(t, row.attempts, s.attempts(), row.name)
			assert.Equal(t, row.took, time.Since(s.begin), row.name)
		})
	}
	assert.Equal(t, 4, heard)
}

func TestWithPolicyLeavesItsArgumentsAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := retry.Policy{MaxAttempts: 2}
		outer := retry.WithPolicy(t.Context(), p)
		inner := retry.WithPolicy(outer, retry.Policy{Backoff: retry.Constant(0), MaxAttempts: 3})
		p.MaxAttempts = 9
		s := play(answer(503))
		rt := retry.New(s, retry.Policy{Budget: retry.Unlimited})
		for _, row := range []struct {
			ctx  context.Context
			want int
		}{{inner, 3}, {outer, 2}, {t.Context(), 4}, {inner, 3}} {
			before := s.attempts()
			mustEnd(t, rt, place("GET", "").under(row.ctx))
			assert.Equal(t, row.want, s.attempts()-before)
		}
	})
}

func TestAsIdempotentLetsAPostBeSentAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		safe := retry.AsIdempotent(t.Context())
		for name, row := range map[string]struct {
			ctx    context.Context
			policy retry.Policy
			want   int
		}{
			"plain":                         {t.Context(), retry.Policy{}, 1},
			"marked":                        {safe, retry.Policy{}, 4},
			"a policy further down":         {retry.WithPolicy(safe, retry.Policy{MaxAttempts: 3}), retry.Policy{}, 3},
			"a policy further up":           {retry.AsIdempotent(retry.WithPolicy(t.Context(), retry.Policy{MaxAttempts: 3})), retry.Policy{}, 3},
			"a predicate that does not ask": {safe, retry.Policy{Idempotent: func(*http.Request) bool { return false }}, 1},
		} {
			s := play(answer(503))
			mustEnd(t, retry.New(s, row.policy), place("POST", "payload").under(row.ctx))
			assert.Equal(t, row.want, s.attempts(), name)
		}
	})
}

func TestAttemptNumberIsOneForEveryContextThatIsNotARetrys(t *testing.T) {
	type key struct{}
	for _, ctx := range []context.Context{
		nil, context.Background(), context.WithValue(t.Context(), key{}, 7), retry.AsIdempotent(t.Context()),
		retry.WithPolicy(t.Context(), retry.Policy{MaxAttempts: 7}),
	} {
		assert.Equal(t, 1, retry.AttemptNumber(ctx))
	}
}

func TestARetrysContextKeepsWhatTheCallersHolds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		type key struct{}
		ctx := context.WithValue(retry.AsIdempotent(t.Context()), key{}, "value")
		s := play(answer(503), answer(200))
		mustEnd(t, retry.New(s, retry.Policy{}), place("POST", "").under(ctx))
		again := s.sent[1].req.Context()
		assert.Equal(t, "value", again.Value(key{}))
		assert.True(t, retry.Idempotent(s.sent[1].req))
		assert.Equal(t, 2, retry.AttemptNumber(again))
		assert.Equal(t, 1, retry.AttemptNumber(ctx))
	})
}

func TestANilContextPanicsAsInPackageContext(t *testing.T) {
	//lint:ignore SA1012 that is the test
	assert.PanicsWithValue(t, "retry: nil context", func() { retry.WithPolicy(nil, retry.Policy{}) })
	//lint:ignore SA1012 that is the test
	assert.PanicsWithValue(t, "retry: nil context", func() { retry.AsIdempotent(nil) })
	assert.PanicsWithValue(t, "retry: nil Decision", func() { retry.WithDecision(t.Context(), nil) })
}

// A log or a metric of the client loses no request that way.
func TestAnOnAttemptOfWithPolicyIsToldBesideTheTransports(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var heard []string
		hook := func(name string) retry.Policy {
			return retry.Policy{OnAttempt: func(retry.Attempt, retry.Decision) { heard = append(heard, name) }}
		}
		ctx := retry.WithPolicy(retry.WithPolicy(t.Context(), hook("outer")), hook("inner"))
		mustEnd(t, retry.New(play(answer(200)), hook("Transport")), place("GET", "").under(ctx))
		assert.Equal(t, []string{"Transport", "outer", "inner"}, heard)
	})
}
