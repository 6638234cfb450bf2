// Conformance runs the kit of retrytest and the inputs of conformance.Rows over the field and writes CONFORMANCE.md. It
// must be run in the directory of the module bench, and takes about a minute:
//
//	go run ./cmd/conformance
package main

import (
	"bytes"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/seed-e3550de8/retry/bench/conformance"
)

func main() {
	log.SetFlags(0)
	if err := run(); err != nil {
		log.Fatal("conformance: ", err)
	}
}

func run() error {
	scratch, err := os.MkdirTemp("", "conformance")
	if err != nil {
		return err
	}
	defer os.RemoveAll(scratch)
	program := filepath.Join(scratch, "conformance.test")
	build := exec.Command("go", "test", "-c", "-o", program, "./conformance")
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		return err
	}
	var cards []card
	for _, s := range conformance.Field() {
		log.Print(s.Name)
		cards = append(cards, test(program, s))
	}
	var page bytes.Buffer
	write(&page, cards)
	return os.WriteFile("CONFORMANCE.md", page.Bytes(), 0o644)
}

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

// test runs the kit over one library in a process of its own, so that a panic, or a request that hangs, ends nothing
// else. A subtest that such a process did not get to is run again in one that is all its own.
func test(program string, s conformance.Subject) card {
	c := card{Subject: s, version: version(s.Module), marks: map[string]string{}, reasons: map[string]string{}}
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
	pattern := "^TestConformance$/^" + regexp.QuoteMeta(strings.ReplaceAll(library, " ", "_")) + "$"
	if subtest != "" {
		pattern += "/^" + subtest + "$"
	}
	out, _ := exec.Command(program, "-others", "-test.v", "-test.timeout=3m", "-test.run="+pattern).CombinedOutput()
	return string(out)
}

var (
	started  = regexp.MustCompile(`^=== (?:RUN|NAME|CONT) +TestConformance/[^/]+/([^/]+)$`)
	ended    = regexp.MustCompile(`^ +--- (PASS|FAIL|SKIP): TestConformance/[^/]+/([^/ ]+) `)
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

// version returns the version of a module, as go.mod has it.
func version(module string) string {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Version}}", module).Output()
	if err != nil {
		log.Print("no version of ", module, ": ", err)
	}
	if v := strings.TrimSpace(string(out)); !strings.HasPrefix(v, "v0.0.0") {
		return v
	}
	return "this repository"
}
