package retry_test

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/seed-e3550de8/retry"
)

// stormFigure is one file of plots, one above the other.
type stormFigure struct {
	File   string
	Panels []stormPanel
}

type stormPanel struct {
	Title, X, Y string
	YMax        float64
	Never       float64 `json:",omitempty"` // the Y that stands for "never", if not zero
	Lines       []stormLine
	Dots        bool // rather than lines
}

type stormLine struct {
	Name   string
	Points [][2]float64
}

func (p *stormProgramme) figures() []stormFigure {
	figures := []stormFigure{p.recoveryFigure(), stormWaits()}
	for _, f := range stormTimeFigures {
		figures = append(figures, p.timeFigure(f))
	}
	return figures
}

// stormTimeFigures are the figures of 1,000 clients over time.
var stormTimeFigures = []stormTimeFigure{
	{"storm-metastable", stormMetastable(0.7), []stormKind{stormNone, stormUnlimited, stormDefault}},
	{"storm-outage", stormOutage(30 * time.Second), []stormKind{stormUnlimited, stormDefault, stormShared}},
}

type stormTimeFigure struct {
	file  string
	what  stormScenario
	kinds []stormKind
}

// scenario is what happens, until a minute after the server is healthy again.
func (f stormTimeFigure) scenario() stormScenario {
	s := f.what
	s.after, s.whole = time.Minute, true
	return s
}

func (p *stormProgramme) timeFigure(t stormTimeFigure) stormFigure {
	f, s := stormFigure{File: t.file}, t.scenario()
	for _, k := range t.kinds {
		st := p.stats(k, s, stormFleets[0])
		capacity, requests, attempts, good := stormLine{Name: "capacity"}, stormLine{Name: "offered load (new requests)"},
			stormLine{Name: "attempts"}, stormLine{Name: "goodput (requests that end well)"}
		for i, b := range st.bins[:len(st.bins)-1] {
			x, c := float64(i)-stormWarmup.Seconds(), 10/s.load
			if in := time.Duration(i)*time.Second - stormWarmup; in >= 0 && in < s.pulse {
				c *= s.slow // zero in an outage
			}
			capacity.Points = append(capacity.Points, [2]float64{x, c})
			requests.Points = append(requests.Points, [2]float64{x, float64(b.requests) / 1000})
			attempts.Points = append(attempts.Points, [2]float64{x, float64(b.attempts) / 1000})
			good.Points = append(good.Points, [2]float64{x, float64(b.good) / 1000})
		}
		f.Panels = append(f.Panels, stormPanel{
			Title: k.name, X: "time since the trouble began (s)", Y: "thousand a second", YMax: 50,
			Lines: []stormLine{capacity, requests, attempts, good},
		})
	}
	return f
}

// recoveryFigure shows how long a server that was slow needs to come back, over its load.
func (p *stormProgramme) recoveryFigure() stormFigure {
	const never = 190
	line := func(name string, k stormKind, f stormFleet) stormLine {
		l := stormLine{Name: name}
		for _, load := range stormLoads {
			y := float64(never)
			if d, ok := p.stats(k, stormMetastable(load), f).recovery(); ok {
				y = d.Seconds()
			}
			l.Points = append(l.Points, [2]float64{load, y})
		}
		return l
	}
	busy, rare := stormFleet{100, 10}, stormFleet{10_000, 0.1}
	return stormFigure{File: "storm-recovery", Panels: []stormPanel{{
		Title: "A server that was slow for 30 s: time until it is back", X: "load before (share of capacity)",
		Y: "time to recover (s)", YMax: 200, Never: never,
		Lines: []stormLine{
			line("no retries", stormNone, busy),
			line("default, 10 requests/s each", stormDefault, busy),
			line("default, 0.1 requests/s each", stormDefault, rare),
			line("SRE book, 10 %", stormOthers[4], busy),
			line("Finagle, 20 % and 10/s", stormOthers[1], busy),
			line("retries without budget", stormUnlimited, busy),
		},
	}}}
}

// stormWaits shows delays as they are drawn, of eighty clients for each retry.
func stormWaits() stormFigure {
	f := stormFigure{File: "storm-waits"}
	random := rand.New(rand.NewPCG(stormSeed, 4))
	for _, j := range stormJitters {
		l := stormLine{Name: "one client's delay"}
		for n := 1; n <= 7; n++ {
			for range 80 {
				d := retry.StormDelay(retry.Exponential{Jitter: j.jitter}, n, random.Float64())
				x := float64(n) + 0.6*(random.Float64()-0.5)
				l.Points = append(l.Points, [2]float64{x, d.Seconds()})
			}
		}
		f.Panels = append(f.Panels, stormPanel{
			Title: fmt.Sprintf("Exponential{Jitter: %s}", j.name), X: "retry", Y: "delay (s)", YMax: 34, Lines: []stormLine{l}, Dots: true,
		})
	}
	return f
}
