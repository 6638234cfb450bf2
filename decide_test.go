package retry_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-e3550de8/retry"
)

// attempted is an attempt that met a status.
func attempted(number, code int, header ...string) retry.Attempt {
	req := place("GET", "").Request
	resp, _ := answer(code, header...)(req)
	drop(resp)
	return retry.Attempt{Number: number, Request: req, Response: resp}
}

func TestDecideSettlesWithTheBudgetOfItsPolicy(t *testing.T) {
	b, now := &retry.Budget{Floor: 2}, time.Now()
	p := retry.Policy{Budget: b, Backoff: retry.Constant(time.Second)}
	first := p.Decide(attempted(1, 503), now)
	assert.Equal(t, retry.Decision{Retry: true, Class: retry.Transient, Delay: time.Second, Price: first.Price}, first)
	assert.Positive(t, first.Price)
	var d retry.Decision
	for d = first; d.Retry; {
		d = p.Decide(attempted(1, 503), now)
	}
	assert.Equal(t, retry.ErrBudget, d.Reason)
	assert.Zero(t, d.Price)

	success := attempted(2, 200)
	success.Spent = first.Price
	assert.Equal(t, retry.Decision{}, p.Decide(success, now))
	assert.True(t, p.Decide(attempted(1, 503), now).Retry, "a call that succeeds in the end gives back what it took")
}

func TestDecideWithoutABudgetHasNone(t *testing.T) {
	now := time.Now()
	for range 1000 {
		require.True(t, retry.Policy{}.Decide(attempted(1, 503), now).Retry)
	}
	assert.Equal(t, retry.ErrMaxAttempts, retry.Policy{}.Decide(attempted(4, 503), now).Reason)
}

func TestDecideClosesTheGateAndAdmitWaitsForIt(t *testing.T) {
	p, now := retry.Policy{Gate: new(retry.Gate), Backoff: retry.Constant(0)}, time.Now()
	req := place("GET", "").Request
	assert.Equal(t, retry.Decision{}, retry.Policy{}.Admit(req, now, now), "nothing holds without a gate")
	assert.Zero(t, p.Admit(req, now, now).Delay)
	d := p.Decide(attempted(1, 429, "Retry-After", "10"), now)
	assert.True(t, d.FromServer)
	assert.GreaterOrEqual(t, d.Delay, 10*time.Second)

	held := p.Admit(req, now, now)
	assert.NoError(t, held.Reason)
	assert.GreaterOrEqual(t, held.Delay, 10*time.Second)
	assert.Less(t, held.Delay, 20*time.Second)
	soon, cancel := context.WithDeadline(t.Context(), now.Add(time.Second))
	defer cancel()
	assert.ErrorIs(t, p.Admit(req.WithContext(soon), now, now).Reason, retry.ErrDeadline)
	assert.Zero(t, p.Admit(req, now, now.Add(20*time.Second)).Delay, "it is open again")
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
