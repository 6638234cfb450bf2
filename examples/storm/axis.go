package main

import (
	"math"
	"strconv"

	"gonum.org/v1/plot"
)

// ticks are evenly spaced and all labelled; the Y that stands for "never" is labelled so.
type ticks struct{ step, never float64 }

func (t ticks) Ticks(low, high float64) []plot.Tick {
	var marks []plot.Tick
	if t.never > 0 {
		marks, high = append(marks, plot.Tick{Value: t.never, Label: "never"}), t.never-t.step/2
	}
	for i := math.Ceil(low/t.step-1e-9) + 0; i*t.step <= high+1e-9; i++ {
		marks = append(marks, plot.Tick{Value: i * t.step, Label: strconv.FormatFloat(i*t.step, 'g', 3, 64)})
	}
	return marks
}

// spaced returns the least step of 1, 2 or 5 times a power of ten that makes at most n steps.
func spaced(low, high, n float64) float64 {
	power := math.Pow(10, math.Floor(math.Log10((high-low)/n)))
	for _, step := range []float64{power, 2 * power, 5 * power} {
		if (high-low)/step <= n {
			return step
		}
	}
	return 10 * power
}
