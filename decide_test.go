package retry_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/seed-e3550de8/retry"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// attempted is an attempt that met a status, or, if that is 0, a connection that was lost.
func attempted(number, code int, header ...string) retry.Attempt {
	a := retry.Attempt{Number: number, Request: place("GET", "").Request}
	if code == 0 {
		a.Err = errPeerReset
		return a
	}
	a.Response = &http.Response{StatusCode: code, Header: headerOf(header...), Body: http.NoBody, Request: a.Request}
	return a
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

// The run of an operation has no request.
func TestDecideTakesAnAttemptWithoutRequestForOneThatMayBeRepeated(t *testing.T) {
	d := retry.Policy{Backoff: retry.BackoffFunc(nil)}.Decide(retry.Attempt{Number: 1, Err: errPeerReset}, time.Now())
	assert.True(t, d.Retry, "%v", d)
	assert.Zero(t, d.Delay, "a nil BackoffFunc does not wait")
	quick := retry.BackoffFunc(func(retry int) time.Duration { return time.Duration(retry) * time.Minute })
	d = retry.Policy{Backoff: quick}.Decide(retry.Attempt{Number: 2, Err: errPeerReset}, time.Now())
	assert.Equal(t, 2*time.Minute, d.Delay)
}

// later is a time at which no clock here is.
var later = time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)

func TestDecideSettlesAtTheTimeThatItIsGiven(t *testing.T) {
	p := retry.Policy{Budget: new(retry.Budget)}
	for i := range 640 {
		p.Decide(attempted(1, 200), later.Add(time.Duration(i)*100*time.Millisecond))
	}
	assert.InDelta(t, 150, p.Budget.Balance(apiURL), 10, "15 s of ten successes a second")
}

func TestAbandonGivesBackWhatTheRetryHasTaken(t *testing.T) {
	for status, price := range map[int]float64{503: 1, 429: 0.2, 0: 1.5} {
		p, a := retry.Policy{Budget: new(retry.Budget)}, attempted(1, status)
		d := p.Decide(a, later)
		assert.True(t, d.Retry)
		assert.InDelta(t, 5-price, p.Budget.Balance(apiURL), 1e-9)
		p.Abandon(a, d, later)
		assert.InDelta(t, 5, p.Budget.Balance(apiURL), 1e-9)
		assert.NotPanics(t, func() { retry.Policy{}.Abandon(a, d, later) })
	}
}
