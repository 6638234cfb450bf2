package main

import (
	"cmp"
	"fmt"
	"math"
	"strings"

	"github.com/seed-e3550de8/retry/bench"
)

const (
	withBudget    = "retry"
	withoutBudget = "retry+unlimited"
	module        = "github.com/seed-e3550de8/retry"
)

// A goal is a figure of ours that must not exceed a limit.
type goal struct {
	text      string
	bench     string
	contender string
	unit      string
	over      bool    // the figure is what we take more than the bare base
	ratio     bool    // the figure is what we take as a multiple of the bare base; the limit is 1 and the noise
	than      string  // the contender that takes the place of the bare base in a ratio
	limit     float64 // of the figure
	least     bool    // the limit is one from below

	note func(*samples) string // why the limit is exceeded, if it is

	// A goal that turned out to be below what anybody needs is restated as a multiple of that, which is measured too.
	// Its note stands in the report whether it is met or not.
	floor func(*samples) float64
	times float64
	was   string
}

var goals = []goal{
	{text: "success, no budget: at most 10 ns over the stub", bench: "Success", contender: withoutBudget, unit: "cpu-ns/op", over: true, limit: 10, note: whySuccess},
	{text: "success, with the budget: at most 15 ns over the stub", bench: "Success", contender: withBudget, unit: "cpu-ns/op", over: true, limit: 15, note: whySuccess},
	{text: "success: no allocation", bench: "Success", contender: withBudget, unit: "allocs/op"},
	{text: "success, cancelable context: at most 15 ns over the stub", bench: "SuccessCancel", contender: withBudget, unit: "cpu-ns/op", over: true, limit: 15, note: whySuccess},
	{text: "success, cancelable context: no allocation", bench: "SuccessCancel", contender: withBudget, unit: "allocs/op"},
	{text: "PUT of 1 KiB, success: at most 15 ns over the stub", bench: "Put1KiB", contender: withBudget, unit: "cpu-ns/op", over: true, limit: 15, note: whySuccess},
	{text: "PUT of 1 KiB, success: no allocation", bench: "Put1KiB", contender: withBudget, unit: "allocs/op"},
	{text: "PUT of 1 MiB, success: the stub's time", bench: "Put1MiB", contender: withBudget, unit: "cpu-ns/op", ratio: true},
	{text: "PUT of 1 MiB, success: no memory", bench: "Put1MiB", contender: withBudget, unit: "B/op"},
	{text: "503, then 200, no budget: at most 2.5 times the floor", bench: "RetryGet", contender: withoutBudget, unit: "cpu-ns/op", floor: retryFloor, times: 2.5, was: "200 ns", note: whyRetry},
	{text: "503, then 200, with the budget: at most 2.5 times the floor", bench: "RetryGet", contender: withBudget, unit: "cpu-ns/op", floor: retryFloor, times: 2.5, was: "200 ns", note: whyRetry},
	{text: "503, then 200: at most 2 allocations", bench: "RetryGet", contender: withBudget, unit: "allocs/op", limit: 2},
	{text: "PUT of 1 KiB, 503, then 200: at most 4 allocations besides the 2 of GetBody", bench: "RetryPut1KiB", contender: withBudget, unit: "allocs/op", limit: 6},
	{text: "PUT of 64 MiB, 503, then 200: the heap grows by at most 1 MiB", bench: "RetryPut64MiB", contender: withBudget, unit: "peak-MiB", limit: 1},
	{text: "200 requests that meet a 503 with a page of 64 KiB: one connection", bench: "ErrorPage", contender: withBudget, unit: "conns", limit: 1},
	{text: "error page that drips for 2 s: the retry starts within 20 ms", bench: "Drip", contender: withBudget, unit: "ms-to-retry", limit: 20},
	{text: "10,000 waiting: at most 1.05 times what the hand-written loop holds behind an http.Client", bench: "Waiting", contender: withoutBudget, unit: "B/waiting", floor: waitingFloor, times: 1.05, was: "3,100 B", note: whyWaiting},
	{text: "10,000 waiting, ours behind an http.Client too: the same", bench: "WaitingClient", contender: withoutBudget, unit: "B/waiting", floor: waitingFloor, times: 1.05, was: "3,100 B", note: whyWaiting},
	{text: "10,000 waiting: one goroutine each", bench: "Waiting", contender: withoutBudget, unit: "goroutines/waiting", limit: 1},
	{text: "10,000 waiting: after the cancel, the last is out within 4 times the floor", bench: "Waiting", contender: withoutBudget, unit: "ms-to-leave", floor: leavingFloor, times: 4, was: "10 ms", note: whyLeaving},
	{text: "loopback, HTTP/1, serial: the bare transport's time", bench: "LoopbackSerial", contender: withBudget, unit: "cpu-ns/op", ratio: true},
	{text: "loopback, HTTP/1, parallel: the bare transport's time", bench: "LoopbackParallel", contender: withBudget, unit: "cpu-ns/op", ratio: true},
	{text: "loopback, HTTP/2, serial: the bare transport's time", bench: "LoopbackSerialHTTP2", contender: withBudget, unit: "cpu-ns/op", ratio: true},
	{text: "loopback, HTTP/2, parallel: the bare transport's time", bench: "LoopbackParallelHTTP2", contender: withBudget, unit: "cpu-ns/op", ratio: true},
	{text: "loopback, in parallel, one server: the budget costs nothing", bench: "Contention/loopback/1", contender: withBudget, unit: "cpu-ns/op", ratio: true, than: withoutBudget},
	{text: "loopback, in parallel, 1,000 servers: the budget costs nothing", bench: "Contention/loopback/1000", contender: withBudget, unit: "cpu-ns/op", ratio: true, than: withoutBudget},
	{text: "response of 1 GiB: the bare transport's time", bench: "Stream1GiB", contender: withBudget, unit: "cpu-ns/op", ratio: true},
	{text: "the response body is the base's own object", bench: "BodyKept", contender: withBudget, unit: "kept", limit: 1, least: true},
}

// A result is a goal with the figures.
type result struct {
	goal
	figure         []float64
	toBare         float64 // NaN if the bare base has no such figure
	rival          string  // the best one
	toRival        float64
	limit          float64
	met, available bool
}

func (g goal) result(s *samples) result {
	r := result{goal: g, figure: s.of(g.bench, g.contender, g.unit), limit: g.limit}
	r.available = len(r.figure) > 0
	r.toBare = median(s.toBare(g.bench, g.contender, g.unit))
	r.rival, r.toRival = s.bestRival(g)
	switch {
	case g.over:
		r.figure = s.overBare(g.bench, g.contender)
	case g.ratio:
		r.figure, r.limit = s.toOther(g.bench, g.contender, cmp.Or(g.than, "bare"), g.unit), 1+s.noise(g.bench)
	case g.floor != nil:
		r.limit = g.times * g.floor(s)
	}
	r.met = r.available && median(r.figure) <= r.limit
	if g.least {
		r.met = r.available && median(r.figure) >= r.limit
	}
	return r
}

// noise is by how much the pass-through, which costs a nanosecond, seems to differ from the bare base; at least 5 %.
func (s *samples) noise(bench string) float64 {
	return max(0.05, math.Abs(median(s.toBare(bench, "pass-through", "cpu-ns/op"))-1))
}

// bestRival returns the library that does best, and our figure as a multiple of its.
func (s *samples) bestRival(g goal) (name string, ratio float64) {
	best := math.NaN()
	for _, c := range bench.Field() {
		if c.Kind != bench.Retrier || c.Module == "" || c.Module == module {
			continue
		}
		m := median(s.of(g.bench, c.Name, g.unit))
		if math.IsNaN(best) || m < best && !g.least || m > best && g.least {
			best, name = m, c.Name
		}
	}
	return name, median(s.of(g.bench, g.contender, g.unit)) / best
}

// floorText is what nobody gets below, as far as that is measured.
func (r result) floorText(s *samples) string {
	if r.floor == nil {
		return "-"
	}
	return number(r.floor(s)) + " " + unitNames[r.unit]
}

// figureText is the figure in words, with the quartiles where the passes differ.
func (r result) figureText() string {
	if !r.available {
		return "not measured"
	}
	unit := " " + unitNames[r.unit]
	switch {
	case r.ratio:
		unit = " of the bare time"
		if r.than != "" {
			unit = " of the time without"
		}
	case r.over:
		unit = " ns more"
	}
	if median(r.figure) == 1 {
		unit = strings.TrimSuffix(unit, "s")
	}
	low, high := quantile(r.figure, 0.25), quantile(r.figure, 0.75)
	if number(low) == number(high) {
		return number(median(r.figure)) + unit
	}
	return fmt.Sprintf("%s%s (%s to %s)", number(median(r.figure)), unit, number(low), number(high))
}
