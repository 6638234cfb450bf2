package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// A key names one measured figure.
type key struct {
	bench     string // without "Benchmark"
	contender string
	cpus      int
	unit      string
}

// samples holds every figure once for each pass, in their order.
type samples struct {
	figures map[key][]float64
	skipped map[[2]string]string // bench and contender to the reason
	order   map[string][]string  // bench to its contenders
	cpu     string               // model
}

func newSamples() *samples {
	return &samples{figures: map[key][]float64{}, skipped: map[[2]string]string{}, order: map[string][]string{}}
}

// A release is one of Go, and what was measured with it.
type release struct {
	*samples
	name     string            // as GOTOOLCHAIN has it
	programs map[string]string // the benchmarks of a package, by its directory
	imported map[string]imported
}

func newRelease(name string) *release {
	return &release{samples: newSamples(), name: name, programs: map[string]string{}, imported: map[string]imported{}}
}

// build compiles the benchmarks of the package in dir.
func (r *release) build(dir, into string) error {
	if r.programs[dir] != "" {
		return nil
	}
	program := filepath.Join(into, fmt.Sprintf("%s-%d.test", r.name, len(r.programs)))
	cmd := exec.Command("go", "test", "-c", "-o", program, ".")
	cmd.Dir, cmd.Stderr, cmd.Env = dir, os.Stderr, r.environment()
	r.programs[dir] = program
	return cmd.Run()
}

func (r *release) environment() []string { return append(os.Environ(), "GOTOOLCHAIN="+r.name) }

// measure runs all parts with each release, whose passes alternate, and collects what they print.
func measure(releases []*release, ps []part, scratch string, clock *clock) error {
	passes := 0
	for _, p := range ps {
		passes = max(passes, p.passes)
		for _, r := range releases {
			clock.tell("building", r.name+": "+p.name)
			if err := r.build(p.dir, scratch); err != nil {
				return err
			}
		}
	}
	for pass := range passes {
		for _, p := range ps {
			clock.tell(p.name, fmt.Sprintf("pass %d of %d", pass+1, passes))
			if err := p.run(p.releases(releases, pass)); err != nil {
				return err
			}
		}
	}
	clock.stop()
	return nil
}

// releases returns those that the part has a pass of, which counts from 0.
func (p part) releases(all []*release, pass int) []*release {
	switch {
	case pass >= p.passes:
		return nil
	case p.first || pass >= otherPasses:
		return all[:1]
	}
	return all
}

// run makes one pass with some releases.
func (p part) run(releases []*release) error {
	patterns := p.patterns()
	outs, errs := make([][]byte, len(patterns)*len(releases)), make([]error, len(patterns)*len(releases))
	free := make(chan struct{}, max(p.together, 1))
	var running sync.WaitGroup
	for i := range outs {
		free <- struct{}{}
		running.Go(func() {
			outs[i], errs[i] = releases[i%len(releases)].output(p, patterns[i/len(releases)])
			<-free
		})
	}
	running.Wait()
	for i, out := range outs {
		releases[i%len(releases)].read(out, p.prefix)
	}
	return errors.Join(errs...)
}

// output is what a process prints that runs the benchmarks of a pattern.
func (r *release) output(p part, pattern string) ([]byte, error) {
	args := []string{"-test.run=^$", "-test.v", "-test.benchmem", "-test.bench=" + pattern, "-test.benchtime=" + p.time}
	if p.cpus != "" {
		args = append(args, "-test.cpu="+p.cpus)
	}
	if p.short {
		args = append(args, "-test.short")
	}
	cmd := exec.Command(r.programs[p.dir], args...)
	cmd.Dir = p.dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("%s: %s: %w\n%s", r.name, pattern, err, end(out, 2000))
	}
	return out, nil
}

// end returns the last n bytes of b.
func end(b []byte, n int) []byte { return b[max(len(b)-n, 0):] }

// read takes in the output of a benchmark. The reason of a skipped one stands in the line before the one that names it.
func (s *samples) read(out []byte, prefix string) {
	var last string
	for lines := bufio.NewScanner(bytes.NewReader(out)); lines.Scan(); {
		line := lines.Text()
		switch fields := strings.Fields(line); {
		case strings.HasPrefix(line, "cpu: "):
			s.cpu = strings.TrimPrefix(line, "cpu: ")
		case strings.HasPrefix(line, "--- SKIP: Benchmark"):
			name, contender := split(fields[2])
			_, reason, _ := strings.Cut(last, ": ")
			s.skipped[[2]string{prefix + name, withoutCPUs(contender)}] = reason
		case strings.HasPrefix(line, "Benchmark") && len(fields) > 3:
			s.readFigures(fields, prefix)
		}
		last = strings.TrimSpace(line)
	}
}

// readFigures takes in the fields of a line such as "BenchmarkSuccess/bare-2  1000  18.5 ns/op  0 B/op".
func (s *samples) readFigures(fields []string, prefix string) {
	name, contender := split(fields[0])
	k := key{bench: prefix + name, contender: withoutCPUs(contender), cpus: 1}
	if k.contender != contender {
		k.cpus, _ = strconv.Atoi(contender[len(k.contender)+1:])
	}
	if all := s.order[k.bench]; !slices.Contains(all, k.contender) {
		s.order[k.bench] = append(all, k.contender)
	}
	for i := 2; i+1 < len(fields); i += 2 {
		value, err := strconv.ParseFloat(fields[i], 64)
		if err != nil {
			return
		}
		k.unit = fields[i+1]
		s.figures[k] = append(s.figures[k], value)
	}
}

// split takes the name of a benchmark apart: the contender is what stands after the last slash.
func split(name string) (bench, contender string) {
	name = strings.TrimPrefix(name, "Benchmark")
	i := strings.LastIndexByte(name, '/')
	if i < 0 {
		return name, ""
	}
	return name[:i], name[i+1:]
}

// withoutCPUs removes the number of processors that a benchmark's name ends in, unless it is 1.
func withoutCPUs(name string) string {
	i := strings.LastIndexByte(name, '-')
	if i < 0 {
		return name
	}
	if _, err := strconv.Atoi(name[i+1:]); err != nil {
		return name
	}
	return name[:i]
}
