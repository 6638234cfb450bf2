package storm

import (
	"time"

	"github.com/seed-e3550de8/retry"
)

// A Birth returns the Budget of a process that begins, whose clock is the simulation's.
type Birth func() *retry.Budget

// Fresh is package retry in processes that each live for some requests, and then another takes its place. Store is how
// long its store needs to answer: a retry waits for that at least. Each run asks fleet once, for how its processes
// begin.
func Fresh(name string, life int, store time.Duration, fleet func(clock func() time.Time, seed uint64) Birth) Kind {
	return Kind{Name: name, clients: func(n int, s Scenario, seed uint64) clients {
		f := &fresh{life: life, store: store, current: make([]int32, n)}
		f.packaged = newPackaged(0, s, retry.Policy{MaxAttempts: s.attempts}, options{}, seed)
		f.budgets = nil // each process has one
		f.begin = fleet(func() time.Time { return epoch.Add(f.now) }, seed)
		return f
	}}
}

// fresh is a fleet of such processes. A request's client is its process.
type fresh struct {
	*packaged
	life    int
	store   time.Duration
	begin   Birth
	now     time.Duration
	current []int32 // of each client, its process plus one
	all     []process
	free    []int32 // of all, those that have ended
}

type process struct {
	budget     *retry.Budget
	left, open int // requests to come, and under way
}

// enter returns the process that makes the next request of a client.
func (f *fresh) enter(client int32) int32 {
	if f.current[client] == 0 {
		f.current[client] = f.born() + 1
	}
	i := f.current[client] - 1
	p := &f.all[i]
	p.left--
	p.open++
	if p.left == 0 {
		f.current[client] = 0
	}
	return i
}

func (f *fresh) born() int32 {
	p := process{budget: f.begin(), left: f.life}
	if len(f.free) == 0 {
		f.all = append(f.all, p)
		return int32(len(f.all) - 1)
	}
	i := f.free[len(f.free)-1]
	f.free = f.free[:len(f.free)-1]
	f.all[i] = p
	return i
}

func (f *fresh) outcome(r *request, o outcome, now time.Duration) (time.Duration, bool) {
	p := &f.all[r.client]
	f.now, f.policy.Budget = now, p.budget
	delay, again := f.packaged.outcome(r, o, now)
	if again {
		return max(delay, f.store), true
	}
	if p.open--; p.open == 0 && p.left == 0 {
		f.free = append(f.free, r.client)
	}
	return delay, false
}

// A Pulse is what became of the requests that began in the bad time.
type Pulse struct {
	Requests, Attempts int
	Well               float64 // the share that ended well
}

// Pulse returns that.
func (st *Stats) Pulse() Pulse {
	b := st.pulse(st.scenario.pulse)
	return Pulse{b.requests, b.attempts, b.wellShare()}
}

// Begin and End are those of the bad time.
func (s Scenario) Begin() time.Time { return epoch.Add(warmup) }
func (s Scenario) End() time.Time   { return epoch.Add(warmup + s.pulse) }

// Second returns the requests that began, the attempts that were sent, and the requests that ended well in one second
// since the bad time began, which may be negative.
func (st *Stats) Second(i int) (requests, attempts, good int) {
	b := st.bins[min(max(int(warmup/time.Second)+i, 0), len(st.bins)-1)]
	return b.requests, b.attempts, b.good
}

// Seconds returns how many seconds of a run there are since the bad time began, until nothing was left to learn.
func (st *Stats) Seconds() int {
	last := len(st.bins)
	for last > 0 && st.bins[last-1].requests == 0 {
		last--
	}
	return last - int(warmup/time.Second)
}
