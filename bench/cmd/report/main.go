// Report runs the benchmarks of this module and writes RESULTS.md and the charts. It must be run in the module's
// directory and takes about seven minutes:
//
//	go run ./cmd/report
//	go run ./cmd/report -quick   # each benchmark once, to see that it runs; nothing is written
package main

import (
	"bytes"
	"flag"
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/seed-e3550de8/retry/bench"
)

func main() {
	log.SetFlags(0)
	once := flag.Bool("quick", false, "run each benchmark once and write nothing")
	out := flag.String("out", ".", "directory to write to")
	flag.Parse()
	if err := report(*once, *out); err != nil {
		log.Fatal("report: ", err)
	}
}

func report(once bool, out string) error {
	scratch, err := os.MkdirTemp("", "bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(scratch)
	ps := parts
	if once {
		// Everything is written even so, to see that it can be.
		ps, out = quick(parts), scratch
	}
	start := time.Now()
	program, err := build(".", scratch)
	if err != nil {
		return err
	}
	s, err := measure(program, ps)
	if err != nil {
		return err
	}
	f := facts{date: start, took: time.Since(start), command: "go run ./cmd/report", versions: versions()}
	return publish(out, s, f)
}

func publish(out string, s *samples, f facts) error {
	var page bytes.Buffer
	write(&page, s, f)
	for _, c := range charts {
		if err := c.draw(out, s); err != nil {
			return fmt.Errorf("%s: %w", c.file, err)
		}
	}
	return os.WriteFile(filepath.Join(out, "RESULTS.md"), page.Bytes(), 0o644)
}

// versions returns the versions of the modules that are compared, as go.mod has them.
func versions() map[string]string {
	args := []string{"list", "-m", "-f", "{{.Path}} {{.Version}}"}
	for _, c := range bench.Field() {
		if c.Module != "" && c.Module != module {
			args = append(args, c.Module)
		}
	}
	all := map[string]string{module: "this repository"}
	out, err := exec.Command("go", args...).Output()
	if err != nil {
		log.Print("report: no versions: ", err)
	}
	for line := range strings.Lines(string(out)) {
		path, version, _ := strings.Cut(strings.TrimSpace(line), " ")
		all[path] = version
	}
	return all
}
