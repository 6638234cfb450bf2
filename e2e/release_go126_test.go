//go:build !go1.27

package e2e_test

// netHTTPSendsAgain is whether net/http sends a request again whose stream met PROTOCOL_ERROR, whatever its method: up
// to Go 1.26 it does. This file and its counterpart go in February 2027, with Go 1.26.
const netHTTPSendsAgain = true

// closeWaitsForGzip is whether the Close of a response's body waits for a Read that waits for the header of gzip: up to
// Go 1.26 it does, by a mutex, so that the clock of a bubble stands still, and in real life it may wait for ever.
const closeWaitsForGzip = true

// netHTTPLeavesDrains is whether the body of a response that is not wanted is read by this package, so that its
// connection can be used again.
const netHTTPLeavesDrains = true
