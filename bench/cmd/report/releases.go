package main

import (
	"fmt"
	"io"
	"math"
	"strings"
)

func names(releases []*release) (all []string) {
	for _, r := range releases {
		all = append(all, r.name)
	}
	return all
}

// legend says what the columns of the other release mean.
func legend(releases []*release) string {
	if len(releases) < 2 {
		return ""
	}
	other := releases[1].name
	return fmt.Sprintf(`
The columns without a release are of %s, as are the goals, the charts and the README's figures. A figure of %s that is
bold is one which that release changes: bytes or allocations by more than 2 %%, a time by more than 10 %% with no
overlap of the quartiles.
`, releases[0].name, other)
}

// changed reports whether a figure is another one with the other release, and not by chance.
func changed(first, other *samples, bench, contender, unit string) bool {
	xs, ys := first.of(bench, contender, unit), other.of(bench, contender, unit)
	x, y := median(xs), median(ys)
	switch unit {
	case "allocs/op":
		return math.Abs(x-y) > max(0.02*x, 0.5)
	case "B/op", "B/waiting":
		return math.Abs(x-y) > max(0.02*x, 16)
	case "cpu-ns/op":
		apart := quantile(xs, 0.75) < quantile(ys, 0.25) || quantile(ys, 0.75) < quantile(xs, 0.25)
		return len(xs) > 2 && apart && math.Abs(x-y) > 0.1*x
	case "conns", "goroutines-left":
		// The tail's depend on when a fault meets whom.
		return !strings.HasPrefix(bench, "Tail/") && math.Abs(x-y) > 0.5*max(x, y)
	}
	return false
}

// writeChanges lists the figures that the other release changes: what it allocates, and times of our own.
func writeChanges(w io.Writer, releases []*release) {
	if len(releases) < 2 {
		return
	}
	first, other := releases[0], releases[1]
	fmt.Fprintf(w, "## What %s changes\n\n| case | | figure | %s | %s |\n|---|---|---|---:|---:|\n",
		other.name, first.name, other.name)
	some := false
	for _, t := range allTables() {
		for _, name := range t.rows(first.samples) {
			for _, u := range t.columns(1) {
				if changed(first.samples, other.samples, t.bench, name, u) {
					some = true
					fmt.Fprintf(w, "| %s | %s | %s | %s | %s |\n", t.title, name, first.head(0, u),
						first.cell(t.bench, name, u), other.cell(t.bench, name, u))
				}
			}
		}
	}
	if !some {
		fmt.Fprint(w, "| nothing | | | | |\n")
	}
	fmt.Fprintln(w)
}
