package storm

import (
	"fmt"
	"sync"
)

// A Report is all that the simulation shows.
type Report struct {
	Verdict []Row
	Short   string // tables in Markdown, for docs/overload.md
	Long    string // likewise, for docs/overload-figures.md
	Figures []Figure
}

// Run simulates all kinds of clients in all scenarios, with fleets, and servers, that are smaller by a factor. At full
// size, which is 1, it takes about three minutes of processor time.
func Run(smaller int, progress func(done, total int, latest string)) *Report {
	p := newProgramme(smaller)
	r := new(Report)
	p.run(func() {
		r.Verdict = p.verdict()
		r.Short = markdown(p.verdictTable(r.Verdict), p.steadyTables())
		r.Long = markdown(p.tables())
		r.Figures = p.figures()
	}, progress)
	return r
}

// Verdict is that of the Report alone.
func Verdict(smaller int) []Row {
	p := newProgramme(smaller)
	var rows []Row
	p.run(func() { rows = p.verdict() }, func(int, int, string) {})
	return rows
}

// A programme is the simulations that tables ask for, each made once.
type programme struct {
	fleets []Fleet // of 10,000 requests a second each, at full size
	steady []Fleet // of a tenth of that
	todo   []work
	done   map[job]*Stats
}

// A job is one simulation.
type job struct {
	kind     string
	scenario Scenario
	fleet    Fleet
}

type work struct {
	job
	kind Kind
}

func newProgramme(smaller int) *programme {
	p := &programme{done: make(map[job]*Stats)}
	for _, f := range []Fleet{{1_000, 10}, {10_000, 1}, {100_000, 0.1}} {
		p.fleets = append(p.fleets, Fleet{f.Clients / smaller, f.Rate})
		p.steady = append(p.steady, Fleet{f.Clients / smaller / 10, f.Rate})
	}
	return p
}

// run calls show twice: first to find what it asks for, and then, when all that is simulated, for its figures.
func (p *programme) run(show func(), progress func(done, total int, latest string)) {
	show()
	var wg sync.WaitGroup
	var mu sync.Mutex
	queue, done := make(chan work), 0
	for range 2 {
		wg.Go(func() {
			for w := range queue {
				st := w.kind.Run(w.scenario, w.fleet)
				mu.Lock()
				p.done[w.job] = st
				done++
				latest := fmt.Sprintf("%s, %s, %d clients", w.scenario.Name, w.kind.Name, w.fleet.Clients)
				progress(done, len(p.todo), latest)
				mu.Unlock()
			}
		})
	}
	for _, w := range p.todo {
		queue <- w
	}
	close(queue)
	wg.Wait()
	show()
}

// stats is what a simulation shows: nothing at all as long as it has not been made.
func (p *programme) stats(k Kind, s Scenario, f Fleet) *Stats {
	j := job{k.Name, s, f}
	if st, known := p.done[j]; known {
		return st
	}
	none := newStats(s, f)
	p.done[j] = &none
	p.todo = append(p.todo, work{j, k})
	return &none
}
