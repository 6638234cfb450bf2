package main

import (
	"fmt"
	"math"

	"github.com/seed-e3550de8/retry/bench/tail"
)

// A tailGoal is what we and the best rivals reach in a row.
type tailGoal struct {
	row              tail.Row
	well, bestWell   float64 // percent
	p99, bestP99     float64 // ms, NaN if fewer ended well
	wellest, fastest string  // rivals
	harm             float64 // corrupt bodies and POSTs acted upon twice
}

func newTailGoal(s *samples, r tail.Row) tailGoal {
	get := func(name, unit string) float64 { return median(s.of("Tail/"+r.Name, name, unit)) }
	harm := func(name string) float64 { return get(name, "corrupt") + get(name, "twice") }
	g := tailGoal{row: r, well: get(withBudget, "%well"), p99: get(withBudget, "p99-ms"), harm: harm(withBudget),
		bestWell: math.NaN(), bestP99: math.NaN()}
	for _, c := range tail.Field() {
		if c.Module == "" || c.Module == module {
			continue
		}
		if harm(c.Name) > 0 {
			continue
		}
		if well := get(c.Name, "%well"); well > g.bestWell || math.IsNaN(g.bestWell) {
			g.bestWell, g.wellest = well, c.Name
		}
		if p99 := get(c.Name, "p99-ms"); p99 < g.bestP99 || math.IsNaN(g.bestP99) {
			g.bestP99, g.fastest = p99, c.Name
		}
	}
	return g
}

func (g tailGoal) manyMet() bool { return g.well >= g.bestWell-0.2 }

// soonMet allows for 5 ms besides, which is how far apart two runs of the same library are.
func (g tailGoal) soonMet() bool { return math.IsNaN(g.bestP99) || g.p99 <= 1.1*g.bestP99+5 }

func (g tailGoal) verdict() string {
	if g.manyMet() && g.soonMet() && g.harm == 0 {
		return "yes"
	}
	return "no"
}

func (g tailGoal) best(unit string, value float64, name string) string {
	switch {
	case math.IsNaN(value):
		return "-"
	case unit == "%well":
		return share(value) + " (" + name + ")"
	}
	return milliseconds(value) + " (" + name + ")"
}

func milliseconds(x float64) string {
	if math.IsNaN(x) {
		return "never"
	}
	return number(x) + " ms"
}

// reason says why a goal is missed.
func (g tailGoal) reason() string {
	switch {
	case g.verdict() == "yes":
		return ""
	case g.row.Name == "GET-429":
		return fmt.Sprintf("a Retry-After is waited for besides the Backoff, and not instead of it, so that those who "+
			"were told the same do not come back together. After Retry-After: 0 that is 100 ms here; %s comes back at once.", g.fastest)
	case !g.manyMet():
		return fmt.Sprintf("%s end well, %s with %s.", share(g.well), share(g.bestWell), g.wellest)
	}
	return fmt.Sprintf("99 %% within %s, %s with %s.", milliseconds(g.p99), milliseconds(g.bestP99), g.fastest)
}
