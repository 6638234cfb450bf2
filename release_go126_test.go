//go:build !go1.27

package retry_test

// What net/http does otherwise up to Go 1.26. This file and its counterpart go in February 2027, with Go 1.26.
const (
	// reuseWait is the backoff from which on one connection serves every retry: the page of an attempt has been read by us
	// when the next begins.
	reuseWait = 0

	// closeLingers is how long net/http keeps a connection after the Close of a body that has more to come.
	closeLingers = 0
)
