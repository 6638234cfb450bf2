// Report simulates fleets of short-lived processes and writes what docs/fleet.md shows of it:
//
//	cd fleet && go run ./internal/simulation/report
//
// It takes about ten minutes of processor time.
package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"

	"github.com/seed-e3550de8/retry/fleet/internal/simulation"
)

func main() {
	if err := run(filepath.Join("..", "docs")); err != nil {
		fmt.Fprintln(os.Stderr, "report:", err)
		os.Exit(1)
	}
}

// The tables stand between these two lines of the page.
const begin, end = "<!-- fleet: written by fleet/internal/simulation/report -->\n", "<!-- end of fleet -->\n"

func run(docs string) error {
	page := filepath.Join(docs, "fleet.md")
	b, err := os.ReadFile(page)
	if err != nil {
		return err
	}
	head, rest, ok := bytes.Cut(b, []byte(begin))
	_, tail, closed := bytes.Cut(rest, []byte(end))
	if !ok || !closed {
		return fmt.Errorf("%s has no place for the tables", page)
	}
	tables, plot := simulation.Report(func(s string) { fmt.Fprintln(os.Stderr, s) })
	if err := os.WriteFile(filepath.Join(docs, "img", "fleet.svg"), []byte(simulation.Plot(plot)), 0o644); err != nil {
		return err
	}
	return os.WriteFile(page, bytes.Join([][]byte{head, []byte(begin), []byte(tables), []byte(end), tail}, nil), 0o644)
}
