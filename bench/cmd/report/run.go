package main

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
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
	cpu     string               // model
}

func newSamples() *samples {
	return &samples{figures: map[key][]float64{}, skipped: map[[2]string]string{}}
}

// build compiles the benchmarks of the module in dir and returns the program.
func build(dir, into string) (string, error) {
	program := filepath.Join(into, "bench.test")
	cmd := exec.Command("go", "test", "-c", "-o", program, ".")
	cmd.Dir, cmd.Stderr = dir, os.Stderr
	return program, cmd.Run()
}

// measure runs all parts and collects what they print.
func measure(program string, ps []part) (*samples, error) {
	s, start := newSamples(), time.Now()
	passes := 0
	for _, p := range ps {
		passes = max(passes, p.passes)
	}
	for pass := range passes {
		for _, p := range ps {
			if pass >= p.passes {
				continue
			}
			fmt.Fprintf(os.Stderr, "\r\033[K%s  pass %d of %d: %s", time.Since(start).Round(time.Second), pass+1, passes, p.name)
			if err := s.run(program, p); err != nil {
				return nil, err
			}
		}
	}
	fmt.Fprintf(os.Stderr, "\r\033[K%s  %d passes\n", time.Since(start).Round(time.Second), passes)
	return s, nil
}

func (s *samples) run(program string, p part) error {
	for _, pattern := range p.patterns() {
		args := []string{"-test.run=^$", "-test.v", "-test.benchmem", "-test.bench=" + pattern, "-test.benchtime=" + p.time}
		if p.cpus != "" {
			args = append(args, "-test.cpu="+p.cpus)
		}
		out, err := exec.Command(program, args...).CombinedOutput()
		if err != nil {
			return fmt.Errorf("%s: %w\n%s", pattern, err, tail(out, 2000))
		}
		s.read(out)
	}
	return nil
}

// tail returns the last n bytes of b.
func tail(b []byte, n int) []byte { return b[max(len(b)-n, 0):] }

// read takes in the output of a benchmark. The reason of a skipped one stands in the line before the one that names it.
func (s *samples) read(out []byte) {
	var last string
	for lines := bufio.NewScanner(bytes.NewReader(out)); lines.Scan(); {
		line := lines.Text()
		switch fields := strings.Fields(line); {
		case strings.HasPrefix(line, "cpu: "):
			s.cpu = strings.TrimPrefix(line, "cpu: ")
		case strings.HasPrefix(line, "--- SKIP: Benchmark"):
			name, contender, _ := strings.Cut(strings.TrimPrefix(fields[2], "Benchmark"), "/")
			_, reason, _ := strings.Cut(last, ": ")
			s.skipped[[2]string{name, withoutCPUs(contender)}] = reason
		case strings.HasPrefix(line, "Benchmark") && len(fields) > 3:
			s.readFigures(fields)
		}
		last = strings.TrimSpace(line)
	}
}

// readFigures takes in the fields of a line such as "BenchmarkSuccess/bare-2  1000  18.5 ns/op  0 B/op".
func (s *samples) readFigures(fields []string) {
	name, contender, _ := strings.Cut(strings.TrimPrefix(fields[0], "Benchmark"), "/")
	k := key{bench: name, contender: withoutCPUs(contender), cpus: 1}
	if k.contender != contender {
		k.cpus, _ = strconv.Atoi(contender[len(k.contender)+1:])
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
