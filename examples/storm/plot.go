package main

import (
	"bytes"
	"fmt"
	"image/color"
	"os"
	"path/filepath"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	vgdraw "gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"

	"github.com/seed-e3550de8/retry/internal/storm"
)

const (
	width  = 20 * vg.Centimeter
	height = 6 * vg.Centimeter // of a panel
	margin = vg.Length(8)      // points
)

// colors can be told apart by most who don't see all colours, and on paper by their dashes.
var colors = []color.Color{
	color.NRGBA{R: 0x5f, G: 0x6b, B: 0x7a, A: 0xff},
	color.NRGBA{R: 0x00, G: 0x72, B: 0xb2, A: 0xff},
	color.NRGBA{R: 0xd5, G: 0x5e, B: 0x00, A: 0xff},
	color.NRGBA{R: 0x00, G: 0x8f, B: 0x68, A: 0xff},
	color.NRGBA{R: 0xb0, G: 0x4f, B: 0x8c, A: 0xff},
	color.NRGBA{R: 0x11, G: 0x11, B: 0x11, A: 0xff},
}

var dashes = [][]vg.Length{{6, 3}, {1.5, 2}, nil, nil, {8, 2, 2, 2}, {4, 2}}

// draw writes a figure into dir: its panels one above the other, with one legend.
func draw(f storm.Figure, dir string) error {
	rows := make([][]*plot.Plot, 0, len(f.Panels))
	for i, p := range f.Panels {
		drawn, err := plotOf(p, i == len(f.Panels)-1)
		if err != nil {
			return fmt.Errorf("%s, %s: %w", f.File, p.Title, err)
		}
		rows = append(rows, []*plot.Plot{drawn})
	}
	legend, rest := legendHeight(f.Panels[0]), panelsHeight(f)
	canvas := vgsvg.New(width, rest+legend)
	page := vgdraw.New(canvas)
	corners := []vg.Point{page.Min, {X: page.Max.X, Y: page.Min.Y}, page.Max, {X: page.Min.X, Y: page.Max.Y}}
	page.FillPolygon(color.White, corners)
	if err := drawLegend(f.Panels[0], vgdraw.Crop(page, 4*margin, -margin, rest, -margin)); err != nil {
		return err
	}
	tiles := vgdraw.Tiles{
		Rows: len(rows), Cols: 1, PadX: margin, PadY: margin,
		PadTop: margin, PadBottom: margin, PadLeft: margin, PadRight: 2 * margin,
	}
	for i, row := range plot.Align(rows, tiles, vgdraw.Crop(page, 0, 0, 0, -legend)) {
		rows[i][0].Draw(row[0])
	}
	var svg bytes.Buffer
	if _, err := canvas.WriteTo(&svg); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, f.File+".svg"), portable(svg.Bytes()), 0o644)
}

func panelsHeight(f storm.Figure) vg.Length {
	if len(f.Panels) == 1 {
		return 2 * height
	}
	return vg.Length(len(f.Panels)) * height
}

func plotOf(p storm.Panel, last bool) (*plot.Plot, error) {
	plot.DefaultFont.Variant = "Sans"
	drawn := plot.New()
	drawn.BackgroundColor = color.White
	drawn.Title.Text, drawn.Y.Label.Text = p.Title, p.Y
	if last {
		drawn.X.Label.Text = p.X
	}
	grid := plotter.NewGrid()
	grid.Vertical.Color, grid.Horizontal.Color = nil, color.Gray{Y: 0xdd}
	drawn.Add(grid)
	for i, l := range p.Lines {
		thing, err := thingOf(p, l, i)
		if err != nil {
			return nil, err
		}
		drawn.Add(thing)
	}
	drawn.Y.Min, drawn.Y.Max = 0, p.YMax
	drawn.X.Tick.Marker = ticks{step: spaced(drawn.X.Min, drawn.X.Max, 12)}
	drawn.Y.Tick.Marker = ticks{step: spaced(0, p.YMax, 6), never: p.Never}
	return drawn, nil
}

// A thing is drawn, and has a sample of itself for the legend.
type thing interface {
	plot.Plotter
	plot.Thumbnailer
}

func thingOf(p storm.Panel, l storm.Line, i int) (thing, error) {
	hue, points := colors[i%len(colors)], make(plotter.XYs, len(l.Points))
	for i, p := range l.Points {
		points[i].X, points[i].Y = p[0], p[1]
	}
	if p.Dots {
		s, err := plotter.NewScatter(points)
		if err != nil {
			return nil, err
		}
		s.GlyphStyle = vgdraw.GlyphStyle{Color: colors[1], Radius: 1.1, Shape: vgdraw.CircleGlyph{}}
		return s, nil
	}
	s, err := plotter.NewLine(points)
	if err != nil {
		return nil, err
	}
	s.LineStyle = vgdraw.LineStyle{Color: hue, Width: 1.6, Dashes: dashes[i%len(dashes)]}
	return s, nil
}
