package main

import (
	"cmp"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/seed-e3550de8/retry/bench/conformance"
)

// A card is what the kit says of a library.
type card struct {
	conformance.Subject
	version string
	names   []string // of the subtests, in order
	marks   map[string]string
	reasons map[string]string // why a subtest failed or was skipped
}

const (
	pass       = "pass"
	fail       = "**FAIL**"
	notClaimed = "not claimed"
	died       = "**died**"
)

// build makes the program that runs the kit over the libraries of this module or, if dir is not empty, of that one.
func build(scratch, release, dir string) (program string, err error) {
	program = filepath.Join(scratch, release+dir+".test")
	of := "./conformance"
	if dir != "" {
		of = "."
	}
	cmd := exec.Command("go", "test", "-c", "-o", program, of)
	cmd.Dir, cmd.Env, cmd.Stderr = dir, append(os.Environ(), "GOTOOLCHAIN="+release), os.Stderr
	return program, cmd.Run()
}

// test runs the kit over one library in a process of its own, so that a panic, or a request that hangs, ends nothing
// else. A subtest that such a process did not get to is run again in one that is all its own.
func test(program string, s conformance.Subject) card {
	c := card{Subject: s, version: version(s), marks: map[string]string{}, reasons: map[string]string{}}
	c.read(kit(program, s.Name, ""))
	for _, name := range c.names {
		if c.marks[name] != "" {
			continue
		}
		c.read(kit(program, s.Name, name))
		if c.marks[name] == "" {
			c.marks[name] = died
		}
	}
	return c
}

// kit returns what the test prints. That it fails is nothing special.
func kit(program, library, subtest string) string {
	pattern := "^TestConformance$"
	for _, part := range append(strings.Split(library, "/"), strings.Fields(subtest)...) {
		pattern += "/^" + regexp.QuoteMeta(part) + "$"
	}
	out, _ := exec.Command(program, "-others", "-test.v", "-test.timeout=3m", "-test.run="+pattern).CombinedOutput()
	return string(out)
}

var (
	started  = regexp.MustCompile(`^=== (?:RUN|NAME|CONT) +TestConformance/.*/([A-Z][^/]+)$`)
	ended    = regexp.MustCompile(`^ +--- (PASS|FAIL|SKIP): TestConformance/.*/([A-Z][^/ ]+) `)
	happened = regexp.MustCompile(`Promised: .* Happened: (.*?) Why it matters: `)
	skipped  = regexp.MustCompile(`: not claimed: (.*)$`)
)

func (c *card) read(out string) {
	current := ""
	for line := range strings.Lines(out) {
		line = strings.TrimRight(line, "\n")
		if m := started.FindStringSubmatch(line); m != nil {
			current = m[1]
			c.add(current)
		}
		for _, reason := range []*regexp.Regexp{happened, skipped} {
			if m := reason.FindStringSubmatch(line); m != nil {
				c.reasons[current] = m[1]
			}
		}
		if m := ended.FindStringSubmatch(line); m != nil {
			c.marks[m[2]] = map[string]string{"PASS": pass, "FAIL": fail, "SKIP": notClaimed}[m[1]]
		}
	}
}

func (c *card) add(name string) {
	if _, known := c.marks[name]; !known {
		c.names, c.marks[name] = append(c.names, name), ""
	}
}

func (c card) count(mark string) int {
	n := 0
	for _, m := range c.marks {
		if m == mark {
			n++
		}
	}
	return n
}

// version returns the version of a module, as go.mod has it.
func version(s conformance.Subject) string {
	if s.Module == "" {
		return "of Go"
	}
	list := exec.Command("go", "-C", cmp.Or(s.Dir, "."), "list", "-m", "-f", "{{.Version}}", s.Module)
	out, err := list.Output()
	if err != nil {
		log.Print("no version of ", s.Module, ": ", err)
	}
	if v := strings.TrimSpace(string(out)); !strings.HasPrefix(v, "v0.0.0") {
		return v
	}
	return "this repository"
}
