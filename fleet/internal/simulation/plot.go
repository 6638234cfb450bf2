package simulation

import (
	"fmt"
	"strings"
)

// The plot's measures, in pixels, and what it shows: seconds, and attempts a second.
const (
	width, panel, left, top = 760, 150, 60, 26
	from, to                = -10, 100
	most                    = 4000.
)

// Plot draws the attempts, and the requests that end well, of each result, one above the other.
func Plot(results []Result) string {
	names := []string{"no retries", "retries, a budget in each process", "retries, one shared budget"}
	var b strings.Builder
	height := len(results)*(panel+2*top) + top
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" `, width, height)
	b.WriteString(`font-family="Arial,Helvetica,sans-serif" font-size="12">`)
	fmt.Fprintf(&b, "\n<rect width=\"%d\" height=\"%d\" fill=\"#fff\"/>\n", width, height)
	for i, r := range results {
		y := i*(panel+2*top) + top
		fmt.Fprintf(&b, "<text x=\"%d\" y=\"%d\" font-weight=\"bold\">%s</text>\n", left, y-8, names[i])
		axes(&b, y)
		b.WriteString(line(r, y, "#d55e00", func(_, attempts, _ int) int { return attempts }))
		b.WriteString(line(r, y, "#0072b2", func(_, _, good int) int { return good }))
	}
	fmt.Fprintf(&b, "<text x=\"%d\" y=\"%d\">seconds since the server became slow, for 30 s; "+
		"<tspan fill=\"#d55e00\">attempts</tspan> and "+
		"<tspan fill=\"#0072b2\">requests that end well</tspan>, a second</text>\n",
		left, height-6)
	b.WriteString("</svg>\n")
	return b.String()
}

func axes(b *strings.Builder, y int) {
	for v := 0; v <= int(most); v += 1000 {
		at := y + panel - v*panel/int(most)
		fmt.Fprintf(b, "<path d=\"M%d %dH%d\" stroke=\"#ddd\"/><text x=\"%d\" y=\"%d\" text-anchor=\"end\">%d</text>\n",
			left, at, width-20, left-6, at+4, v)
	}
	for s := from; s <= to; s += 10 {
		fmt.Fprintf(b, "<text x=\"%.0f\" y=\"%d\" text-anchor=\"middle\">%d</text>\n", across(s), y+panel+14, s)
	}
}

func across(second int) float64 { return left + float64(second-from)/float64(to-from)*(width-20-left) }

func line(r Result, y int, colour string, value func(requests, attempts, good int) int) string {
	var points []string
	for s := from; s < min(to, r.Stats.Seconds()); s++ {
		v := min(float64(value(r.Stats.Second(s))), most)
		points = append(points, fmt.Sprintf("%.1f,%.1f", across(s), float64(y+panel)-v/most*panel))
	}
	const form = "<polyline fill=\"none\" stroke=\"%s\" stroke-width=\"1.6\" points=\"%s\"/>\n"
	return fmt.Sprintf(form, colour, strings.Join(points, " "))
}
