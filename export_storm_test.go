package retry

import (
	"net/http"
	"net/url"
	"time"
)

// StormClients are Transports without their I/O: their policy, budgets and holds, asked at times and with random numbers
// that the simulation chooses. The policy's Backoff draws from what the simulation gives it.
type StormClients struct {
	policy  *Policy
	clients []*Transport
	budgets []*Budget
}

// NewStormClients returns n clients that call one authority, from the time now on, and share nothing but the policy.
// Each has a budget of its own: the Transport's, or one of the given size.
func NewStormClients(n int, p Policy, u *url.URL, window time.Duration, floor float64, now time.Time) *StormClients {
	s := &StormClients{policy: &p, clients: make([]*Transport, n), budgets: make([]*Budget, n)}
	for i := range n {
		t := New(nil, p)
		b := t.budgetOf(&t.policy)
		if floor > 0 {
			b = &Budget{Window: window, Floor: floor}
		}
		if b != Unlimited {
			b.bucket(authorityOf(u), now)
		}
		s.clients[i], s.budgets[i] = t, b
	}
	return s
}

// Hold returns how long req, which waits since start, is held at now, and whether it may wait for that. If not, what its
// retry has taken from the budget goes back.
func (s *StormClients) Hold(client int32, attempt int, req *http.Request, start, now time.Time, u float64) (time.Duration, bool) {
	d, reason := s.clients[client].holdAt(s.policy, req, start, now, u)
	if reason != nil && attempt > 1 {
		s.budgets[client].refund(authorityOf(req.URL), now)
	}
	return d, reason == nil
}

// Judge decides on an attempt and settles it with the holds and the budget. It draws from random only for a hold.
func (s *StormClients) Judge(client int32, a Attempt, now time.Time, random func() float64) Decision {
	b, key := s.budgets[client], authorityOf(a.Request.URL)
	if succeeded(a.Response, a.Err) {
		if s.policy.ShareRetryAfter {
			s.clients[client].holds.succeeded(key)
		}
		deposit(b, key, a.Number, now)
		return Decision{}
	}
	d := s.policy.decide(a, now)
	if s.policy.ShareRetryAfter {
		s.share(client, a, &d, now, random)
	}
	if d.Retry && !b.withdraw(key, now) {
		d.Retry, d.Reason = false, ErrBudget
	}
	return d
}

func deposit(b *Budget, key authority, attempt int, now time.Time) {
	if b == Unlimited {
		return
	}
	if attempt > 1 {
		b.refund(key, now)
		return
	}
	if k := b.bucket(key, now); k.count() {
		b.settle(k, now)
	}
}

func (s *StormClients) share(client int32, a Attempt, d *Decision, now time.Time, random func() float64) {
	t := s.clients[client]
	if a.Response != nil {
		if retryAfter, ok := ParseRetryAfter(a.Response.Header, now); ok && retryAfter <= s.policy.maxRetryAfter() {
			t.holds.close(authorityOf(a.Request.URL), retryAfter, now)
		}
	}
	if !d.Retry {
		return
	}
	held, reason := t.holdAt(s.policy, a.Request, now, now, random())
	d.Delay = max(d.Delay, held)
	d.Retry, d.Reason = reason == nil, reason
}

// StormDelay is Exponential.Delay with its random number given.
func StormDelay(e Exponential, retry int, u float64) time.Duration { return e.delay(retry, u) }
