//go:build !race

package retry_test

// raceDetector: it allocates on its own account, so allocations are counted without it.
const raceDetector = false
