//go:build go1.27

package retrytest_test

// caughtIfItOnlyCloses is empty since Go 1.27: net/http itself reads on after Close, for up to 256 KiB and 50 ms. This
// file and its counterpart go in February 2027, with Go 1.26.
var caughtIfItOnlyCloses []string
