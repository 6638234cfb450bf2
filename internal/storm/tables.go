package storm

import (
	"fmt"
	"slices"
	"time"

	"github.com/seed-e3550de8/retry"
)

// loads are those of the plot of recovery against load.
var loads = []float64{0.4, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95}

const sizes = " (1k / 10k / 100k clients)"

// tables are the long ones.
func (p *programme) tables() []text {
	ours := []Kind{NoRetries, NoBudget, Default, ten}
	all := slices.Concat(ours, others)
	busy, rare := p.smallFleets()
	tables := slices.Concat(p.outageTables(all), []table{
		recoveryTable("Slow server: seconds until it is back, over the load; 100 clients at 10/s", busy, all),
		recoveryTable("The same; 10,000 clients at 0.1/s", rare, ours),
		p.herdTable("All 10,000 clients restart at once", 0),
		p.herdTable("All 10,000 clients restart at once, while the server is down for 30 s", 30*time.Second),
	})
	return p.texts(tables...)
}

// smallFleets are those of the plot of recovery against load.
func (p *programme) smallFleets() (busy, rare Fleet) {
	return Fleet{max(1, p.fleets[0].Clients/10), 10}, Fleet{max(1, p.fleets[2].Clients/10), 0.1}
}

func (p *programme) outageTables(all []Kind) []table {
	asked := []Kind{asked, Gated}
	outage, ten, pulse := Outage(30*time.Second), 10*time.Second, 30*time.Second
	return []table{
		{"Slow server, clients that give up after 1 s: seconds until it is back" + sizes, all, []column{
			{"load 0.7", Slow(0.7), p.fleets, recovery},
		}},
		{"The same at a higher load" + sizes, []Kind{NoRetries, Default, all[3]}, []column{
			{"load 0.9", Slow(0.9), p.fleets, recovery},
		}},
		{"Outage of 30 s" + sizes, all, []column{
			{"attempts per request", outage, p.fleets, attempts(pulse)},
			{"in the last 10 s", outage, p.fleets, attempts(ten)},
			{"end well", outage, p.fleets, endWell},
		}},
		{"The same, if each 503 has Retry-After: 5" + sizes, asked, []column{
			{"attempts per request", outage, p.fleets, attempts(pulse)},
			{"in the last 10 s", outage, p.fleets, attempts(ten)},
			{"end well", outage, p.fleets, endWell},
			{"slow server, load 0.7: seconds until it is back (1k / 10k)", Slow(0.7), p.fleets[:2], recovery},
		}},
		{"Short outages, Exponential{Base: 2 * time.Second}: requests that end well" + sizes, all, []column{
			{"2 s", Blip(2 * time.Second), p.fleets, endWell},
			{"5 s", Blip(5 * time.Second), p.fleets, endWell},
		}},
		{"A share of the attempts fails for 30 s, and three times the requests" + sizes, all, []column{
			{"33 % fail: end well", Failing(0.33, pulse), p.fleets, endWell},
			{"overload: goodput over capacity", Surge(), p.fleets, goodput},
		}},
	}
}

func recoveryTable(title string, f Fleet, kinds []Kind) table {
	t := table{title: title, kinds: kinds}
	for _, load := range loads {
		t.columns = append(t.columns, column{fmt.Sprint(load), Slow(load), []Fleet{f}, recovery})
	}
	return t
}

// herdTable compares the shapes of jitter, so that nothing else may end a request.
func (p *programme) herdTable(title string, down time.Duration) table {
	t := table{
		title: title + "; 20 attempts, no budget: attempts per request, seconds until 99 % end well, " +
			"most attempts within 100 ms over capacity",
		kinds: []Kind{NoBudget},
	}
	for _, j := range jitters {
		t.columns = append(t.columns, column{j.String(), Herd(down, j, 20), p.fleets[1:2], herdFigure})
	}
	return t
}

var jitters = []retry.Jitter{retry.FullJitter, retry.EqualJitter, retry.AdditiveJitter, retry.NoJitter}
