// Storm runs the overload simulation of package retry and redraws what docs/overload.md shows of it:
//
//	cd examples/storm && go run .
//
// It takes two and a half minutes of processor time on two cores, and needs the go tool. The simulation itself is a test of package retry, because
// only a test of the package can ask its unexported decide, budget and holds at a time of its choosing; this program runs
// that test, shows its progress, prints its tables and draws its plots. It lies in a module of its own because of the
// library that draws.
package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// A report is what the simulation hands over.
type report struct {
	Tables  []string // in Markdown
	Figures []figure
}

func main() {
	root := flag.String("root", "../..", "the folder of package retry")
	flag.Parse()
	if err := run(*root, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "storm:", err)
		os.Exit(1)
	}
}

func run(root string, w io.Writer) error {
	r, err := simulate(root, w)
	if err != nil {
		return err
	}
	tables := strings.Join(r.Tables, "\n")
	fmt.Fprint(w, "\n", tables)
	for _, f := range r.Figures {
		if err := f.draw(filepath.Join(root, "docs", "img")); err != nil {
			return err
		}
	}
	return fill(filepath.Join(root, "docs", "overload.md"), tables)
}

// simulate runs the whole programme of the package's TestStorm.
func simulate(root string, progress io.Writer) (*report, error) {
	dir, err := os.MkdirTemp("", "storm")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	out := filepath.Join(dir, "storm.json")
	cmd := exec.Command("go", "test", "-count=1", "-run=^TestStorm$", "-v", ".")
	cmd.Dir, cmd.Env = root, append(os.Environ(), "STORM_OUT="+out)
	cmd.Stdout, cmd.Stderr = progress, os.Stderr
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("go test: %w", err)
	}
	b, err := os.ReadFile(out)
	if err != nil {
		return nil, err
	}
	r := new(report)
	return r, json.Unmarshal(b, r)
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
