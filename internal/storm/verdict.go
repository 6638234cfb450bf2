package storm

import (
	"fmt"
	"math"
	"strings"
	"time"
)

// A Row is a claim about the defaults.
type Row struct {
	What     string
	Wanted   string
	Measured string
	Met      bool
}

// A claim is a Row that has not been measured.
type claim struct {
	what     string
	bound    bound
	kind     Kind
	scenario Scenario
	fleets   []Fleet
	measure  func(*programme, claim, Fleet) float64
}

// A bound is the least or the most that is wanted.
type bound struct {
	least bool
	limit float64
	unit  func(float64) string
}

func (b bound) String() string {
	limit := strings.Replace(b.unit(b.limit), ".0 %", " %", 1)
	switch {
	case math.IsInf(b.limit, 1):
		return limit
	case b.least:
		return "at least " + limit
	}
	return "at most " + limit
}

func (b bound) meets(x float64) bool {
	if b.least {
		return x >= b.limit
	}
	return x <= b.limit
}

// verdict is whether the defaults do what they have to.
func (p *programme) verdict() []Row {
	var rows []Row
	for _, c := range append(p.overloadClaims(), p.steadyClaims()...) {
		row := Row{What: c.what, Wanted: c.bound.String(), Met: true}
		var cells []string
		for _, f := range c.fleets {
			x := c.measure(p, c, f)
			cells = append(cells, c.bound.unit(x))
			row.Met = row.Met && c.bound.meets(x)
		}
		row.Measured = strings.Join(cells, " / ")
		rows = append(rows, row)
	}
	return rows
}

func (p *programme) verdictTable(rows []Row) []text {
	t := text{title: "What the defaults have to show", left: true, rows: [][]string{{"", "wanted", "measured"}}}
	for _, r := range rows {
		t.rows = append(t.rows, []string{r.What, r.Wanted, r.Measured})
	}
	return []text{t}
}

// overloadClaims are of servers that are overloaded or down.
func (p *programme) overloadClaims() []claim {
	var claims []claim
	for _, load := range []float64{0.7, 0.9} {
		s, what := Slow(load), fmt.Sprintf("slow server, load %v, over the time without retries; ", load)
		claims = append(claims,
			claim{what + "1k / 10k clients", bound{limit: 0.1, unit: more}, Default, s, p.fleets[:2], slower},
			claim{what + "100k clients", bound{limit: 0.6, unit: more}, Default, s, p.fleets[2:], slower})
	}
	outage, ten, pulse := Outage(30*time.Second), 10*time.Second, 30*time.Second
	return append(claims,
		claim{"the same, load 0.7, retries without budget; 1k / 10k / 100k clients", bound{true, math.Inf(1), back},
			NoBudget, Slow(0.7), p.fleets, backAfter},
		claim{"outage of 2 s, Base 2 s: requests that end well; 1k / 10k / 100k clients", bound{true, 0.97, percent},
			Default, Blip(2 * time.Second), p.fleets, wellIn(2 * time.Second)},
		claim{"33 % of attempts fail for 30 s: requests that end well; 1k clients", bound{true, 0.985, percent},
			Default, Failing(0.33, pulse), p.fleets[:1], wellIn(pulse)},
		claim{"outage of 30 s, its last 10 s: attempts per request; 1k clients", bound{false, 1.2, ratio},
			Default, outage, p.fleets[:1], attemptsIn(ten)},
		claim{"Gate, Retry-After: 5, outage of 30 s: attempts per request; 1k / 10k clients", bound{false, 0.3, ratio},
			Gated, outage, p.fleets[:2], attemptsIn(pulse)},
		claim{"the same: requests that end well", bound{true, 0.85, percent},
			Gated, outage, p.fleets[:2], wellIn(pulse)})
}

// steadyClaims are of troubles that go on, in the last five of ten minutes.
func (p *programme) steadyClaims() []claim {
	minutes := 5 * time.Minute
	third, half := Failing(1./3, 2*minutes), Failing(0.5, 2*minutes)
	return []claim{
		{"a third of attempts fails for ten minutes: calls that fail; 10/s / 1/s", bound{false, 0.02, percent},
			Default, third, p.steady[:2], failIn(minutes)},
		{"the same: 0.1/s", bound{false, 0.06, percent}, Default, third, p.steady[2:], failIn(minutes)},
		{"half of attempts fails for ten minutes: attempts per call; 10/s / 1/s / 0.1/s", bound{false, 1.3, ratio},
			Default, half, p.steady, attemptsIn(minutes)},
		{"ten workers at an API of 10 requests in 5 s, ten attempts: calls that end in 429", bound{false, 0, percent},
			Default, RateLimited(10, 10), []Fleet{{1, 100}}, failIn(2 * time.Hour)},
		{"1 % of calls to a broken endpoint: other calls that fail; 10/s / 1/s", bound{false, 0.001, percent},
			Default, Broken(0.01), p.steady[:2], failIn(minutes)},
		{"30 % of calls to a broken endpoint that has a Budget of its own: the same", bound{false, 0.001, percent},
			apart, Broken(0.3), p.steady[:2], failIn(minutes)},
	}
}

// The measures, and their units.

func ratio(x float64) string { return fmt.Sprintf("%.2f", x) }

func more(x float64) string {
	if math.IsInf(x, 1) {
		return "never"
	}
	return fmt.Sprintf("%+.0f %%", 100*x)
}

func back(x float64) string {
	if math.IsInf(x, 1) {
		return "never back"
	}
	return fmt.Sprintf("%.0f s", x)
}

// backAfter is in how many seconds the server is back.
func backAfter(p *programme, c claim, f Fleet) float64 {
	d, ok := p.stats(c.kind, c.scenario, f).Recovery()
	if !ok {
		return math.Inf(1)
	}
	return d.Seconds()
}

// slower is how much longer the server needs than without retries.
func slower(p *programme, c claim, f Fleet) float64 {
	none := c
	none.kind = NoRetries
	return backAfter(p, c, f)/backAfter(p, none, f) - 1
}

func wellIn(last time.Duration) func(*programme, claim, Fleet) float64 {
	return func(p *programme, c claim, f Fleet) float64 {
		return p.stats(c.kind, c.scenario, f).pulse(last).wellShare()
	}
}

func failIn(last time.Duration) func(*programme, claim, Fleet) float64 {
	return func(p *programme, c claim, f Fleet) float64 { return 1 - wellIn(last)(p, c, f) }
}

func attemptsIn(last time.Duration) func(*programme, claim, Fleet) float64 {
	return func(p *programme, c claim, f Fleet) float64 {
		return p.stats(c.kind, c.scenario, f).pulse(last).amplification()
	}
}
