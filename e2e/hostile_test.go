package e2e_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
)

var (
	hostile     = flag.Int("hostile", 1000, "how many scenes TestNothingHostileBreaksAPromise plays")
	hostileSeed = flag.Uint64("hostile.seed", 1, "the seed of the first of them; each has the next one")
)

// TestNothingHostileBreaksAPromise plays scenes: requests through Transports whose bases, servers, bodies, contexts and
// policies misbehave, all of it drawn from the seed, each in a bubble of its own. What the base saw, in the bubble's
// time, is held against the promises of the package comment. The tenth is the bubble's: it ends only if its goroutines
// have.
//
// If a scene ends the process, or never ends, its seed is that of the last subtest in the output of -v.
func TestNothingHostileBreaksAPromise(t *testing.T) {
	failures := 0
	for seed := *hostileSeed; seed < *hostileSeed+uint64(*hostile) && failures < 5; seed++ {
		played := t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { playHostile(t, seed) })
		})
		if !played {
			failures++
			t.Logf("replay it: go test -run TestNothingHostileBreaksAPromise ./e2e -hostile 1 -hostile.seed %d", seed)
		}
	}
}

// A dice makes the choices of one scene, or of one request in it.
type dice struct{ *rand.Rand }

func newDice(seed, n uint64) dice { return dice{rand.New(rand.NewPCG(seed, n))} }

// one reports true once in n times.
func (d dice) one(n int) bool { return d.IntN(n) == 0 }

func pick[T any](d dice, choices ...T) T { return choices[d.IntN(len(choices))] }
