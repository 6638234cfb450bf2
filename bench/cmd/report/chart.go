package main

import (
	"bytes"
	"fmt"
	"image/color"
	"io"
	"math"
	"os"
	"path/filepath"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"

	"github.com/seed-e3550de8/retry/bench"
)

// A chart is a picture of one figure of a table, with a bar for each contender.
type chart struct {
	file, title, axis string
	bench, unit       string
}

var charts = []chart{
	{"success.svg", "A GET that succeeds at once", "ns for each request, the stub's included (logarithmic)", "Success", "cpu-ns/op"},
	{"retry.svg", "A GET that meets a 503 and then succeeds, no wait", "ns for each request, the stub's included (logarithmic)", "RetryGet", "cpu-ns/op"},
	{"put1mib.svg", "A PUT of 1 MiB that succeeds at once", "ns for each request, the stub's included (logarithmic)", "Put1MiB", "cpu-ns/op"},
	{"waiting.svg", "10,000 requests waiting for their retry", "bytes for each (logarithmic)", "Waiting", "B/waiting"},
}

const margin = 10 // points

func writeCharts(w io.Writer) {
	fmt.Fprint(w, "## Charts\n\n")
	for _, c := range charts {
		fmt.Fprintf(w, "![%s, %s](%s)\n\n", c.title, c.axis, c.file)
	}
}

var (
	oursColor  = color.NRGBA{R: 0x0b, G: 0x6e, B: 0x4f, A: 0xff}
	theirColor = color.NRGBA{R: 0x8a, G: 0x97, B: 0xa6, A: 0xff}
)

// draw writes the chart into dir. Its ground is white, so that it can be read on a dark page too.
func (c chart) draw(dir string, s *samples) error {
	bars := c.bars(s)
	if len(bars) == 0 {
		return nil
	}
	plot.DefaultFont.Variant = "Sans"
	p := plot.New()
	p.BackgroundColor = color.White
	p.Title.Text = c.title
	p.X.Label.Text = c.axis
	p.X.Scale, p.X.Tick.Marker = plot.LogScale{}, powers{}
	p.Y.Tick.Length, p.Y.LineStyle.Width = 0, 0
	p.Add(bars)
	p.NominalY(bars.labels()...)
	p.X.Min, p.X.Max = bars.lowest(), bars.highest()
	p.Y.Min, p.Y.Max = -0.6, float64(len(bars))-0.4

	canvas := vgsvg.New(17*vg.Centimeter, vg.Length(len(bars))*0.62*vg.Centimeter+3*vg.Centimeter)
	page := draw.New(canvas)
	page.FillPolygon(color.White, []vg.Point{page.Min, {X: page.Max.X, Y: page.Min.Y}, page.Max, {X: page.Min.X, Y: page.Max.Y}})
	p.Draw(draw.Crop(page, margin, -margin, margin, -margin))
	var svg bytes.Buffer
	if _, err := canvas.WriteTo(&svg); err != nil {
		return err
	}
	// The font has the measures of two that most systems have, but is not itself on most.
	file := bytes.ReplaceAll(svg.Bytes(), []byte("Liberation Sans"), []byte("Liberation Sans,Arial,Helvetica,sans-serif"))
	return os.WriteFile(filepath.Join(dir, c.file), file, 0o644)
}

type bar struct {
	label string
	value float64
	ours  bool
}

// barList draws horizontal bars, the first at the top. The plotter of the library starts them at 0, which a logarithmic
// axis does not have.
type barList []bar

func (c chart) bars(s *samples) barList {
	var bars barList
	for _, contender := range bench.Field() {
		m := median(s.of(c.bench, contender.Name, c.unit))
		if math.IsNaN(m) || m <= 0 {
			continue
		}
		bars = append(bars, bar{contender.Name, m, contender.Module == module})
	}
	return bars
}

func (bs barList) labels() []string {
	labels := make([]string, len(bs))
	for i, b := range bs {
		labels[len(bs)-1-i] = b.label
	}
	return labels
}

// lowest is the power of ten below the values, with room for the shortest bar.
func (bs barList) lowest() float64 {
	least := math.Inf(1)
	for _, b := range bs {
		least = min(least, b.value)
	}
	return math.Pow(10, math.Floor(math.Log10(least*0.8)))
}

func (bs barList) highest() float64 {
	most := 0.0
	for _, b := range bs {
		most = max(most, b.value)
	}
	return most
}

// row is where the bar with index i is on the vertical axis.
func (bs barList) row(i int) float64 { return float64(len(bs) - 1 - i) }

const gap = 4 // points between a bar and its number

func (bs barList) Plot(c draw.Canvas, p *plot.Plot) {
	toX, toY := p.Transforms(&c)
	for i, b := range bs {
		at := bs.row(i)
		left, right, low, high := toX(p.X.Min), toX(b.value), toY(at-0.36), toY(at+0.36)
		fill := theirColor
		if b.ours {
			fill = oursColor
		}
		c.FillPolygon(fill, []vg.Point{{X: left, Y: low}, {X: right, Y: low}, {X: right, Y: high}, {X: left, Y: high}})
		c.FillText(numberStyle(p), vg.Point{X: right + gap, Y: toY(at)}, number(b.value))
	}
}

// GlyphBoxes keeps room for the numbers at the ends of the bars.
func (bs barList) GlyphBoxes(p *plot.Plot) []plot.GlyphBox {
	var boxes []plot.GlyphBox
	for i, b := range bs {
		box := numberStyle(p).Rectangle(number(b.value)).Add(vg.Point{X: gap})
		boxes = append(boxes, plot.GlyphBox{X: p.X.Norm(b.value), Y: p.Y.Norm(bs.row(i)), Rectangle: box})
	}
	return boxes
}

func numberStyle(p *plot.Plot) text.Style {
	style := p.X.Tick.Label
	style.XAlign, style.YAlign = text.XLeft, text.YCenter
	return style
}

// powers marks the powers of ten, and their multiples without a number.
type powers struct{}

func (powers) Ticks(low, high float64) []plot.Tick {
	var ticks []plot.Tick
	for power := math.Pow(10, math.Floor(math.Log10(low))); power <= high; power *= 10 {
		ticks = append(ticks, plot.Tick{Value: power, Label: commas(fmt.Sprintf("%.0f", power))})
		for n := 2.0; n < 10 && n*power <= high; n++ {
			ticks = append(ticks, plot.Tick{Value: n * power})
		}
	}
	return ticks
}
