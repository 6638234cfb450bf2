// Report runs the benchmarks of this module and of others beside it, with each release of Go, and writes RESULTS.md,
// the charts, and a table into the README above. It must be run in the module's directory, takes about ten minutes, and
// says in the end what took how long:
//
//	go run ./cmd/report
//	go run ./cmd/report -second ''   # only the release that runs it
//	go run ./cmd/report -quick       # each benchmark once, to see that it runs; nothing is written
package main

import (
	"bytes"
	"flag"
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/seed-e3550de8/retry/bench"
)

func main() {
	log.SetFlags(0)
	once := flag.Bool("quick", false, "run each benchmark once, with the release that runs this, and write nothing")
	second := flag.String("second", "go1.27.4", "the other release of Go, as GOTOOLCHAIN has it; empty for none")
	out := flag.String("out", ".", "directory to write to")
	flag.Parse()
	if err := report(*once, *second, *out); err != nil {
		log.Fatal("report: ", err)
	}
}

func report(once bool, second, out string) error {
	scratch, err := os.MkdirTemp("", "bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(scratch)
	ps, imports, readme := parts(), programs, filepath.Join("..", "README.md")
	if once {
		// Everything is written even so, to see that it can be.
		ps, imports, second, out = quick(ps), programs[:3], "", scratch
		if readme, err = copyInto(scratch, readme); err != nil {
			return err
		}
	}
	clock := newClock()
	releases := []*release{newRelease(runtime.Version())}
	if second != "" && second != runtime.Version() {
		releases = append(releases, newRelease(second))
	}
	for _, r := range releases {
		clock.tell("what an import costs", r.name)
		if err := r.buildPrograms(imports, scratch); err != nil {
			return err
		}
	}
	if err := measure(releases, ps, scratch, clock); err != nil {
		return err
	}
	f := facts{date: clock.start, took: time.Since(clock.start), command: "go run ./cmd/report", versions: versions()}
	return publish(out, readme, releases, f)
}

func publish(out, readme string, releases []*release, f facts) error {
	var page bytes.Buffer
	write(&page, releases, f)
	for _, c := range charts {
		if err := c.draw(out, releases[0].samples); err != nil {
			return fmt.Errorf("%s: %w", c.file, err)
		}
	}
	if err := writeREADME(readme, releases[0].samples); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(out, "RESULTS.md"), page.Bytes(), 0o644)
}

func copyInto(dir, file string) (string, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	to := filepath.Join(dir, filepath.Base(file))
	return to, os.WriteFile(to, text, 0o644)
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
