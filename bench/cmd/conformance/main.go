// Conformance runs the kit of retrytest and the inputs of conformance.Rows over the field, with both supported releases
// of Go, and writes CONFORMANCE.md. It must be run in the directory of the module bench with the newer release, and
// takes about two minutes:
//
//	GOTOOLCHAIN=$(tail -1 ../.ci/releases) go run ./cmd/conformance
package main

import (
	"bytes"
	"fmt"
	"log"
	"os"
	"runtime"
	"strings"
	"time"

	"github.com/seed-e3550de8/retry/bench/conformance"
)

func main() {
	log.SetFlags(0)
	if err := run(); err != nil {
		log.Fatal("conformance: ", err)
	}
}

func run() error {
	releases, err := supported()
	if err != nil {
		return err
	}
	if newest := releases[len(releases)-1]; runtime.Version() != newest {
		return fmt.Errorf("the newest release is %s, and this is %s: set GOTOOLCHAIN", newest, runtime.Version())
	}
	scratch, err := os.MkdirTemp("", "conformance")
	if err != nil {
		return err
	}
	defer os.RemoveAll(scratch)
	var all []results
	for _, release := range releases {
		r, err := testAll(scratch, release)
		if err != nil {
			return err
		}
		all = append(all, r)
	}
	var page bytes.Buffer
	write(&page, all[len(all)-1], all[:len(all)-1])
	return os.WriteFile("CONFORMANCE.md", page.Bytes(), 0o644)
}

// supported returns the releases of Go that the module supports, the newest last.
func supported() ([]string, error) {
	list, err := os.ReadFile("../.ci/releases")
	if err != nil {
		return nil, err
	}
	releases := strings.Fields(string(list))
	if len(releases) == 0 {
		return nil, fmt.Errorf("no releases in ../.ci/releases")
	}
	return releases, nil
}

// results are what the kit says of the libraries under one release of Go.
type results struct {
	release string
	cards   []card
}

// testAll runs the kit over the field under one release. A library that does not build under it has no card.
func testAll(scratch, release string) (results, error) {
	r := results{release: release}
	main, err := build(scratch, release, "")
	if err != nil {
		return r, err
	}
	for _, s := range conformance.Field() {
		program := main
		if s.Dir != "" {
			if program, err = build(scratch, release, s.Dir); err != nil {
				log.Printf("%s %s: does not build", release, s.Name)
				continue
			}
		}
		start := time.Now()
		c := test(program, s)
		log.Printf("%s %s: %d of %d passed in %v",
			release, s.Name, c.count(pass), len(c.marks)-c.count(notClaimed), time.Since(start).Round(time.Second))
		r.cards = append(r.cards, c)
	}
	return r, nil
}
