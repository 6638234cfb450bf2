package tail_test

import (
	"testing"

	"github.com/seed-e3550de8/retry/bench"
	"github.com/seed-e3550de8/retry/bench/tail"
)

// BenchmarkTail sends the requests of each row through each library once. With -short it sends one where it sent 40.
func BenchmarkTail(b *testing.B) {
	for _, row := range tail.Rows() {
		if testing.Short() {
			row.Requests /= 40
		}
		for _, c := range tail.Field() {
			b.Run(row.Name+"/"+c.Name, func(b *testing.B) {
				for b.Loop() {
					measure(b, c, row)
				}
			})
		}
	}
}

func measure(b *testing.B, c bench.Contender, row tail.Row) {
	res, err := tail.Run(c, row)
	if err != nil {
		b.Fatal(err)
	}
	all := float64(res.Requests)
	b.ReportMetric(100*float64(res.Well)/all, "%well")
	for unit, q := range map[string]float64{"p50-ms": 0.5, "p99-ms": 0.99, "p99.9-ms": 0.999} {
		if d, ok := res.Quantile(q); ok {
			b.ReportMetric(float64(d.Microseconds())/1000, unit)
		}
	}
	b.ReportMetric(float64(res.Attempts)/all, "attempts/request")
	b.ReportMetric(float64(res.Connections), "conns")
	b.ReportMetric(float64(res.Corrupt), "corrupt")
	b.ReportMetric(float64(res.Twice), "twice")
}
