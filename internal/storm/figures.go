package storm

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/seed-e3550de8/retry"
)

// A Figure is one file of plots, one above the other.
type Figure struct {
	File   string
	Panels []Panel
}

// A Panel is one plot.
type Panel struct {
	Title, X, Y string
	YMax        float64
	Never       float64 // the Y that stands for "never", if not zero
	Lines       []Line
	Dots        bool // rather than lines
}

// A Line is one of the lines of a plot, or all its dots.
type Line struct {
	Name   string
	Points [][2]float64
}

func (p *programme) figures() []Figure {
	return []Figure{
		p.recoveryFigure(),
		waits(),
		p.timeFigure("storm-metastable", Slow(0.7), time.Minute, NoRetries, NoBudget, Default),
		p.timeFigure("storm-outage", Outage(30*time.Second), 110*time.Second, NoBudget, Default, Gated),
	}
}

// timeFigure is 1,000 clients over time, until so long after the server is healthy again.
func (p *programme) timeFigure(file string, s Scenario, after time.Duration, kinds ...Kind) Figure {
	s.after, s.whole = after, true
	figure := Figure{File: file}
	for _, k := range kinds {
		st := p.stats(k, s, p.fleets[0])
		capacity, requests := Line{Name: "capacity"}, Line{Name: "offered load (new requests)"}
		sent, good := Line{Name: "attempts"}, Line{Name: "goodput (requests that end well)"}
		for i, b := range st.bins[:len(st.bins)-1] {
			x, c := float64(i)-warmup.Seconds(), 10/s.load
			if s.inPulse(time.Duration(i) * time.Second) {
				c *= s.slow // zero in an outage
			}
			capacity.Points = append(capacity.Points, [2]float64{x, c})
			requests.Points = append(requests.Points, [2]float64{x, float64(b.requests) / 1000})
			sent.Points = append(sent.Points, [2]float64{x, float64(b.attempts) / 1000})
			good.Points = append(good.Points, [2]float64{x, float64(b.good) / 1000})
		}
		figure.Panels = append(figure.Panels, Panel{
			Title: k.Name, X: "time since the trouble began (s)", Y: "thousand / s", YMax: 50,
			Lines: []Line{capacity, requests, sent, good},
		})
	}
	return figure
}

// recoveryFigure shows how long a server that was slow needs to come back, over its load.
func (p *programme) recoveryFigure() Figure {
	busy, rare := p.smallFleets()
	panel := Panel{
		Title: "A server that was slow for 30 s: time until it is back", X: "load before (share of capacity)",
		Y: "time to recover (s)", YMax: 200, Never: never,
		Lines: []Line{
			p.recoveryLine("no retries", NoRetries, busy),
			p.recoveryLine("default, 10/s each", Default, busy),
			p.recoveryLine("default, 0.1/s each", Default, rare),
			p.recoveryLine("SRE book, 10 %", sre, busy),
			p.recoveryLine("Finagle, 20 % and 10/s", finagle, busy),
			p.recoveryLine("retries without budget", NoBudget, busy),
		},
	}
	if first, second := panel.Lines[0].Points, panel.Lines[1].Points; slices.Equal(first, second) {
		panel.Lines[1].Name += ": coincides with it"
	}
	return Figure{File: "storm-recovery", Panels: []Panel{panel}}
}

// never is where the plot of recovery has those that do not.
const never = 190

func (p *programme) recoveryLine(name string, k Kind, f Fleet) Line {
	l := Line{Name: name}
	for _, load := range loads {
		y := float64(never)
		if d, ok := p.stats(k, Slow(load), f).Recovery(); ok {
			y = d.Seconds()
		}
		l.Points = append(l.Points, [2]float64{load, y})
	}
	return l
}

// waits shows delays as they are drawn, of eighty clients for each retry.
func waits() Figure {
	f := Figure{File: "storm-waits"}
	random := rand.New(rand.NewPCG(seed, 4))
	for _, j := range jitters {
		l := Line{Name: "one client's delay"}
		for n := 1; n <= 7; n++ {
			for range 80 {
				d := retry.Exponential{Jitter: j}.At(n, random.Float64())
				x := float64(n) + 0.6*(random.Float64()-0.5)
				l.Points = append(l.Points, [2]float64{x, d.Seconds()})
			}
		}
		f.Panels = append(f.Panels, Panel{
			Title: fmt.Sprintf("Exponential{Jitter: %s}", j), X: "retry", Y: "delay (s)", YMax: 34,
			Lines: []Line{l}, Dots: true,
		})
	}
	return f
}
