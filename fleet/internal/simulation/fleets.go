package simulation

import (
	"math/rand/v2"
	"time"

	"github.com/seed-e3550de8/retry"
	"github.com/seed-e3550de8/retry/fleet/internal/ledger"
	"github.com/seed-e3550de8/retry/internal/storm"
)

// A Case is one simulation.
type Case struct {
	Scenario storm.Scenario
	Fleet    storm.Fleet
	Life     int              // requests of each process
	Shared   bool             // else each process has a budget of its own
	Latency  time.Duration    // of the store
	Away     [2]time.Duration // of the store, since the bad time began
}

// A Result is what became of it.
type Result struct {
	Recovery time.Duration
	Back     bool
	Pulse    storm.Pulse
	Asked    float64 // of the store, for each request that began in the bad time, until ten seconds after it
	Before   float64 // of the store, for each request before that
	Stats    *storm.Stats
}

// Run simulates a case.
func Run(c Case) Result {
	var s *store
	kind := storm.Fresh("", c.Life, c.Latency, func(clock func() time.Time, seed uint64) storm.Birth {
		if !c.Shared {
			return func() *retry.Budget { return new(retry.Budget) }
		}
		begin := c.Scenario.Begin()
		s = newStore(clock, begin)
		s.from, s.to = begin.Add(c.Away[0]), begin.Add(c.Away[1])
		random := rand.New(rand.NewPCG(seed, 4))
		settings := ledger.Settings{Timeout: time.Hour, Share: share, Now: clock, Random: random.Float64}
		return func() *retry.Budget { return &retry.Budget{Store: ledger.New(s, settings)} }
	})
	stats := kind.Run(c.Scenario, c.Fleet)
	return result(c, stats, s)
}

func result(c Case, stats *storm.Stats, s *store) Result {
	r := Result{Pulse: stats.Pulse(), Stats: stats}
	r.Recovery, r.Back = stats.Recovery()
	if s == nil {
		return r
	}
	// What the requests of the ten seconds after it ask when all is well is not on the bad time's account.
	end, later := int(c.Scenario.End().Sub(c.Scenario.Begin())/time.Second), 0
	for i := range 10 {
		requests, _, _ := stats.Second(end + i)
		later += requests
	}
	asked := float64(s.sum(0, end+10)) - share*float64(later)
	r.Asked = asked / float64(max(1, r.Pulse.Requests))
	r.Before = float64(s.sum(-20, 0)) / float64(s.requests(stats))
	return r
}

// share is that of the successes that is told to the store.
const share = 0.1

func (s *store) requests(stats *storm.Stats) (n int) {
	for i := range 20 {
		requests, _, _ := stats.Second(i - 20)
		n += requests
	}
	return max(n, 1)
}
