//go:build go1.27

package e2e_test

// netHTTPSendsAgain is whether net/http sends a request again whose stream met PROTOCOL_ERROR, whatever its method:
// since Go 1.27 it does not. This file and its counterpart go in February 2027, with Go 1.26.
const netHTTPSendsAgain = false

// closeWaitsForGzip is whether the Close of a response's body waits for a Read that waits for the header of gzip: since
// Go 1.27 it does not.
const closeWaitsForGzip = false

// netHTTPLeavesDrains is whether the body of a response that is not wanted is read by this package, so that its
// connection can be used again: since Go 1.27 net/http does that.
const netHTTPLeavesDrains = false
