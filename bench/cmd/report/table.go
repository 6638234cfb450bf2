package main

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"github.com/seed-e3550de8/retry/bench"
)

// writeTable writes the figures of all releases side by side.
func writeTable(w io.Writer, releases []*release, t table) {
	releases = slices.DeleteFunc(slices.Clone(releases), func(r *release) bool { return len(r.order[t.bench]) == 0 })
	if len(releases) == 0 {
		return
	}
	rows := t.rows(releases[0].samples)
	if len(rows) == 0 {
		return
	}
	heads, rule := "", ""
	for i, r := range releases {
		for _, u := range t.columns(i) {
			heads, rule = heads+" "+r.head(i, u)+" |", rule+"---:|"
		}
	}
	fmt.Fprintf(w, "## %s\n\n| |%s\n|---|%s\n", t.title, heads, rule)
	for _, name := range rows {
		fmt.Fprintf(w, "| %s |%s\n", strings.ReplaceAll(name, "_", " "), t.cells(releases, name))
	}
	fmt.Fprintln(w)
}

// rows are the contenders that have a figure or a reason to have none: those of the field in its order, then others.
func (t table) rows(s *samples) (rows []string) {
	for _, c := range bench.Field() {
		_, skipped := s.skipped[[2]string{t.bench, c.Name}]
		if skipped && c.Module != "" || len(s.of(t.bench, c.Name, t.units[0])) > 0 {
			rows = append(rows, c.Name)
		}
	}
	for _, name := range s.order[t.bench] {
		if !slices.Contains(rows, name) && len(s.of(t.bench, name, t.units[0])) > 0 {
			rows = append(rows, name)
		}
	}
	return rows
}

// The columns that stand beside the times of the first release.
const (
	spreadColumn = "±"
	bareColumn   = "× bare"
)

// columns are the units of a release, which counts from 0.
func (t table) columns(release int) []string {
	if release > 0 {
		if t.other != nil {
			return t.other
		}
		return t.units
	}
	if t.units[0] == "cpu-ns/op" {
		return slices.Insert(slices.Clone(t.units), 1, spreadColumn, bareColumn)
	}
	return t.units
}

func (r *release) head(i int, unit string) string {
	name := unit
	if known, ok := unitNames[unit]; ok {
		name = known
	}
	if i > 0 {
		return r.name + ": " + name
	}
	return name
}

func (t table) cells(releases []*release, name string) string {
	first := releases[0].samples
	if reason, ok := first.skipped[[2]string{t.bench, name}]; ok {
		n := 0
		for i := range releases {
			n += len(t.columns(i))
		}
		return " " + reason + " |" + strings.Repeat(" |", n-1)
	}
	var b strings.Builder
	for i, r := range releases {
		for _, u := range t.columns(i) {
			text := r.cell(t.bench, name, u)
			if i > 0 && changed(first, r.samples, t.bench, name, u) {
				text = "**" + text + "**"
			}
			fmt.Fprintf(&b, " %s |", text)
		}
	}
	return b.String()
}

func (s *samples) cell(bench, name, unit string) string {
	switch unit {
	case spreadColumn:
		return fmt.Sprintf("%.0f %%", 100*spread(s.of(bench, name, "cpu-ns/op")))
	case bareColumn:
		return number(median(s.toBare(bench, name, "cpu-ns/op")))
	}
	m := median(s.of(bench, name, unit))
	switch unit {
	case "%well":
		return strings.TrimSuffix(share(m), " %")
	case "p50-ms", "p99-ms", "p99.9-ms":
		if math.IsNaN(m) {
			return "never"
		}
	}
	return number(m)
}
