//go:build !unix

package bench_test

import "time"

var start = time.Now()

// cpuTime is the time of the clock where there is no better one.
func cpuTime() time.Duration { return time.Since(start) }
