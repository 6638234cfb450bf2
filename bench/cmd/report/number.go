package main

import (
	"fmt"
	"math"
	"strings"
)

// unitNames are how the report writes the units of the benchmarks.
var unitNames = map[string]string{
	"cpu-ns/op":          "ns",
	"ns/op":              "ns by the clock",
	"B/op":               "B",
	"allocs/op":          "allocations",
	"MB/s":               "MB/s",
	"peak-MiB":           "MiB at the peak",
	"conns":              "connections",
	"goroutines-left":    "goroutines left",
	"ms-to-retry":        "ms to the retry",
	"B/waiting":          "B",
	"goroutines/waiting": "goroutines",
	"ms-to-leave":        "ms to leave",
	"canceled-errors":    "match context.Canceled",
	"B/host":             "B kept for each host",
	"kept":               "same object",
	"%well":              "end well, %",
	"p50-ms":             "ms, half",
	"p99-ms":             "ms, 99 %",
	"p99.9-ms":           "ms, 99.9 %",
	"attempts/request":   "attempts for each",
	"corrupt":            "corrupt",
	"twice":              "acted upon twice",
}

// number writes x with about three digits, and with commas.
func number(x float64) string {
	switch a := math.Abs(x); {
	case math.IsNaN(x) || math.IsInf(x, 0):
		return "-"
	case a >= 100:
		return commas(fmt.Sprintf("%.0f", x))
	case x == math.Trunc(x):
		return fmt.Sprintf("%.0f", x)
	case a >= 10:
		return fmt.Sprintf("%.1f", x)
	case a < 0.005:
		return "0"
	default:
		return fmt.Sprintf("%.2f", x)
	}
}

func commas(digits string) string {
	sign := ""
	if strings.HasPrefix(digits, "-") {
		sign, digits = "-", digits[1:]
	}
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return sign + digits
}
