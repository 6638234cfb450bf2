package main

import (
	"fmt"
	"io"
	"math"
	"strings"

	"github.com/seed-e3550de8/retry/bench/tail"
)

// shown are the libraries of the short table, which stands in the README too.
var shown = []string{"bare", "retry", "go-retryablehttp", "rehttp", "failsafehttp", "heimdall", "resty-v3"}

// writeTail writes the short table of the tail under faults, the goals, and how it was measured.
func writeTail(w io.Writer, releases []*release) {
	s := releases[0].samples
	fmt.Fprintf(w, `## The tail under faults

A server on loopback that answers in 1 ms and fails by a script, the same for all: 1 %% of the attempts are reset, 5 %%
get a 503, 5 %% a 429 with Retry-After: 0, 1 %% an answer after 2 s, 1 %% (in its own row 5 %%) a 503 whose page drips
for a second, and the server is away for 300 ms. A 503, a 429 and a page come before the body is read; what is reset or
late has been acted upon. Requests come at a steady rate, whatever becomes of those before. All libraries have %d
retries, waits of 100, 200, 400 and 800 ms, without jitter where that can be said, and a timeout of %d ms for each
attempt. %s At less than 2,000 requests a second two
libraries are measured at once, each with a server and a process of its own: alone, one keeps two processors busy for a
sixth of the time at most.

Each cell has the share of the requests that end with a 200 and its whole body, and the time within which 99 %% of all
requests do; "never" is what fewer do. What follows is harm: uploads that arrived whole and wrong, POSTs acted upon twice.

%s`, tail.Setup.Retries, tail.Setup.Timeout.Milliseconds(), tailCounts(tail.Rows()), tailLines(s, tail.Rows()))
	if len(releases) > 1 {
		fmt.Fprintf(w, "\n%s was measured in the rows of all faults, and over HTTP/2.\n", releases[1].name)
	}
	fmt.Fprint(w, `
What the libraries cannot do: the bare transport repeats nothing and has no timeout. heimdall repeats no 429. rehttp
repeats a POST never or always, and was told never; resty v3 never; go-retryablehttp, failsafehttp, heimdall and resty v2
always. retry repeats a POST that was certainly not acted upon: one whose connection was refused. rehttp and heimdall
read no Retry-After; resty v2 has jitter that cannot be turned off. The timeout of go-retryablehttp, heimdall, resty,
rehttp and failsafehttp is for the body too, that of retry until the headers.

`)
	writeTailGoals(w, s)
}

// tailCounts says how many requests the rows have.
func tailCounts(rows []tail.Row) string {
	counts := map[string]int{}
	for _, r := range rows {
		counts[r.Method] = r.Requests
	}
	return fmt.Sprintf("Each GET and POST row has %s requests, each PUT row %s.",
		number(float64(counts["GET"])), number(float64(counts["PUT"])))
}

// tailLines is the short table.
func tailLines(s *samples, rows []tail.Row) string {
	var b strings.Builder
	fmt.Fprintf(&b, "| | %s |\n|---|%s\n", strings.Join(shown, " | "), strings.Repeat("---|", len(shown)))
	for _, r := range rows {
		fmt.Fprintf(&b, "| %s |", r.Title)
		for _, name := range shown {
			fmt.Fprintf(&b, " %s |", tailCell(s, r, name))
		}
		fmt.Fprintln(&b)
	}
	return b.String()
}

func tailCell(s *samples, r tail.Row, name string) string {
	get := func(unit string) float64 { return median(s.of("Tail/"+r.Name, name, unit)) }
	if math.IsNaN(get("%well")) {
		return "-"
	}
	text := share(get("%well")) + ", never"
	if p99 := get("p99-ms"); !math.IsNaN(p99) {
		text = fmt.Sprintf("%s, %s ms", share(get("%well")), number(p99))
	}
	if n := get("corrupt"); n > 0 {
		text += fmt.Sprintf(", %.0f corrupt", n)
	}
	if n := get("twice"); n > 0 {
		text += fmt.Sprintf(", %.0f twice", n)
	}
	return text
}

// share never rounds up to all.
func share(percent float64) string {
	if percent == 100 {
		return "100 %"
	}
	return fmt.Sprintf("%.1f %%", math.Floor(percent*10)/10)
}

func writeTailGoals(w io.Writer, s *samples) {
	fmt.Fprint(w, "| goals | ends well | best rival | 99 % within | best rival | corrupt, twice | met |\n",
		"|---|---|---|---|---|---|---|\n")
	var missed strings.Builder
	for _, r := range tail.Rows() {
		g := newTailGoal(s, r)
		fmt.Fprintf(w, "| %s | %s | %s | %s | %s | %.0f | %s |\n", r.Title,
			share(g.well), g.best("%well", g.bestWell, g.wellest),
			milliseconds(g.p99), g.best("p99-ms", g.bestP99, g.fastest), g.harm, g.verdict())
		if reason := g.reason(); reason != "" {
			fmt.Fprintf(&missed, "\nNot met (%s): %s\n", r.Title, reason)
		}
	}
	fmt.Fprintf(w, `%s
The goals are: no library ends more requests well, but for two in a thousand, which is by when each of them met the
restart; 99 %% have their answer within 1.1 times the best library's time, or 5 ms after that, which is how far apart two
runs of one library are; nothing corrupt, nothing twice. A library that corrupts bodies or repeats POSTs that were acted
upon is no rival in that row.

`, missed.String())
}
