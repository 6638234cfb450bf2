package retry_test

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/seed-e3550de8/retry"
)

// stormFleets make 10,000 requests a second each.
var stormFleets = []stormFleet{{1_000, 10}, {10_000, 1}, {100_000, 0.1}}

// stormLoads are those of the plot of recovery against load.
var stormLoads = []float64{0.4, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95}

func stormTables() []stormTable {
	ours := []stormKind{stormNone, stormUnlimited, stormDefault, stormTen}
	all := slices.Concat(ours, stormOthers)
	asked := []stormKind{stormAsked, stormShared}
	outage, sizes := stormOutage(30*time.Second), " (1k / 10k / 100k clients)"
	return []stormTable{
		{"Slow server, clients that give up after 1 s: seconds until it is back" + sizes, all, []stormColumn{
			{"load 0.7", stormMetastable(0.7), stormFleets, stormRecovery},
		}},
		{"The same at a higher load" + sizes, []stormKind{stormNone, stormDefault, stormTen}, []stormColumn{
			{"load 0.9", stormMetastable(0.9), stormFleets, stormRecovery},
		}},
		{"Outage of 30 s" + sizes, all, []stormColumn{
			{"attempts per request", outage, stormFleets, stormAttempts(30, 30)},
			{"in the last 10 s", outage, stormFleets, stormAttempts(30, 10)},
			{"end well", outage, stormFleets, stormSaved},
		}},
		{"The same, if each 503 has Retry-After: 5" + sizes, asked, []stormColumn{
			{"attempts per request", outage, stormFleets, stormAttempts(30, 30)},
			{"in the last 10 s", outage, stormFleets, stormAttempts(30, 10)},
			{"end well", outage, stormFleets, stormSaved},
			{"slow server, load 0.7: seconds until it is back (1k / 10k)", stormMetastable(0.7), stormFleets[:2], stormRecovery},
		}},
		{"Short outages, Exponential{Base: 2 * time.Second}: requests that end well" + sizes, all, []stormColumn{
			{"2 s", stormBlip(2 * time.Second), stormFleets, stormSaved},
			{"5 s", stormBlip(5 * time.Second), stormFleets, stormSaved},
		}},
		{"A share of the attempts fails, and three times the requests" + sizes, all, []stormColumn{
			{"33 % fail: end well", stormPartial(0.33), stormFleets, stormSaved},
			{"overload: goodput over capacity", stormOverload(), stormFleets, stormGoodput},
		}},
		stormRecoveryTable("Slow server: seconds until it is back, over the load; 100 clients at 10/s",
			stormFleet{100, 10}, slices.Concat(ours, stormOthers)),
		stormRecoveryTable("The same; 10,000 clients at 0.1/s", stormFleet{10_000, 0.1}, ours),
		stormHerdTable("All 10,000 clients restart at once", 0),
		stormHerdTable("All 10,000 clients restart at once, while the server is down for 30 s", 30*time.Second),
	}
}

func stormRecoveryTable(title string, f stormFleet, kinds []stormKind) stormTable {
	t := stormTable{title: title, kinds: kinds}
	for _, load := range stormLoads {
		t.columns = append(t.columns,
			stormColumn{fmt.Sprint(load), stormMetastable(load), []stormFleet{f}, stormRecovery})
	}
	return t
}

// stormHerdTable compares the shapes of jitter, so that nothing else may end a request.
func stormHerdTable(title string, down time.Duration) stormTable {
	t := stormTable{title: title + "; 20 attempts, no budget: attempts per request, seconds until 99 % end well, most attempts within 100 ms over capacity",
		kinds: []stormKind{stormUnlimited}}
	for _, j := range stormJitters {
		t.columns = append(t.columns, stormColumn{j.name, stormHerd(down, j.jitter, 20), []stormFleet{{10_000, 1}}, stormHerdFigure})
	}
	return t
}

var stormJitters = []struct {
	name   string
	jitter retry.Jitter
}{
	{"FullJitter", retry.FullJitter},
	{"EqualJitter", retry.EqualJitter},
	{"AdditiveJitter", retry.AdditiveJitter},
	{"NoJitter", retry.NoJitter},
}

// The figures of the tables.

func stormRecovery(st *stormStats) string { return stormSeconds(st.recovery()) }

func stormSeconds(d time.Duration, ok bool) string {
	if !ok {
		return "never"
	}
	return fmt.Sprintf("%.0f", d.Seconds())
}

func stormSaved(st *stormStats) string { return fmt.Sprintf("%.1f %%", 100*st.savedShare()) }

// stormAttempts is attempts per request in the last seconds of a pulse.
func stormAttempts(pulse, last time.Duration) func(*stormStats) string {
	end := stormWarmup + pulse*time.Second
	return func(st *stormStats) string {
		return fmt.Sprintf("%.2f", st.amplification(end-last*time.Second, end))
	}
}

func stormGoodput(st *stormStats) string {
	end := stormWarmup + st.scenario.pulse
	capacity := 10_000 / st.scenario.load * st.scenario.pulse.Seconds()
	return fmt.Sprintf("%.0f %%", 100*float64(st.sum(stormWarmup, end).good)/capacity)
}

func stormHerdFigure(st *stormStats) string {
	end := time.Duration(len(st.bins)) * time.Second
	return fmt.Sprintf("%.2f, %s, %.1f", st.amplification(stormWarmup, end),
		stormSeconds(st.herdTime()), float64(st.peakMax)/(float64(st.caught)/100))
}

// verdict is the table of what the defaults have to show.
func (p *stormProgramme) verdict() string {
	var b strings.Builder
	b.WriteString("**What the defaults have to show**\n\n| | wanted | measured |\n|---|---|---|\n")
	row := func(what, wanted string, cells ...string) {
		fmt.Fprintf(&b, "| %s | %s | %s |\n", what, wanted, strings.Join(cells, " / "))
	}
	each := func(k stormKind, s stormScenario, fleets []stormFleet, figure func(*stormStats) string) (cells []string) {
		for _, f := range fleets {
			cells = append(cells, figure(p.stats(k, s, f)))
		}
		return cells
	}
	for _, load := range []float64{0.7, 0.9} {
		s, title := stormMetastable(load), fmt.Sprintf("slow server, load %v, over the time without retries; ", load)
		row(title+"1k / 10k clients", "at most +10 %", p.slower(s, stormFleets[:2])...)
		row(title+"100k clients", "at most +60 %", p.slower(s, stormFleets[2:])...)
	}
	row("the same, load 0.7, retries without budget; 1k / 10k / 100k clients", "never back",
		each(stormUnlimited, stormMetastable(0.7), stormFleets, stormRecovery)...)
	row("outage of 2 s, Base 2 s: requests that end well; 1k / 10k / 100k clients", "at least 97 %",
		each(stormDefault, stormBlip(2*time.Second), stormFleets, stormSaved)...)
	row("33 % of attempts fail: requests that end well; 1k clients", "at least 98.5 %",
		each(stormDefault, stormPartial(0.33), stormFleets[:1], stormSaved)...)
	outage := stormOutage(30 * time.Second)
	row("outage of 30 s, its last 10 s: attempts per request; 1k clients", "at most 1.2",
		each(stormDefault, outage, stormFleets[:1], stormAttempts(30, 10))...)
	row("ShareRetryAfter, Retry-After: 5, outage of 30 s: attempts per request; 1k / 10k clients", "at most 0.3",
		each(stormShared, outage, stormFleets[:2], stormAttempts(30, 30))...)
	row("the same: requests that end well", "at least 85 %", each(stormShared, outage, stormFleets[:2], stormSaved)...)
	return b.String()
}

// slower is how much longer than without retries the default takes to recover.
func (p *stormProgramme) slower(s stormScenario, fleets []stormFleet) (cells []string) {
	for _, f := range fleets {
		none, _ := p.stats(stormNone, s, f).recovery()
		got, ok := p.stats(stormDefault, s, f).recovery()
		if !ok {
			cells = append(cells, "never")
			continue
		}
		cells = append(cells, fmt.Sprintf("%+.0f %%", 100*(got.Seconds()/none.Seconds()-1)))
	}
	return cells
}
