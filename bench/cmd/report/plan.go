package main

import (
	"regexp"

	"github.com/seed-e3550de8/retry/bench"
	"github.com/seed-e3550de8/retry/bench/tail"
)

// A part is some benchmarks that are run in the same way.
type part struct {
	name   string
	dir    string // of the package that has them, from this module's; empty is its own
	prefix string // of their names in the report
	bench  string // regular expression for the benchmark's own name
	time   string // of -test.benchtime
	cpus   string // of -test.cpu
	passes int
	alone  bool // each contender in a process of its own, because some leave goroutines or garbage behind
	rows   []string
	short  bool
}

// parts is the whole report. The passes of one part alternate with those of the others, so that a slow minute of the
// machine harms all of them a little and none of them much.
func parts() []part {
	return []part{
		{name: "without a network", bench: "Success(Cancel|Policy)?|Put1KiB|Put1MiB|RetryGet|RetryPut1KiB|RetryTen", time: "60ms", passes: 9},
		{name: "processors", bench: "SuccessParallel|RetryParallel", time: "20ms", cpus: "1,2,4", passes: 5},
		{name: "loopback", bench: "Loopback(Serial|Parallel)(HTTP2)?", time: "60ms", passes: 5},
		{name: "1 GiB", bench: "Stream1GiB", time: "1x", passes: 3},
		{name: "64 MiB", bench: "(Retry)?Put64MiB", time: "1x", passes: 2, alone: true},
		{name: "10,000 waiting", bench: "Waiting(Client)?", time: "1x", passes: 3, alone: true},
		{name: "error page", bench: "ErrorPage|BodyKept", time: "1x", passes: 1, alone: true},
		{name: "10,000 hosts", bench: "Authorities", time: "20000x", passes: 3},
		{name: "dripping page", bench: "Drip", time: "1x", passes: 1},
		{name: "Peek, Do, keys", bench: "Page|Do|Idempotency", time: "60ms", passes: 5},
		{name: "files", bench: "FileUpload(HTTP2)?", time: "200ms", passes: 3},
		{name: "resume", dir: "../resume", prefix: "resume.", bench: "Download", time: "1x", passes: 3},
		{name: "OpenTelemetry", dir: "../otelretry", prefix: "otelretry.", bench: "Success", time: "60ms", passes: 5},
		{name: "fleet", dir: "../fleet", prefix: "fleet.", bench: "Store", time: "60ms", passes: 5},
		{name: "faults", dir: "tail", bench: "Tail", time: "1x", passes: 1, rows: tailRows()},
	}
}

func tailRows() (names []string) {
	for _, r := range tail.Rows() {
		names = append(names, r.Name)
	}
	return names
}

// quickRows are rows of the tail in which nobody waits for long.
var quickRows = []string{"GET-resets", "GET-503", "POST-all", "PUT-all-HTTP2"}

// quick runs everything once, for those who only want to know that it runs.
func quick(ps []part) []part {
	var once []part
	for _, p := range ps {
		p.time, p.cpus, p.passes, p.short = "1x", "", 1, true
		if p.rows != nil {
			p.rows = quickRows
		}
		once = append(once, p)
	}
	return once
}

// patterns returns the values of -test.bench that together are the part.
func (p part) patterns() (all []string) {
	name := "^Benchmark(" + p.bench + ")$"
	for _, row := range p.rows {
		all = append(all, name+"/^"+regexp.QuoteMeta(row)+"$")
	}
	if p.alone {
		for _, c := range bench.Field() {
			all = append(all, name+"/^"+regexp.QuoteMeta(c.Name)+"$")
		}
	}
	if all == nil {
		all = []string{name}
	}
	return all
}
