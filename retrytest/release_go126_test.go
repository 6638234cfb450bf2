//go:build !go1.27

package retrytest_test

// caughtIfItOnlyCloses are the subtests that fail a wrapper because it closes a response without reading it: up to Go
// 1.26 net/http then closes the connection. This file and its counterpart go in February 2027, with Go 1.26.
var caughtIfItOnlyCloses = []string{"ConnectionReuse"}
