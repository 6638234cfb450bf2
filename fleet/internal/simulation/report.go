package simulation

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/seed-e3550de8/retry/internal/storm"
)

// A row is one line of a table: cases that differ in one thing.
type row struct {
	name  string
	cases []Case
}

// thousand is fleets that make a thousand requests a second together.
var thousand = storm.Fleet{Clients: 10_000, Rate: 0.1}

var lives = []int{1, 10, 100}

// Report simulates all that docs/fleet.md shows, and returns its tables in Markdown and the results of the plot.
func Report(progress func(string)) (tables string, plot []Result) {
	var b strings.Builder
	for _, s := range []storm.Scenario{storm.Slow(0.7), storm.Slow(0.9)} {
		title := s.Name + ": seconds until it is back, attempts per request in the bad time"
		b.WriteString(table(title, s, kinds(s), back, progress))
	}
	for _, s := range []storm.Scenario{storm.Blip(2 * time.Second), storm.Outage(30 * time.Second), third} {
		b.WriteString(table(s.Name+": requests that end well, attempts per request", s, kinds(s), well, progress))
	}
	b.WriteString(fleets(progress))
	b.WriteString(stores(progress))
	return b.String(), curves(progress)
}

var third = func() storm.Scenario {
	s := storm.Failing(1./3, 30*time.Second)
	s.Name = "a third of the attempts fails for 30 s"
	return s
}()

// kinds are processes with budgets of their own, and with one.
func kinds(s storm.Scenario) []row {
	own, shared := row{name: "a budget in each process"}, row{name: "one shared budget"}
	for _, life := range lives {
		own.cases = append(own.cases, Case{Scenario: s, Fleet: thousand, Life: life})
		shared.cases = append(shared.cases,
			Case{Scenario: s, Fleet: thousand, Life: life, Shared: true, Latency: time.Millisecond})
	}
	return []row{own, shared}
}

func table(title string, s storm.Scenario, rows []row, cell func(Result) string, progress func(string)) string {
	var b strings.Builder
	fmt.Fprintf(&b, "**%s**\n\n| processes that live for | 1 request | 10 | 100 |\n|---|---:|---:|---:|\n", title)
	none := Result{Stats: storm.NoRetries.Run(s, thousand)}
	none.Pulse = none.Stats.Pulse()
	none.Recovery, none.Back = none.Stats.Recovery()
	fmt.Fprintf(&b, "| no retries | %[1]s | %[1]s | %[1]s |\n", cell(none))
	for _, r := range rows {
		results := runAll(r.cases, progress)
		fmt.Fprintf(&b, "| %s", r.name)
		asked, before := make([]string, len(results)), 0.
		for i, one := range results {
			fmt.Fprintf(&b, " | %s", cell(one))
			asked[i], before = fmt.Sprintf("%.2f", one.Asked), max(before, one.Before)
		}
		b.WriteString(" |\n")
		if r.cases[0].Shared {
			fmt.Fprintf(&b, "| questions to the store per request | %s |\n", strings.Join(asked, " | "))
			fmt.Fprintf(&b, "| the same before, at most | %[1]s | %[1]s | %[1]s |\n", fmt.Sprintf("%.2f", before))
		}
	}
	b.WriteString("\n")
	return b.String()
}

func back(r Result) string {
	if !r.Back {
		return "never, " + attempts(r)
	}
	return fmt.Sprintf("%.0f, %s", r.Recovery.Seconds(), attempts(r))
}

func well(r Result) string { return fmt.Sprintf("%.1f %%, %s", 100*r.Pulse.Well, attempts(r)) }

func attempts(r Result) string {
	return fmt.Sprintf("%.2f", float64(r.Pulse.Attempts)/float64(max(1, r.Pulse.Requests)))
}

// runAll runs two at a time.
func runAll(cases []Case, progress func(string)) []Result {
	results := make([]Result, len(cases))
	slots := make(chan struct{}, 2)
	var all sync.WaitGroup
	for i, c := range cases {
		slots <- struct{}{}
		all.Go(func() {
			defer func() { <-slots }()
			results[i] = Run(c)
			const form = "%s, %d clients, life %d, shared %t"
			progress(fmt.Sprintf(form, c.Scenario.Name, c.Fleet.Clients, c.Life, c.Shared))
		})
	}
	all.Wait()
	return results
}

// fleets is one-shot processes by their number, the last at ten times the requests.
func fleets(progress func(string)) string {
	var b strings.Builder
	b.WriteString("**Processes of one request that share a budget: seconds until a slow server is back " +
		"(without retries)**\n\n| requests a second | load 0.7 | load 0.9 |\n|---|---:|---:|\n")
	for _, f := range []storm.Fleet{{Clients: 1_000, Rate: 0.1}, thousand, {Clients: 100_000, Rate: 0.1}} {
		fmt.Fprintf(&b, "| %d (%d clients)", int(float64(f.Clients)*f.Rate), f.Clients)
		var cases []Case
		for _, load := range []float64{0.7, 0.9} {
			one := Case{Scenario: storm.Slow(load), Fleet: f, Life: 1, Shared: true, Latency: time.Millisecond}
			cases = append(cases, one)
		}
		for i, r := range runAll(cases, progress) {
			none, _ := storm.NoRetries.Run(cases[i].Scenario, f).Recovery()
			fmt.Fprintf(&b, " | %s (%.0f)", strings.Split(back(r), ",")[0], none.Seconds())
		}
		b.WriteString(" |\n")
	}
	b.WriteString("\n")
	return b.String()
}

// stores is a store that is slow, or away for a while.
func stores(progress func(string)) string {
	var b strings.Builder
	b.WriteString("**Processes of one request, a slow server at load 0.7, and the store: seconds until it is back, " +
		"attempts per request in the bad time**\n\n| the store | |\n|---|---:|\n")
	one := Case{Scenario: storm.Slow(0.7), Fleet: thousand, Life: 1, Shared: true, Latency: time.Millisecond}
	slow, middle, long := one, one, one
	slow.Latency = 20 * time.Millisecond
	middle.Away = [2]time.Duration{10 * time.Second, 20 * time.Second}
	long.Away = [2]time.Duration{15 * time.Second, 60 * time.Second}
	results := runAll([]Case{one, slow, middle, long}, progress)
	for i, name := range []string{
		"answers in 1 ms", "answers in 20 ms", "is lost with all it knows from second 10 to 20 of the 30",
		"is lost from second 15 to 60",
	} {
		fmt.Fprintf(&b, "| %s | %s |\n", name, back(results[i]))
	}
	return b.String()
}

// curves are of the plot: processes of one request with a budget each, and with one.
func curves(progress func(string)) []Result {
	c := Case{Scenario: storm.Slow(0.7), Fleet: thousand, Life: 1}
	shared := c
	shared.Shared, shared.Latency = true, time.Millisecond
	none := Result{Stats: storm.NoRetries.Run(c.Scenario, c.Fleet)}
	return append([]Result{none}, runAll([]Case{c, shared}, progress)...)
}
