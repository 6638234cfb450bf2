//go:build go1.27

package httpfault_test

// sentAgain is whether net/http sends a request again whose stream met PROTOCOL_ERROR. Since Go 1.27 it does not. This
// file and its counterpart go in February 2027, with Go 1.26.
const sentAgain = false
