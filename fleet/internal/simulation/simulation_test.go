//go:build !race

package simulation_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-e3550de8/retry/fleet/internal/simulation"
	"github.com/seed-e3550de8/retry/internal/storm"
)

// The race detector makes a simulation ten times as long, and finds nothing: each has one goroutine.

var small = storm.Fleet{Clients: 1000, Rate: 0.1}

func shared(s storm.Scenario, life int) simulation.Result {
	c := simulation.Case{Scenario: s, Fleet: small, Life: life, Shared: true, Latency: time.Millisecond}
	return simulation.Run(c)
}

func TestAFleetOfProcessesOfOneRequestLetsASlowServerRecoverAsIfNobodyRetried(t *testing.T) {
	t.Parallel()
	for _, load := range []float64{0.7, 0.9} {
		s := storm.Slow(load)
		none, back := storm.NoRetries.Run(s, small).Recovery()
		require.True(t, back)
		r := shared(s, 1)
		require.True(t, r.Back, s.Name)
		assert.LessOrEqual(t, r.Recovery, none*11/10, s.Name)
		assert.LessOrEqual(t, r.Asked, 2., s.Name)
		alone := simulation.Run(simulation.Case{Scenario: s, Fleet: small, Life: 1})
		assert.False(t, alone.Back, "%s, each with a budget of its own", s.Name)
	}
}

func TestAnOutageOfTwoSecondsIsSurvivedAndTheStoreIsNotAskedTooOften(t *testing.T) {
	t.Parallel()
	for _, life := range []int{1, 10, 100} {
		r := shared(storm.Blip(2*time.Second), life)
		t.Logf("life %d: %+v, asked %.2f, before %.2f", life, r.Pulse, r.Asked, r.Before)
		assert.GreaterOrEqual(t, r.Pulse.Well, 0.95)
		assert.LessOrEqual(t, r.Asked, 2.3) // 2 and what chance does to two seconds of so small a fleet
		assert.LessOrEqual(t, r.Before, 0.2)
	}
}

func TestASimulationIsTheSameForTheSameSeed(t *testing.T) {
	s := storm.Outage(2 * time.Second)
	assert.Equal(t, shared(s, 10), shared(s, 10))
}
