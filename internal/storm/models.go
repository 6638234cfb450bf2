package storm

import (
	"math/rand/v2"
	"time"

	"github.com/seed-e3550de8/retry"
)

// A model is a fleet of clients with a budget as somebody else publishes it: only the budget is theirs, attempts and
// backoff are the same for all, so that the budgets are what is compared.
type model struct {
	attempts int
	backoff  retry.Exponential
	random   *rand.Rand
	budget   budgets // nil bounds nothing
	deadline time.Duration
}

// budgets are those of all clients of a fleet.
type budgets interface {
	result(r request, ok bool, now time.Duration) // of each attempt, before withdraw
	withdraw(client int32, now time.Duration) bool
}

func (m *model) hold(_ request, now time.Duration) (time.Duration, bool) { return now, true }

func (m *model) outcome(r *request, o outcome, now time.Duration) (time.Duration, bool) {
	if m.budget != nil {
		m.budget.result(*r, o.answer == served, now)
	}
	if o.answer == served || int(r.attempt) >= m.attempts {
		return 0, false
	}
	delay := m.backoff.At(int(r.attempt), m.random.Float64())
	if now+delay >= r.start+m.deadline {
		return 0, false
	}
	return delay, m.budget == nil || m.budget.withdraw(r.client, now)
}

// grpcBudget is gRFC A6, retryThrottling with maxTokens 10 and tokenRatio 0.1: a failure
// takes a token, a success adds a tenth, and retries go while more than half are left.
type grpcBudget []float32

func newGRPCBudget(clients int) budgets {
	return grpcBudget(filled(clients, 10))
}

func (b grpcBudget) result(r request, ok bool, _ time.Duration) {
	if ok {
		b[r.client] = min(10, b[r.client]+0.1)
		return
	}
	b[r.client] = max(0, b[r.client]-1)
}

func (b grpcBudget) withdraw(client int32, _ time.Duration) bool { return b[client] > 5 }

// awsBudget is the standard retry mode of AWS's SDKs: a retry takes its cost out of 500,
// gets it back if it succeeds, and a success at the first attempt adds one.
type awsBudget struct {
	tokens []float32
	cost   float32
}

func newAWSBudget(clients int, cost float32) budgets {
	return &awsBudget{filled(clients, 500), cost}
}

func (b *awsBudget) result(r request, ok bool, _ time.Duration) {
	switch {
	case ok && r.attempt == 1:
		b.tokens[r.client] = min(500, b.tokens[r.client]+1)
	case ok:
		b.tokens[r.client] = min(500, b.tokens[r.client]+b.cost)
	}
}

func (b *awsBudget) withdraw(client int32, _ time.Duration) bool {
	if b.tokens[client] < b.cost {
		return false
	}
	b.tokens[client] -= b.cost
	return true
}

// sreBudget is the per-client budget of the SRE book, as a bucket of ten retries: each
// request, whatever becomes of it, pays for a tenth of one.
type sreBudget []float32

func newSREBudget(clients int) budgets { return sreBudget(filled(clients, 10)) }

func (b sreBudget) result(r request, _ bool, _ time.Duration) {
	if r.attempt == 1 {
		b[r.client] = min(10, b[r.client]+0.1)
	}
}

func (b sreBudget) withdraw(client int32, _ time.Duration) bool {
	if b[client] < 1 {
		return false
	}
	b[client]--
	return true
}

// finagleBudget is Finagle's RetryBudget with its defaults: in each window of ten seconds
// (of ten slices), a fifth of the requests and ten a second.
type finagleBudget []struct {
	slice   int64
	balance [10]float32
}

func newFinagleBudget(clients int) budgets { return make(finagleBudget, clients) }

// at forgets the slices that are older than the window and returns the current one.
func (b finagleBudget) at(client int32, now time.Duration) *float32 {
	c, slice := &b[client], int64(now/time.Second)
	if slice-c.slice >= 10 {
		c.balance, c.slice = [10]float32{}, slice
	}
	for c.slice < slice {
		c.slice++
		c.balance[c.slice%10] = 0
	}
	return &c.balance[slice%10]
}

func (b finagleBudget) result(r request, _ bool, now time.Duration) {
	if r.attempt == 1 {
		*b.at(r.client, now) += 0.2
	}
}

func (b finagleBudget) withdraw(client int32, now time.Duration) bool {
	current := b.at(client, now)
	sum := float32(10 * 10)
	for _, v := range b[client].balance {
		sum += v
	}
	if sum < 1 {
		return false
	}
	*current--
	return true
}

func filled(n int, v float32) []float32 {
	s := make([]float32, n)
	for i := range s {
		s[i] = v
	}
	return s
}
