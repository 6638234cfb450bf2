package retry_test

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestStorm is the whole programme: all kinds of clients in all scenarios, at full size. It runs only if STORM_OUT names
// the file for its tables and plots, as the program in examples/storm does. It takes two and a half minutes of
// processor time.
func TestStorm(t *testing.T) {
	out := os.Getenv("STORM_OUT")
	if out == "" {
		t.Skip("STORM_OUT is not set; see examples/storm")
	}
	p := stormProgramme{tables: stormTables(), done: make(map[stormJob]*stormStats)}
	p.plan()
	p.run(func(format string, args ...any) { fmt.Fprintf(os.Stderr, format, args...) })
	report := stormReport{Figures: p.figures(), Tables: []string{p.verdict()}}
	for _, table := range p.tables {
		report.Tables = append(report.Tables, p.markdown(table))
	}
	b, err := json.Marshal(report)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(out, b, 0o644))
}

// stormReport is what the programme hands to the program that prints and draws it.
type stormReport struct {
	Tables  []string // in Markdown
	Figures []stormFigure
}

// stormJob is one simulation of the programme.
type stormJob struct {
	kind     string
	scenario stormScenario
	fleet    stormFleet
}

// stormTable is kinds of clients against figures, each for a few fleets.
type stormTable struct {
	title   string
	kinds   []stormKind
	columns []stormColumn
}

type stormColumn struct {
	title    string
	scenario stormScenario
	fleets   []stormFleet
	figure   func(*stormStats) string
}

type stormProgramme struct {
	tables []stormTable
	todo   []stormWork
	mu     sync.Mutex
	done   map[stormJob]*stormStats
}

type stormWork struct {
	job  stormJob
	kind stormKind
}

// plan finds what the tables and the plots ask for, each once.
func (p *stormProgramme) plan() {
	for _, f := range stormTimeFigures {
		for _, k := range f.kinds {
			p.add(k, f.scenario(), stormFleets[0])
		}
	}
	for _, table := range p.tables {
		for _, k := range table.kinds {
			for _, c := range table.columns {
				for _, f := range c.fleets {
					p.add(k, c.scenario, f)
				}
			}
		}
	}
}

func (p *stormProgramme) add(k stormKind, s stormScenario, f stormFleet) {
	job := stormJob{k.name, s, f}
	if _, known := p.done[job]; !known {
		p.done[job] = nil
		p.todo = append(p.todo, stormWork{job, k})
	}
}

// run simulates it all, on two workers.
func (p *stormProgramme) run(progress func(string, ...any)) {
	var wg sync.WaitGroup
	jobs, begin, n := make(chan stormWork), time.Now(), 0
	for range 2 {
		wg.Go(func() {
			for w := range jobs {
				st := w.kind.run(w.job.scenario, w.job.fleet)
				p.mu.Lock()
				p.done[w.job] = st
				n++
				if n%10 == 0 || n == len(p.todo) {
					progress("%4d of %d simulations, %3.0f s; last: %s, %s, %d clients\n", n, len(p.todo),
						time.Since(begin).Seconds(), w.job.scenario.name, w.kind.name, w.job.fleet.clients)
				}
				p.mu.Unlock()
			}
		})
	}
	for _, w := range p.todo {
		jobs <- w
	}
	close(jobs)
	wg.Wait()
}

func (p *stormProgramme) stats(k stormKind, s stormScenario, f stormFleet) *stormStats {
	return p.done[stormJob{k.name, s, f}]
}

func (p *stormProgramme) markdown(table stormTable) string {
	var b strings.Builder
	fmt.Fprintf(&b, "**%s**\n\n| clients |", table.title)
	for _, c := range table.columns {
		fmt.Fprintf(&b, " %s |", c.title)
	}
	b.WriteString("\n|---|" + strings.Repeat("---:|", len(table.columns)) + "\n")
	for _, k := range table.kinds {
		fmt.Fprintf(&b, "| %s |", k.name)
		for _, c := range table.columns {
			var cells []string
			for _, f := range c.fleets {
				cells = append(cells, c.figure(p.stats(k, c.scenario, f)))
			}
			fmt.Fprintf(&b, " %s |", strings.Join(cells, " / "))
		}
		b.WriteString("\n")
	}
	return b.String()
}
