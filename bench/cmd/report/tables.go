package main

import (
	"fmt"

	"github.com/seed-e3550de8/retry/bench/tail"
)

// A table is one case of the report.
type table struct {
	bench, title string
	units        []string
	other        []string // those that the other release has a column for; nil is all of them
}

var (
	timeAndMemory = []string{"cpu-ns/op", "B/op", "allocs/op"}
	tables        = []table{
		{"Success", "GET, 200 at once", timeAndMemory, nil},
		{"SuccessCancel", "GET, 200 at once, cancelable context", timeAndMemory, nil},
		{"SuccessPolicy", "GET, 200 at once, a policy in the context", timeAndMemory, nil},
		{"Put1KiB", "PUT of 1 KiB, 200 at once", timeAndMemory, nil},
		{"Put1MiB", "PUT of 1 MiB, 200 at once", timeAndMemory, nil},
		{"Put64MiB", "PUT of a 64 MiB stream with GetBody, 200 at once", []string{"peak-MiB", "B/op"}, nil},
		{"RetryGet", "GET, 503, then 200", timeAndMemory, nil},
		{"Floor", "What a GET that meets a 503, then 200, cannot do without", timeAndMemory, nil},
		{"RetryPut1KiB", "PUT of 1 KiB, 503, then 200", timeAndMemory, nil},
		{"RetryPut64MiB", "PUT of a 64 MiB stream with GetBody, 503, then 200", []string{"peak-MiB", "B/op"}, nil},
		{"RetryTen", "GET, ten failing statuses, then 200 (with 10 retries)", timeAndMemory, nil},
		{"LoopbackSerial", "GET over loopback, HTTP/1, serial", timeAndMemory, nil},
		{"LoopbackParallel", "GET over loopback, HTTP/1, 16 goroutines for each processor", timeAndMemory, nil},
		{"LoopbackSerialHTTP2", "GET over loopback, HTTP/2, serial", timeAndMemory, nil},
		{"LoopbackParallelHTTP2", "GET over loopback, HTTP/2, 16 goroutines for each processor", timeAndMemory, nil},
		{"Stream1GiB", "Response of 1 GiB over loopback", []string{"cpu-ns/op", "MB/s"}, nil},
		{"ErrorPage", "200 GETs over loopback, each 503 with a page of 64 KiB, then 200", []string{"conns", "goroutines-left"}, nil},
		{"Drip", "GET over loopback, 503 with a page that drips for 2 s, then 200", []string{"ms-to-retry"}, nil},
		{"Waiting", "10,000 requests waiting for their retry, then canceled (bare: for the context alone)", []string{"B/waiting", "goroutines/waiting", "ms-to-leave", "canceled-errors", "goroutines-left"}, nil},
		{"WaitingClient", "The same behind an http.Client", []string{"B/waiting", "goroutines/waiting", "ms-to-leave", "canceled-errors", "goroutines-left"}, nil},
		{"Authorities", "GETs, 200 at once, to 10,000 hosts in turn", []string{"cpu-ns/op", "B/op", "allocs/op", "B/host"}, nil},
		{"BodyKept", "Is the response body the base's own object? (1 is yes)", []string{"kept"}, nil},
		{"FileUpload", "PUT of a file of 16 MiB over loopback, HTTP/1: as an *os.File, and by SetBody", streamed, nil},
		{"FileUploadHTTP2", "The same over HTTP/2", streamed, nil},
		{"Page", "GET of 4 KiB, read to its end: looked at by Peek, and read ahead", timeAndMemory, nil},
		{"resume.Download", "Download of 1 GiB over loopback, resume around a Transport", fromElsewhere("MB/s"), nil},
		{"Do", "An operation that succeeds at once, and one that sends a GET, in Do", timeAndMemory, nil},
		{"Idempotency", "POST with a key, 200 at once", timeAndMemory, nil},
		{"otelretry.Success", "GET, 200 at once, in OpenTelemetry", fromElsewhere("ns/op"), nil},
		{"fleet.Store", "GET with a budget in a store on loopback, which is in the same process", fromElsewhere("ns/op"), nil},
	}
)

// streamed is of what is measured in megabytes.
var streamed = []string{"cpu-ns/op", "MB/s", "peak-MiB", "B/op", "allocs/op"}

// fromElsewhere is of benchmarks of other packages, which measure the time of the clock.
func fromElsewhere(first string) []string { return []string{first, "B/op", "allocs/op"} }

// allTables are the tables and those of the tail under faults.
func allTables() []table {
	all := append([]table(nil), tables...)
	for _, r := range tail.Rows() {
		units := []string{"%well", "p50-ms", "p99-ms"}
		if r.Requests >= 2000 {
			units = append(units, "p99.9-ms")
		}
		units = append(units, "attempts/request", "conns", "corrupt")
		if r.Method == "POST" {
			units = append(units, "twice")
		}
		title := fmt.Sprintf("Faults: %s (%s requests, %d a second)", r.Title, number(float64(r.Requests)), r.Rate)
		all = append(all, table{"Tail/" + r.Name, title, units, []string{"%well", "p99-ms"}})
	}
	return all
}
