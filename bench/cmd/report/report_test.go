package main

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

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
	names := tailRows()
	assert.Len(t, names, len(tail.Rows()))
	assert.Subset(t, names, readmeRows)
	assert.Subset(t, names, quickRows)
}
