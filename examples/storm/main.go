// Storm runs the overload simulation of package retry and redraws what docs/overload.md shows of it:
//
//	cd examples/storm && go run .
//
// It runs internal/storm in this process, shows its progress, prints its tables, puts them into the pages under docs,
// and draws the plots there. It takes about three minutes of processor time, half of that on two free cores. If the
// defaults do not show what they have to, it says so and exits with status 1. It lies in a module of its own because of
// the library that draws.
package main

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/seed-e3550de8/retry/internal/storm"
)

func main() {
	docs := flag.String("docs", filepath.Join("..", "..", "docs"), "the folder of the pages and plots")
	flag.Parse()
	report := storm.Run(1, progress(os.Stderr))
	if err := publish(report, *docs, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "storm:", err)
		os.Exit(1)
	}
}

// progress tells of every tenth simulation.
func progress(w io.Writer) func(done, total int, latest string) {
	begin := time.Now()
	return func(done, total int, latest string) {
		if done%10 == 0 || done == total {
			took := time.Since(begin).Seconds()
			fmt.Fprintf(w, "%4d of %d simulations, %3.0f s; latest: %s\n", done, total, took, latest)
		}
	}
}

// publish prints a report and puts it into the pages.
func publish(r *storm.Report, docs string, w io.Writer) error {
	fmt.Fprintf(w, "%s\n%s", r.Short, r.Long)
	for _, f := range r.Figures {
		if err := draw(f, filepath.Join(docs, "img")); err != nil {
			return err
		}
	}
	if err := fill(filepath.Join(docs, "overload.md"), r.Short); err != nil {
		return err
	}
	if err := fill(filepath.Join(docs, "overload-figures.md"), r.Long); err != nil {
		return err
	}
	return unmet(r.Verdict)
}

// unmet is an error if the defaults do not show what they have to.
func unmet(rows []storm.Row) error {
	for _, row := range rows {
		if !row.Met {
			return fmt.Errorf("%s: wanted %s, measured %s", row.What, row.Wanted, row.Measured)
		}
	}
	return nil
}

// The tables stand between these two lines of a page.
const begin, end = "<!-- storm: written by examples/storm -->\n", "<!-- end of storm -->\n"

// fill puts the tables into the page.
func fill(page, tables string) error {
	b, err := os.ReadFile(page)
	if err != nil {
		return err
	}
	head, rest, ok := bytes.Cut(b, []byte(begin))
	_, tail, closed := bytes.Cut(rest, []byte(end))
	if !ok || !closed {
		return fmt.Errorf("%s has no place for the tables", page)
	}
	return os.WriteFile(page, bytes.Join([][]byte{head, []byte(begin), []byte(tables), []byte(end), tail}, nil), 0o644)
}
