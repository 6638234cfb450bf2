package main

import (
	"fmt"
	"io"
	"strings"
)

// contended are the values of GOMAXPROCS of the contention benchmark.
const contended = "1,2,4,8"

// writeContention writes what requests that are sent in parallel wait for each other.
func writeContention(w io.Writer, r *release) {
	fmt.Fprintf(w, `## A GET in parallel, to one server and to 1,000 in turn: ns for each request, %s

| | GOMAXPROCS %s |
|---|---:|---:|---:|---:|
`, r.name, strings.ReplaceAll(contended, ",", " | "))
	rows := []struct{ bench, title string }{
		{"stub/1", "stub, one server"},
		{"stub/1000", "stub, 1,000 servers"},
		{"loopback/1", "loopback, one server"},
		{"loopback/1000", "loopback, 1,000 servers"},
	}
	for _, row := range rows {
		for _, name := range []string{"bare", "pass-through", withoutBudget, withBudget} {
			fmt.Fprintf(w, "| %s: %s |", row.title, name)
			for _, cpus := range []int{1, 2, 4, 8} {
				fmt.Fprintf(w, " %s |", number(median(r.contention(row.bench, name, cpus))))
			}
			fmt.Fprintln(w)
		}
	}
	fmt.Fprintf(w, `
Over the stub, to one server, the budget costs %s ns with one processor and %s ns with two: the successes of an authority
are added to one counter, which the processors share. An addition to such a counter, and nothing else, takes %s ns and %s
ns. To 1,000 servers in turn it costs %s ns and %s ns, as each request finds its bucket in a map under a lock; the bucket
that was used last is at hand. Over loopback a request takes so much longer that neither can be measured: see the goals.

`, r.budgetCosts("stub/1", 1), r.budgetCosts("stub/1", 2),
		number(median(r.contention("counter/1", "add", 1))), number(median(r.contention("counter/1", "add", 2))),
		r.budgetCosts("stub/1000", 1), r.budgetCosts("stub/1000", 2))
}

func (s *samples) contention(bench, contender string, cpus int) []float64 {
	return s.figures[key{"Contention/" + bench, contender, cpus, "cpu-ns/op"}]
}

// budgetCosts is what a request takes more with the budget.
func (s *samples) budgetCosts(bench string, cpus int) string {
	with, without := s.contention(bench, withBudget, cpus), s.contention(bench, withoutBudget, cpus)
	return number(median(pairwise(with, without, difference)))
}
