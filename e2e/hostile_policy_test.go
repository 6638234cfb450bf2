package e2e_test

import (
	"math"
	"net/http"
	"time"

	"github.com/seed-e3550de8/retry"
)

// mischief is what a function of ours panics with: whatever else panics is a fault of the package.
type mischief string

// A hostilePolicy is a Policy, and what an oracle must know of it.
type hostilePolicy struct {
	retry.Policy
	judges  bool // Classify, or Idempotent, is not the default
	wishes  bool // RetryAfter is not
	records bool // OnAttempt notes what it is told
}

// peeks reports whether it looks at the bodies of responses.
func (p hostilePolicy) peeks() bool { return p.Classify != nil || p.ReadAhead > 0 }

const longestWait = time.Duration(math.MaxInt64)

func (s *hostileScene) newPolicy() hostilePolicy {
	d := s.dice
	p := hostilePolicy{Policy: retry.Policy{
		MaxAttempts: pick(d, 0, 0, 1, 2, 3, 7, -1, math.MinInt),
		Backoff: pick[retry.Backoff](d, nil, retry.Constant(0), retry.Constant(0), retry.Constant(time.Second), retry.Constant(-1),
			retry.Constant(100000*time.Hour), retry.BackoffFunc(nil), retry.Exponential{Base: -1, Max: 1},
			retry.BackoffFunc(func(int) time.Duration { return math.MinInt64 }),
			retry.Exponential{Base: 100 * time.Millisecond, Max: longestWait, Jitter: retry.Jitter(d.IntN(6) - 1)}),
		MaxRetryAfter:  pick(d, 0, 0, -1, time.Second, time.Hour, 100000*time.Hour),
		AttemptTimeout: pick(d, 0, 0, 0, -1, 1, 50*time.Millisecond+7, time.Second+7, time.Hour+7, longestWait),
		Budget:         s.newBudget(),
		Gate:           s.newGate(),
	}}
	if d.one(2) {
		p.records = true
		p.OnAttempt = s.hears
	}
	switch d.IntN(20) {
	case 0:
		p.judges, p.Classify = true, func(a retry.Attempt) retry.Class { return retry.Class(a.Number%5) - 1 }
	case 1:
		p.judges, p.Classify = true, func(a retry.Attempt) retry.Class { panic(mischief("Classify")) }
	case 2:
		p.Classify = s.peeks
	case 3:
		p.judges, p.Idempotent = true, func(*http.Request) bool { panic(mischief("Idempotent")) }
	case 4:
		p.judges, p.Idempotent = true, func(*http.Request) bool { return true }
	case 5:
		p.wishes, p.RetryAfter = true, func(*http.Response, time.Time) (time.Duration, bool) { return math.MinInt64, true }
	case 6:
		p.wishes, p.RetryAfter = true, func(*http.Response, time.Time) (time.Duration, bool) { panic(mischief("RetryAfter")) }
	case 7:
		p.wishes, p.Backoff = true, retry.BackoffFunc(func(int) time.Duration { panic(mischief("Backoff")) })
	}
	return p
}

// peeks is the default with a look at the body.
func (s *hostileScene) peeks(a retry.Attempt) retry.Class {
	o := orderOf(a.Request)
	defer o.foreign()
	own := a.Response != nil && a.Response.Request != nil && a.Response.Request.Context().Value(orderKey{}) == o
	if own && o.ends && s.timeout == 0 { // what else ends a Peek, if the response is of a request without the Timeout
		_, _ = retry.Peek(a.Response, 100)
	}
	return retry.Classify(a)
}

// hears is the OnAttempt of every policy that has one.
func (s *hostileScene) hears(a retry.Attempt, d retry.Decision) {
	o := orderOf(a.Request)
	defer o.foreign()
	o.mu.Lock()
	o.heard = append(o.heard, hostileWord{a, d, time.Now()})
	o.mu.Unlock()
	s.balanced(s.policy.Budget)
	switch o.dice.IntN(30) {
	case 0:
		panic(mischief("OnAttempt"))
	case 1, 2:
		time.Sleep(pick(o.dice, time.Millisecond, time.Second))
	}
}

// A hostileWord is what an OnAttempt was told.
type hostileWord struct {
	retry.Attempt
	retry.Decision
	at time.Time
}

func (s *hostileScene) newBudget() *retry.Budget {
	return pick(s.dice, nil, nil, retry.Unlimited,
		&retry.Budget{},
		&retry.Budget{Floor: 0.5},
		&retry.Budget{Floor: 1},
		&retry.Budget{Floor: math.NaN(), Window: -1, Ratio: math.NaN()},
		&retry.Budget{Floor: -1, Window: 1, Ratio: math.Inf(1)},
		&retry.Budget{Floor: 1e300, Window: longestWait, Ratio: 1e-300},
		&retry.Budget{Floor: math.SmallestNonzeroFloat64},
	)
}

func (s *hostileScene) newGate() *retry.Gate {
	if !s.dice.one(5) {
		return nil
	}
	u := pick(s.dice, 0, 0.5, -1e9, 1e300, math.NaN(), math.Inf(1), math.Inf(-1))
	return &retry.Gate{Rand: func() float64 { return u }}
}
