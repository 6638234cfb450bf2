package main

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
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
func measure(releases []*release, ps []part, scratch string) error {
	start, passes := time.Now(), 0
	for _, p := range ps {
		passes = max(passes, p.passes)
		for _, r := range releases {
			progress(start, r.name+": building "+p.name)
			if err := r.build(p.dir, scratch); err != nil {
				return err
			}
		}
	}
	for pass := range passes {
		for _, p := range ps {
			if pass >= p.passes {
				continue
			}
			for _, r := range releases {
				err := r.run(p, func(what string) {
					progress(start, fmt.Sprintf("%s: pass %d of %d: %s", r.name, pass+1, passes, what))
				})
				if err != nil {
					return err
				}
			}
		}
	}
	progress(start, fmt.Sprintf("%d passes\n", passes))
	return nil
}

// progress overwrites the line that tells what is being done.
func progress(start time.Time, what string) {
	fmt.Fprintf(os.Stderr, "\r\033[K%s  %s", time.Since(start).Round(time.Second), what)
}

func (r *release) run(p part, tell func(string)) error {
	patterns := p.patterns()
	for i, pattern := range patterns {
		tell(fmt.Sprintf("%s, %d of %d", p.name, i+1, len(patterns)))
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
			return fmt.Errorf("%s: %w\n%s", pattern, err, end(out, 2000))
		}
		r.read(out, p.prefix)
	}
	return nil
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
