package main

import (
	"regexp"
	"slices"
	"strings"

	"github.com/seed-e3550de8/retry/bench"
	"github.com/seed-e3550de8/retry/bench/tail"
)

// A part is some benchmarks that are run in the same way.
type part struct {
	name     string
	dir      string // of the package that has them, from this module's; empty is its own
	prefix   string // of their names in the report
	bench    string // regular expression for the benchmark's own name
	under    string // the same for what stands between it and the contender, slashes included; empty is nothing
	time     string // of -test.benchtime
	cpus     string // of -test.cpu
	passes   int
	of       []string // contenders; nil is all
	alone    bool     // each contender in a process of its own, because some leave goroutines or garbage behind
	together int      // how many processes run at once; 0 is one
	first    bool     // only with the first release
	short    bool
}

// otherPasses are all that the second release has: enough for a median, and to see whether a figure is another one.
const otherPasses = 3

// swift are the contenders that take nanoseconds, and those that the goals are about.
var swift = []string{"bare", "pass-through", "hand-written", withBudget, withoutBudget, "rehttp"}

// parts is the whole report. The passes of one part alternate with those of the others, so that a slow minute of the
// machine harms all of them a little and none of them much.
func parts() []part {
	all := slices.Concat(
		divided(part{name: "without a network", bench: "Success(Cancel|Policy)?|Put1KiB|Put1MiB|RetryGet|RetryPut1KiB|RetryTen", time: "30ms", passes: 9}, 3),
		divided(part{name: "processors", bench: "SuccessParallel|RetryParallel", time: "10ms", cpus: "1,2,4", passes: 3}, 1),
		divided(part{name: "loopback", bench: "Loopback(Serial|Parallel)(HTTP2)?", time: "40ms", passes: 5}, 2),
		divided(part{name: "1 GiB", bench: "Stream1GiB", time: "1x", passes: 2}, 1),
		divided(part{name: "64 MiB", bench: "(Retry)?Put64MiB", time: "1x", passes: 2, alone: true}, 1),
		waiting(part{name: "10,000 waiting", bench: "Waiting(Client)?", time: "1x", passes: 3, alone: true}),
		divided(part{name: "10,000 hosts", bench: "Authorities", time: "20000x", passes: 3}, 1),
	)
	all = append(all,
		part{name: "floors", bench: "Floor", time: "30ms", passes: 9},
		part{name: "error page", bench: "ErrorPage|BodyKept", time: "1x", passes: 1, alone: true},
		part{name: "dripping page", bench: "Drip", time: "1x", passes: 1, alone: true, together: 4},
		part{name: "Peek, Do, keys", bench: "Page|Do|Idempotency", time: "60ms", passes: 5},
		part{name: "files", bench: "FileUpload(HTTP2)?", time: "200ms", passes: 3},
		part{name: "contention", bench: "Contention", under: "(stub|counter)/", time: "1000000x", cpus: contended, passes: 5, first: true},
		part{name: "contention over loopback", bench: "Contention", under: "loopback/", time: "3000x", cpus: contended, passes: 3, first: true},
		part{name: "resume", dir: "../resume", prefix: "resume.", bench: "Download", time: "1x", passes: 3},
		part{name: "OpenTelemetry", dir: "../otelretry", prefix: "otelretry.", bench: "Success", time: "60ms", passes: 3},
		part{name: "fleet", dir: "../fleet", prefix: "fleet.", bench: "Store", time: "60ms", passes: 3},
	)
	for _, r := range tail.Rows() {
		all = append(all, faults(r))
	}
	return all
}

// divided gives the contenders that take microseconds fewer passes: what they spread by is little of what they take.
func divided(p part, passes int) []part {
	others := p
	p.of = swift
	others.name, others.passes = p.name+", the others", passes
	for _, c := range bench.Field() {
		if !slices.Contains(swift, c.Name) {
			others.of = append(others.of, c.Name)
		}
	}
	return []part{p, others}
}

// waiting is divided, and measures the others, which take a second each, with one release.
func waiting(p part) []part {
	both := divided(p, 1)
	both[1].first = true
	return both
}

// faults is a row of the tail. The second release has those of all faults at once, and what its HTTP/2 changes.
//
// A row is mostly waiting: sent alone, 2,000 requests a second keep two processors busy for a quarter of the time, and
// the other rows for a tenth of it to a sixth. So of these two libraries are measured at once, each in a process of its
// own, with a server of its own. With four, a restart's p99 is no longer what it is alone.
func faults(r tail.Row) part {
	p := part{name: "faults, " + r.Name, dir: "tail", bench: "Tail", under: r.Name, time: "1x", passes: 1, alone: true}
	p.first = !r.HTTP2 && r.Name != "GET-all" && r.Name != "PUT-all"
	if r.Rate < 2000 {
		p.together = 2
	}
	for _, c := range tail.Field() {
		p.of = append(p.of, c.Name)
	}
	return p
}

// quickRows are rows of the tail in which nobody waits for long.
var quickRows = []string{"GET-resets", "GET-503", "POST-all", "PUT-all-HTTP2"}

// quick runs everything once, for those who only want to know that it runs.
func quick(ps []part) []part {
	var once []part
	for _, p := range ps {
		if p.dir == "tail" && !slices.Contains(quickRows, p.under) {
			continue
		}
		p.time, p.cpus, p.passes, p.short = "1x", "", 1, true
		once = append(once, p)
	}
	return once
}

// patterns returns the values of -test.bench that together are the part.
func (p part) patterns() (all []string) {
	name := "^Benchmark(" + p.bench + ")$"
	for _, level := range strings.FieldsFunc(p.under, func(r rune) bool { return r == '/' }) {
		name += "/^" + level + "$"
	}
	of := p.of
	if of == nil && p.alone {
		for _, c := range bench.Field() {
			of = append(of, c.Name)
		}
	}
	var quoted []string
	for _, c := range of {
		quoted = append(quoted, regexp.QuoteMeta(c))
	}
	switch {
	case p.alone:
		for _, c := range quoted {
			all = append(all, name+"/^"+c+"$")
		}
		return all
	case of != nil:
		name += "/^(" + strings.Join(quoted, "|") + ")$"
	}
	return []string{name}
}
