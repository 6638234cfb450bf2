package main

import (
	"cmp"
	"fmt"
	"maps"
	"os"
	"slices"
	"time"
)

// A clock tells what is being done, and how long each kind of thing took.
type clock struct {
	start, last time.Time
	doing       string
	took        map[string]time.Duration
}

func newClock() *clock {
	now := time.Now()
	return &clock{start: now, last: now, took: map[string]time.Duration{}}
}

// tell overwrites the line that says what is being done.
func (c *clock) tell(what, detail string) {
	c.count()
	c.doing = what
	fmt.Fprintf(os.Stderr, "\r\033[K%s  %s, %s", c.last.Sub(c.start).Round(time.Second), what, detail)
}

func (c *clock) count() {
	now := time.Now()
	if c.doing != "" {
		c.took[c.doing] += now.Sub(c.last)
	}
	c.last = now
}

// stop says where the time went, the longest first.
func (c *clock) stop() {
	c.count()
	fmt.Fprintf(os.Stderr, "\r\033[K%s in all\n", c.last.Sub(c.start).Round(time.Second))
	byTime := func(a, b string) int { return cmp.Compare(c.took[b], c.took[a]) }
	for _, what := range slices.SortedFunc(maps.Keys(c.took), byTime) {
		fmt.Fprintf(os.Stderr, "%6.1f s  %s\n", c.took[what].Seconds(), what)
	}
	c.doing = ""
}
