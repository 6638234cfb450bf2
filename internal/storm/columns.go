package storm

import (
	"fmt"
	"strings"
	"time"
)

// A table is kinds of clients against figures, each for a few fleets.
type table struct {
	title   string
	kinds   []Kind
	columns []column
}

type column struct {
	title    string
	scenario Scenario
	fleets   []Fleet
	figure   func(*Stats) string
}

// rows are the table's text, its heading first.
func (p *programme) rows(t table) [][]string {
	heading := []string{"clients"}
	for _, c := range t.columns {
		heading = append(heading, c.title)
	}
	rows := [][]string{heading}
	for _, k := range t.kinds {
		row := []string{k.Name}
		for _, c := range t.columns {
			row = append(row, strings.Join(p.cells(k, c.scenario, c.fleets, c.figure), " / "))
		}
		rows = append(rows, row)
	}
	return rows
}

func (p *programme) cells(k Kind, s Scenario, fleets []Fleet, figure func(*Stats) string) (cells []string) {
	for _, f := range fleets {
		cells = append(cells, figure(p.stats(k, s, f)))
	}
	return cells
}

// A text is a table as it is printed.
type text struct {
	title string
	rows  [][]string // the first is the heading
	left  bool       // all its columns
}

func (p *programme) texts(tables ...table) (texts []text) {
	for _, t := range tables {
		texts = append(texts, text{title: t.title, rows: p.rows(t)})
	}
	return texts
}

// markdown is tables in Markdown.
func markdown(groups ...[]text) string {
	var b strings.Builder
	for _, texts := range groups {
		for _, t := range texts {
			if b.Len() > 0 {
				b.WriteString("\n")
			}
			t.write(&b)
		}
	}
	return b.String()
}

func (t text) write(b *strings.Builder) {
	fmt.Fprintf(b, "**%s**\n\n", t.title)
	for i, row := range t.rows {
		fmt.Fprintf(b, "| %s |\n", strings.Join(row, " | "))
		if i > 0 {
			continue
		}
		align := "---:|"
		if t.left {
			align = "---|"
		}
		b.WriteString("|---|" + strings.Repeat(align, len(row)-1) + "\n")
	}
}

// The figures.

func recovery(st *Stats) string { return seconds(st.Recovery()) }

func seconds(d time.Duration, ok bool) string {
	if !ok {
		return "never"
	}
	return fmt.Sprintf("%.0f", d.Seconds())
}

func percent(share float64) string { return fmt.Sprintf("%.1f %%", 100*share) }

// endWell is the share of the requests begun in the pulse that ended well.
func endWell(st *Stats) string { return percent(st.pulse(st.scenario.pulse).wellShare()) }

// attempts is attempts per request in the last part of a pulse.
func attempts(last time.Duration) func(*Stats) string {
	return func(st *Stats) string { return fmt.Sprintf("%.2f", st.pulse(last).amplification()) }
}

// fail is the share of the requests begun in the last part of a pulse that failed.
func fail(last time.Duration) func(*Stats) string {
	return func(st *Stats) string { return percent(1 - st.pulse(last).wellShare()) }
}

// goodput is what ended well in the pulse, over what the server can do in that time.
func goodput(st *Stats) string {
	capacity := float64(st.fleet.Clients) * st.fleet.Rate / st.scenario.load * st.scenario.pulse.Seconds()
	return fmt.Sprintf("%.0f %%", 100*float64(st.pulse(st.scenario.pulse).good)/capacity)
}

// failAndAttempts is of all requests of a pulse.
func failAndAttempts(st *Stats) string {
	return fail(st.scenario.pulse)(st) + ", " + attempts(st.scenario.pulse)(st)
}

func herdFigure(st *Stats) string {
	b := st.sum(warmup, time.Duration(len(st.bins))*time.Second)
	peak := float64(st.peakMax) / (float64(st.caught) / 100)
	return fmt.Sprintf("%.2f, %s, %.1f", b.amplification(), seconds(st.herdTime()), peak)
}
