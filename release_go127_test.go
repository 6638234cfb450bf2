//go:build go1.27

package retry_test

import "time"

// What net/http does otherwise since Go 1.27. This file and its counterpart go in February 2027, with Go 1.26.
const (
	// reuseWait is the backoff from which on one connection serves every retry: net/http reads the page of an attempt
	// after its Close, for up to closeLingers, and a retry that comes before the end of it takes another connection.
	reuseWait = 2 * closeLingers

	// closeLingers is how long net/http keeps a connection after the Close of a body that has more to come.
	closeLingers = 50 * time.Millisecond
)
