package main

import (
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	vgdraw "gonum.org/v1/plot/vg/draw"

	"github.com/seed-e3550de8/retry/internal/storm"
)

func legendHeight(p storm.Panel) vg.Length {
	if p.Dots {
		return 0
	}
	return vg.Length((len(p.Lines)+1)/2)*0.55*vg.Centimeter + margin
}

// drawLegend names the lines, in two columns.
func drawLegend(p storm.Panel, c vgdraw.Canvas) error {
	if p.Dots {
		return nil
	}
	left, right := plot.NewLegend(), plot.NewLegend()
	for i, l := range p.Lines {
		thing, err := thingOf(p, l, i)
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
		column.Draw(vgdraw.Crop(c, vg.Length(i)*width/2, 0, 0, 0))
	}
	return nil
}
