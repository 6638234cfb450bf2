package retry_test

import (
	"context"
	"fmt"
	"net/http"
	"reflect"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-e3550de8/retry"
)

// endingIn is a context whose deadline is after d, or never for 0.
func endingIn(t *testing.T, d time.Duration) context.Context {
	if d == 0 {
		return t.Context()
	}
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

// A field of each kind, other than zero; the second value is another.
var fields = map[string][2]any{
	"MaxAttempts": {2, 3}, "Backoff": {retry.Constant(1), retry.Constant(2)}, "MaxRetryAfter": {time.Second, time.Hour},
	"AttemptTimeout": {time.Second, time.Hour}, "ReadAhead": {int64(1), int64(2)},
	"RetryAfter": {
		func(*http.Response, time.Time) (time.Duration, bool) { return 1, true },
		func(*http.Response, time.Time) (time.Duration, bool) { return 2, true },
	},
	"Classify": {
		func(retry.Attempt) retry.Class { return retry.Final }, func(retry.Attempt) retry.Class { return retry.Transient },
	},
	"Idempotent": {func(*http.Request) bool { return true }, func(*http.Request) bool { return false }},
	"Budget":     {new(retry.Budget), new(retry.Budget)}, "Gate": {new(retry.Gate), new(retry.Gate)},
}

func TestAPolicyIsOverriddenInEachFieldThatIsNotZero(t *testing.T) {
	for _, field := range reflect.VisibleFields(reflect.TypeFor[retry.Policy]()) {
		values, ok := fields[field.Name]
		if !field.IsExported() || field.Name == "OnAttempt" {
			continue
		}
		require.True(t, ok, field.Name)
		var first, second retry.Policy
		reflect.ValueOf(&first).Elem().FieldByIndex(field.Index).Set(reflect.ValueOf(values[0]))
		reflect.ValueOf(&second).Elem().FieldByIndex(field.Index).Set(reflect.ValueOf(values[1]))
		for name, row := range map[string]struct{ have, want retry.Policy }{
			"kept":     {first.Override(retry.Policy{}), first},
			"given":    {retry.Policy{}.Override(first), first},
			"replaced": {first.Override(second), second},
		} {
			assert.Equal(t, fmt.Sprintf("%#v", row.want), fmt.Sprintf("%#v", row.have), "%s, %s", field.Name, name)
		}
	}
}

func TestWithPolicyCountsForTheRequestsUnderIt(t *testing.T) {
	for _, row := range []struct {
		name     string
		policies []retry.Policy // the Transport's first, then those of its contexts, from outside in
		attempts int
		took     time.Duration
	}{
		{"none", []retry.Policy{{}}, 4, 18 * time.Second},
		{"MaxAttempts, inner", []retry.Policy{{MaxAttempts: 9}, {MaxAttempts: 7}, {MaxAttempts: 2}}, 2, 6 * time.Second},
		{"kept", []retry.Policy{{MaxAttempts: 9}, {MaxAttempts: 3}, {Backoff: retry.Constant(0)}, {}}, 3, 10 * time.Second},
		{"Budget", []retry.Policy{{}, {Budget: &retry.Budget{Floor: 0.5}}}, 1, 0},
		{"more attempts than the Transport has", []retry.Policy{{}, {MaxAttempts: 8}}, 8, 42 * time.Second},
	} {
		synctest.Test(t, func(t *testing.T) {
			ctx := t.Context()
			for _, p := range row.policies[1:] {
				ctx = retry.WithPolicy(ctx, p)
			}
			row.policies[0].Backoff = retry.Constant(time.Second)
			s := play(answer(503, "Retry-After", "5"))
			mustEnd(t, retry.New(s, row.policies[0]), place("GET", "").under(ctx))
			assert.Equal(t, row.attempts, s.attempts(), row.name)
			assert.Equal(t, row.took, time.Since(s.begin), row.name)
		})
	}
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
		safe, three := retry.AsIdempotent(t.Context()), retry.Policy{MaxAttempts: 3}
		for name, row := range map[string]struct {
			ctx    context.Context
			policy retry.Policy
			want   int
		}{
			"plain":                         {t.Context(), retry.Policy{}, 1},
			"marked":                        {safe, retry.Policy{}, 4},
			"a policy further down":         {retry.WithPolicy(safe, three), retry.Policy{}, 3},
			"a policy further up":           {retry.AsIdempotent(retry.WithPolicy(t.Context(), three)), retry.Policy{}, 3},
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
