//go:build !go1.27

package e2e_test

// netHTTPSendsAgain is whether net/http sends a request again whose stream met PROTOCOL_ERROR, whatever its method: up
// to Go 1.26 it does. This file and its counterpart go in February 2027, with Go 1.26.
const netHTTPSendsAgain = true
