package storm

import (
	"fmt"
	"time"
)

// steadyTables are those of troubles that go on, and of what each attempt is worth.
func (p *programme) steadyTables() []text {
	return append(p.texts(
		p.failingTable("calls that fail", fail(5*time.Minute)),
		p.failingTable("attempts per call", attempts(5*time.Minute)),
		rateLimitTable(),
		p.brokenTable(),
	), p.worthTable(), p.attemptsTable())
}

const rates = " (clients of 10/s / 1/s / 0.1/s)"

// failingTable is of the last five of ten minutes, when what a full bucket pays for is over.
func (p *programme) failingTable(what string, figure func(*Stats) string) table {
	t := table{
		title: "Ten minutes in which a share of the attempts fails at random, the last five of them: " + what + rates,
		kinds: []Kind{NoRetries, unlimited, Default, fifth},
	}
	for _, share := range []float64{0.1, 0.25, 1. / 3, 0.5} {
		title := fmt.Sprintf("%.0f %%", 100*share)
		t.columns = append(t.columns, column{title, Failing(share, 10*time.Minute), p.steady, figure})
	}
	return t
}

func rateLimitTable() table {
	t := table{
		title: "An API of 10 requests in 5 s (429, Retry-After), one client, ten calls a worker: " +
			"calls that end in 429, attempts per call",
		kinds: []Kind{NoRetries, unlimited, Default, gate},
	}
	for _, attempts := range []int{defaultAttempts, 10} {
		for _, workers := range []int{1, 10, 20, 100} {
			s := RateLimited(workers, attempts)
			title := fmt.Sprintf("%d attempts; workers: %d", attempts, workers)
			t.columns = append(t.columns, column{title, s, []Fleet{{1, 100}}, failAndAttempts})
		}
	}
	return t
}

func (p *programme) brokenTable() table {
	t := table{
		title: "A share of the calls goes to one broken endpoint, and a tenth of the other attempts fails, " +
			"the last five of ten minutes: other calls that fail" + rates,
		kinds: []Kind{NoRetries, unlimited, Default, apart},
	}
	for _, share := range []float64{0.01, 0.03, 0.1, 0.3} {
		title := fmt.Sprintf("%.0f %%", 100*share)
		t.columns = append(t.columns, column{title, Broken(share), p.steady, fail(5 * time.Minute)})
	}
	return t
}

// worthTable is what each attempt is worth, where up to six are made.
func (p *programme) worthTable() text {
	t := text{
		title: "What attempt 2, 3, ... is worth, of six and with the default budget: how many of them succeed, " +
			"and how many are made for 100 calls; 1k clients",
		rows: [][]string{{"attempt"}, {"1"}, {"2"}, {"3"}, {"4"}, {"5"}, {"6"}},
	}
	six := attemptsOf("six attempts", 6)
	for _, s := range []struct {
		title    string
		scenario Scenario
	}{
		{"10 % fail", Failing(0.1, 30*time.Second)},
		{"33 % fail", Failing(0.33, 30*time.Second)},
		{"outage of 2 s, Base 2 s", Blip(2 * time.Second)},
		{"outage of 5 s, Base 2 s", Blip(5 * time.Second)},
		{"outage of 30 s", Outage(30 * time.Second)},
		{"three times the requests", Surge()},
		{"slow server, load 0.7", Slow(0.7)},
	} {
		t.rows[0] = append(t.rows[0], s.title)
		st := p.stats(six, s.scenario, p.fleets[0])
		for n := 1; n < len(t.rows); n++ {
			t.rows[n] = append(t.rows[n], st.worth(n))
		}
	}
	return t
}

// worth is how many of the attempts of number n succeed, and how many there are for 100 calls.
func (st *Stats) worth(n int) string {
	a := st.numbered[n]
	if a.sent == 0 {
		return "-"
	}
	return fmt.Sprintf("%.1f %% of %.1f", 100*float64(a.good)/float64(a.sent), 100*float64(a.sent)/float64(st.caught))
}

// attemptsTable is what MaxAttempts saves, and what it costs a server.
func (p *programme) attemptsTable() text {
	ends := []Fleet{p.fleets[0], p.fleets[2]}
	t := table{title: "MaxAttempts, with the default budget (1k / 100k clients)", columns: []column{
		{"33 % fail for 30 s: end well", Failing(0.33, 30*time.Second), ends, endWell},
		{"outage of 2 s, Base 2 s: end well", Blip(2 * time.Second), ends, endWell},
		{"outage of 5 s, Base 2 s: end well", Blip(5 * time.Second), ends, endWell},
		{"outage of 30 s: attempts per request", Outage(30 * time.Second), ends, attempts(30 * time.Second)},
		{"three times the requests: goodput over capacity", Surge(), ends, goodput},
		{"slow server, load 0.7: seconds until it is back", Slow(0.7), ends, recovery},
	}}
	for _, n := range []int{1, 2, 3, 4, 5, 6, 10} {
		k := attemptsOf(fmt.Sprint(n), n)
		if n == defaultAttempts {
			k = Default
		}
		t.kinds = append(t.kinds, k)
	}
	one := p.texts(t)[0]
	one.rows[0][0], one.rows[defaultAttempts][0] = "MaxAttempts", "4, the default"
	return one
}
