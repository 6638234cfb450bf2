package main

import (
	"regexp"

	"github.com/seed-e3550de8/retry/bench"
)

// A part is some benchmarks that are run in the same way.
type part struct {
	name   string
	bench  string // regular expression for the benchmark's own name
	time   string // of -test.benchtime
	cpus   string // of -test.cpu
	passes int
	alone  bool // each contender in a process of its own, because some leave goroutines or garbage behind
}

// parts is the whole report. The passes of one part alternate with those of the others, so that a slow minute of the
// machine harms all of them a little and none of them much.
var parts = []part{
	{name: "without a network", bench: "Success(Cancel|Policy)?|Put1KiB|Put1MiB|RetryGet|RetryPut1KiB|RetryTen", time: "60ms", passes: 9},
	{name: "processors", bench: "SuccessParallel|RetryParallel", time: "20ms", cpus: "1,2,4", passes: 5},
	{name: "loopback", bench: "Loopback(Serial|Parallel)(HTTP2)?", time: "60ms", passes: 5},
	{name: "1 GiB", bench: "Stream1GiB", time: "1x", passes: 3},
	{name: "64 MiB", bench: "(Retry)?Put64MiB", time: "1x", passes: 2, alone: true},
	{name: "10,000 waiting", bench: "Waiting(Client)?", time: "1x", passes: 3, alone: true},
	{name: "error page", bench: "ErrorPage|BodyKept", time: "1x", passes: 1, alone: true},
	{name: "10,000 hosts", bench: "Authorities", time: "20000x", passes: 3},
	{name: "dripping page", bench: "Drip", time: "1x", passes: 1},
}

// quick runs everything once, for those who only want to know that it runs.
func quick(ps []part) []part {
	var once []part
	for _, p := range ps {
		p.time, p.cpus, p.passes = "1x", "", 1
		once = append(once, p)
	}
	return once
}

// patterns returns the values of -test.bench that together are the part.
func (p part) patterns() []string {
	if !p.alone {
		return []string{"^Benchmark(" + p.bench + ")$"}
	}
	var all []string
	for _, c := range bench.Field() {
		all = append(all, "^Benchmark("+p.bench+")$/^"+regexp.QuoteMeta(c.Name)+"$")
	}
	return all
}
