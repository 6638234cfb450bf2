package retry_test

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/seed-e3550de8/retry"
)

// stormKind is a kind of client to compare.
type stormKind struct {
	name string
	// retryAfter is what the server asks for with each 503 where this kind is compared.
	retryAfter time.Duration
	clients    func(n int, s stormScenario, seed uint64) stormClients
}

// The kinds that are this package, through its own policy, budgets and holds.
var (
	stormDefault = stormPackage("default", retry.Policy{}, stormBudgetSize{})
	stormTen     = stormPackage("Floor 10, Window 10s", retry.Policy{}, stormBudgetSize{10 * time.Second, 10})
	stormAsked   = stormPackage("default, Retry-After: 5", retry.Policy{}, stormBudgetSize{}).asked()
	stormShared  = stormPackage("ShareRetryAfter, Retry-After: 5", retry.Policy{ShareRetryAfter: true}, stormBudgetSize{}).asked()
)

// These two keep nothing, so that a model is enough; a test has the package do the same.
var (
	stormNone      = stormModelOf("no retries", 1, nil)
	stormUnlimited = stormModelOf("retries without budget", 4, nil)
)

// stormOthers are models of the budgets that others publish, with this package's attempts and backoff.
var stormOthers = []stormKind{
	stormModelOf("gRPC A6, 10 and 0.1", 4, newGRPCBudget),
	stormModelOf("Finagle, 20 % and 10/s", 4, newFinagleBudget),
	stormModelOf("AWS, 500-5-1", 4, func(n int) stormBudget { return newAWSBudget(n, 5) }),
	stormModelOf("AWS, 500-14-1", 4, func(n int) stormBudget { return newAWSBudget(n, 14) }),
	stormModelOf("SRE book, 10 %", 4, newSREBudget),
}

func (k stormKind) asked() stormKind {
	k.retryAfter = 5 * time.Second
	return k
}

func stormPackage(name string, p retry.Policy, size stormBudgetSize) stormKind {
	return stormKind{name: name, clients: func(n int, s stormScenario, seed uint64) stormClients {
		if p.MaxAttempts == 0 {
			p.MaxAttempts = s.attempts
		}
		return newStormReal(n, s, p, size, seed)
	}}
}

func stormModelOf(name string, attempts int, budget func(clients int) stormBudget) stormKind {
	return stormKind{name: name, clients: func(n int, s stormScenario, seed uint64) stormClients {
		m := &stormModel{
			attempts: attempts, backoff: s.backoff, deadline: s.deadline,
			random: rand.New(rand.NewPCG(seed, 3)),
		}
		if s.attempts > 0 {
			m.attempts = s.attempts
		}
		if budget != nil {
			m.budget = budget(n)
		}
		return m
	}}
}

const stormSeed = 1

// run simulates k in s.
func (k stormKind) run(s stormScenario, f stormFleet) *stormStats {
	s.retryAfter = k.retryAfter
	return newStormRun(s, f, k.clients(f.clients, s, stormSeed), stormSeed).simulate()
}

// The scenarios.

func stormOutage(d time.Duration) stormScenario {
	return stormScenario{
		name: "outage of " + d.String(), pulse: d, after: 90 * time.Second, load: 0.7,
		down: true, queue: time.Second, deadline: time.Minute,
	}
}

// stormBlip is a short outage met with a backoff that can wait it out.
func stormBlip(d time.Duration) stormScenario {
	s := stormOutage(d)
	s.name, s.backoff = "blip of "+d.String(), retry.Exponential{Base: 2 * time.Second}
	return s
}

// stormMetastable is a server that is slow for half a minute, and clients that give up after a second: when it is fast
// again, it is busy with answers that nobody waits for.
func stormMetastable(load float64) stormScenario {
	after := 110 * time.Second
	if load > 0.7 {
		after = 200 * time.Second
	}
	return stormScenario{
		name: fmt.Sprintf("slow server, load %v", load), pulse: 30 * time.Second, after: after, load: load,
		slow: 0.3, queue: 10 * time.Second, timeout: time.Second, deadline: time.Minute,
	}
}

func stormOverload() stormScenario {
	return stormScenario{
		name: "three times the requests", pulse: 30 * time.Second, after: 90 * time.Second, load: 0.7,
		surge: 3, queue: time.Second, deadline: time.Minute,
	}
}

func stormPartial(share float64) stormScenario {
	return stormScenario{
		name: "partial failure", pulse: 30 * time.Second, after: 90 * time.Second, load: 0.7,
		failing: share, queue: time.Second, deadline: time.Minute,
	}
}

// stormHerd is a restart of all clients at once, at a server that is down for the given time.
func stormHerd(down time.Duration, jitter retry.Jitter, attempts int) stormScenario {
	return stormScenario{
		name: "restart", pulse: down, after: 300 * time.Second, herd: true, load: 1,
		down: true, queue: time.Second, deadline: 300 * time.Second,
		backoff: retry.Exponential{Jitter: jitter}, attempts: attempts,
	}
}
