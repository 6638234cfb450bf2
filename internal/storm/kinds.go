package storm

import (
	"math/rand/v2"
	"time"

	"github.com/seed-e3550de8/retry"
)

// A Kind is a kind of client to compare.
type Kind struct {
	Name string
	// retryAfter is what the server asks for with each 503 where this kind is compared.
	retryAfter time.Duration
	clients    func(n int, s Scenario, seed uint64) clients
}

// The kinds that are this package.
var (
	Default = packageOf("default", retry.Policy{}, options{})
	Gated   = packageOf("Gate, Retry-After: 5", retry.Policy{}, options{gate: true}).asked()

	ten       = packageOf("Floor 10, Window 10s", retry.Policy{}, options{window: 10 * time.Second, floor: 10})
	asked     = packageOf("default, Retry-After: 5", retry.Policy{}, options{}).asked()
	gate      = packageOf("default and a Gate", retry.Policy{}, options{gate: true})
	apart     = packageOf("default, the broken endpoint with a Budget of its own", retry.Policy{}, options{apart: true})
	fifth     = packageOf("Ratio 0.2", retry.Policy{}, options{ratio: 0.2})
	unlimited = packageOf("Budget: Unlimited", retry.Policy{Budget: retry.Unlimited}, options{})
)

// These two keep nothing, so that a model is enough; a test has the package do the same.
var (
	NoRetries = modelOf("no retries", 1, nil)
	NoBudget  = modelOf("retries without budget", defaultAttempts, nil)
)

// others are models of the budgets that others publish, with this package's attempts and backoff.
var others = []Kind{
	modelOf("gRPC A6, 10 and 0.1", defaultAttempts, newGRPCBudget),
	finagle,
	modelOf("AWS, 500-5-1", defaultAttempts, func(n int) budgets { return newAWSBudget(n, 5) }),
	modelOf("AWS, 500-14-1", defaultAttempts, func(n int) budgets { return newAWSBudget(n, 14) }),
	sre,
}

var (
	finagle = modelOf("Finagle, 20 % and 10/s", defaultAttempts, newFinagleBudget)
	sre     = modelOf("SRE book, 10 %", defaultAttempts, newSREBudget)
)

const defaultAttempts = 4

// asked returns k at a server that says when to come back.
func (k Kind) asked() Kind {
	k.retryAfter = 5 * time.Second
	return k
}

// packageOf is this package with a policy, whose MaxAttempts the scenario may set.
func packageOf(name string, p retry.Policy, o options) Kind {
	return Kind{Name: name, clients: func(n int, s Scenario, seed uint64) clients {
		p := p
		if p.MaxAttempts == 0 {
			p.MaxAttempts = max(s.attempts, 0)
		}
		return newPackaged(n, s, p, o, seed)
	}}
}

// Package is this package with a policy, and the budget that a Transport would have.
func Package(name string, p retry.Policy) Kind { return packageOf(name, p, options{}) }

// attemptsOf is this package with other attempts.
func attemptsOf(name string, attempts int) Kind {
	return Package(name, retry.Policy{MaxAttempts: attempts})
}

func modelOf(name string, attempts int, budget func(clients int) budgets) Kind {
	return Kind{Name: name, clients: func(n int, s Scenario, seed uint64) clients {
		m := &model{
			attempts: attempts, backoff: s.backoff, deadline: s.deadline,
			random: rand.New(rand.NewPCG(seed, 3)),
		}
		if s.attempts > 0 && attempts > 1 {
			m.attempts = s.attempts
		}
		if budget != nil {
			m.budget = budget(n)
		}
		return m
	}}
}

const seed = 1

// Run simulates k in s.
func (k Kind) Run(s Scenario, f Fleet) *Stats {
	s.retryAfter = k.retryAfter
	return newRun(s, f, k.clients(f.Clients, s, seed), seed).simulate()
}
