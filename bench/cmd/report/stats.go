package main

import (
	"math"
	"runtime"
	"slices"
)

// quantile returns the q-quantile of xs, interpolated, and NaN if there is none.
func quantile(xs []float64, q float64) float64 {
	if len(xs) == 0 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(xs))
	at := q * float64(len(sorted)-1)
	low := int(at)
	high := min(low+1, len(sorted)-1)
	return sorted[low] + (at-float64(low))*(sorted[high]-sorted[low])
}

func median(xs []float64) float64 { return quantile(xs, 0.5) }

// spread returns half the distance between the quartiles, as a share of the median.
func spread(xs []float64) float64 {
	return (quantile(xs, 0.75) - quantile(xs, 0.25)) / 2 / median(xs)
}

// pairwise combines the figures of the same passes, so that what slows down a whole pass cancels out.
func pairwise(xs, ys []float64, combine func(x, y float64) float64) []float64 {
	var zs []float64
	for i := range min(len(xs), len(ys)) {
		zs = append(zs, combine(xs[i], ys[i]))
	}
	return zs
}

func ratio(x, y float64) float64      { return x / y }
func difference(x, y float64) float64 { return x - y }

// of returns the figures of a contender with all processors.
func (s *samples) of(bench, contender, unit string) []float64 {
	return s.figures[key{bench, contender, runtime.GOMAXPROCS(0), unit}]
}

// overBare returns how much longer than the bare base a contender took, in each pass.
func (s *samples) overBare(bench, contender string) []float64 {
	return pairwise(s.of(bench, contender, "cpu-ns/op"), s.of(bench, "bare", "cpu-ns/op"), difference)
}

// toBare returns a contender's figures as multiples of the bare base's.
func (s *samples) toBare(bench, contender, unit string) []float64 {
	return s.toOther(bench, contender, "bare", unit)
}

// toOther returns a contender's figures as multiples of another's.
func (s *samples) toOther(bench, contender, other, unit string) []float64 {
	return pairwise(s.of(bench, contender, unit), s.of(bench, other, unit), ratio)
}
