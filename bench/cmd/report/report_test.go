package main

import (
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-e3550de8/retry/bench"
	"github.com/seed-e3550de8/retry/bench/tail"
)

func TestTheTableOfTheREADMEIsThatOfTheReport(t *testing.T) {
	readme, err := os.ReadFile("../../../README.md")
	require.NoError(t, err)
	results, err := os.ReadFile("../../RESULTS.md")
	require.NoError(t, err)
	_, rest, found := strings.Cut(string(readme), readmeBegin)
	require.True(t, found)
	block, _, found := strings.Cut(rest, readmeEnd)
	require.True(t, found)
	rows := 0
	for line := range strings.Lines(block) {
		if line != "\n" {
			assert.Contains(t, string(results), "\n"+line)
			rows++
		}
	}
	assert.Equal(t, 2+len(readmeRows), rows, "go run ./cmd/report writes them")
}

func TestFiguresAreReadByBenchmarkAndContender(t *testing.T) {
	s := newSamples()
	s.read([]byte(`cpu: some
BenchmarkTail/GET-503/resty-v2-2  1  5 ns/op  99.50 %well  12.5 p99-ms
BenchmarkSuccess/bare-2  100  18.5 ns/op  0 B/op  0 allocs/op
BenchmarkSuccess/retry
    cases_test.go:70: fails: by itself
--- SKIP: BenchmarkSuccess/retry-2
`), "")
	assert.Equal(t, []float64{99.5}, s.figures[key{"Tail/GET-503", "resty-v2", 2, "%well"}])
	assert.Equal(t, []float64{18.5}, s.figures[key{"Success", "bare", 2, "ns/op"}])
	assert.Equal(t, []string{"bare"}, s.order["Success"])
	assert.Equal(t, "fails: by itself", s.skipped[[2]string{"Success", "retry"}])
	assert.Equal(t, "some", s.cpu)
}

func TestAShareIsNotRoundedUpToAll(t *testing.T) {
	assert.Equal(t, "100 %", share(100))
	assert.Equal(t, "99.9 %", share(99.99))
	assert.Equal(t, "74.7 %", share(74.75))
}

func TestTheRowsOfTheREADMEAndOfAQuickReportExist(t *testing.T) {
	var names []string
	for _, r := range tail.Rows() {
		names = append(names, r.Name)
	}
	assert.Subset(t, names, readmeRows)
	assert.Subset(t, names, quickRows)
}

func TestPartsThatAreDividedHaveEachContenderOnce(t *testing.T) {
	var all, both []string
	for _, c := range bench.Field() {
		all = append(all, c.Name)
	}
	for _, p := range divided(part{name: "some", passes: 9}, 3) {
		both = append(both, p.of...)
	}
	assert.ElementsMatch(t, all, both)
}

func TestAPatternSelectsContendersOfABenchmark(t *testing.T) {
	p := part{bench: "A|B", of: []string{"retry", "retry+unlimited"}}
	assert.Equal(t, []string{`^Benchmark(A|B)$/^(retry|retry\+unlimited)$`}, p.patterns())
	p.alone, p.under = true, "row"
	assert.Equal(t, []string{`^Benchmark(A|B)$/^row$/^retry$`, `^Benchmark(A|B)$/^row$/^retry\+unlimited$`}, p.patterns())
}

func TestTheSecondReleaseHasFewerPasses(t *testing.T) {
	releases := []*release{newRelease("first"), newRelease("second")}
	p := part{passes: otherPasses + 1}
	assert.Len(t, p.releases(releases, 0), 2)
	assert.Len(t, p.releases(releases, otherPasses), 1)
	assert.Empty(t, p.releases(releases, otherPasses+1))
	p.first = true
	assert.Len(t, p.releases(releases, 0), 1)
}

func TestARestatedGoalHasItsFloorAndItsReason(t *testing.T) {
	s := newSamples()
	cpus := runtime.GOMAXPROCS(0)
	s.figures[key{"Waiting", withoutBudget, cpus, "ms-to-leave"}] = []float64{50}
	s.figures[key{"Waiting", "bare", cpus, "ms-to-leave"}] = []float64{10}
	i := slices.IndexFunc(goals, func(g goal) bool { return g.unit == "ms-to-leave" })
	r := goals[i].result(s)
	assert.False(t, r.met)
	assert.Equal(t, 40.0, r.limit)
	assert.Equal(t, "10 ms to leave", r.floorText(s))
	assert.Equal(t, " (not met; the goal was 10 ms)", goals[i].verdict(s))
	for _, g := range goals {
		if g.floor != nil {
			assert.NotNil(t, g.note, g.text)
			assert.NotEmpty(t, g.was, g.text)
		}
	}
}
