package main

import (
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

func (f figure) legendHeight() vg.Length {
	if f.Panels[0].Dots {
		return 0
	}
	return vg.Length((len(f.Panels[0].Lines)+1)/2)*0.55*vg.Centimeter + margin
}

// drawLegend names the lines, in two columns.
func (f figure) drawLegend(c draw.Canvas) error {
	p := f.Panels[0]
	if p.Dots {
		return nil
	}
	left, right := plot.NewLegend(), plot.NewLegend()
	for i, l := range p.Lines {
		thing, err := p.thing(l, i)
		if err != nil {
			return err
		}
		column := &left
		if i >= (len(p.Lines)+1)/2 {
			column = &right
		}
		column.Add(l.Name, thing)
	}
	for i, column := range []*plot.Legend{&left, &right} {
		column.Top, column.Left, column.Padding, column.ThumbnailWidth = true, true, 2, 1.2*vg.Centimeter
		column.Draw(draw.Crop(c, vg.Length(i)*width/2, 0, 0, 0))
	}
	return nil
}
