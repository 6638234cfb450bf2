package e2e_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"testing"
	"testing/synctest"
	"time"
)

var (
	hostile     = flag.Int("hostile", 0, "how many scenes each of the hostile tests plays; 0 is as many as take a second")
	hostileSeed = flag.Uint64("hostile.seed", 1, "the seed of the first of them; each has the next one")
)

// TestNothingHostileBreaksAPromise plays scenes: requests through Transports whose bases, servers, bodies, contexts and
// policies misbehave, all of it drawn from the seed, each in a bubble of its own. What the base saw, in the bubble's
// time, is held against the promises of the package comment. The tenth is the bubble's: it ends only if its goroutines
// have.
func TestNothingHostileBreaksAPromise(t *testing.T) { playScenes(t, 1000, playHostile) }

// playScenes plays as many scenes as -hostile says, and few without it. If a scene ends the process, its seed is that
// of the last subtest in the output of -v; if one never ends, the process does after a minute, and names it.
func playScenes(t *testing.T, few int, play func(t *testing.T, seed uint64)) {
	if *hostile > 0 {
		few = *hostile
	}
	failures := 0
	for seed := *hostileSeed; seed < *hostileSeed+uint64(few) && failures < 5; seed++ {
		hangs := time.AfterFunc(time.Minute, func() {
			debug.SetTraceback("all")
			panic(fmt.Sprintf("%s: seed %d does not end", t.Name(), seed))
		})
		played := t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { play(t, seed) })
		})
		hangs.Stop()
		if !played {
			failures++
			t.Logf("replay it: go test -run '^%s$' ./e2e -hostile 1 -hostile.seed %d", t.Name(), seed)
		}
	}
}

// A dice makes the choices of one scene, or of one request in it.
type dice struct{ *rand.Rand }

func newDice(seed, n uint64) dice { return dice{rand.New(rand.NewPCG(seed, n))} }

// one reports true once in n times.
func (d dice) one(n int) bool { return d.IntN(n) == 0 }

func pick[T any](d dice, choices ...T) T { return choices[d.IntN(len(choices))] }
