//go:build !go1.27

package httpfault_test

// sentAgain is whether net/http sends a request again whose stream met PROTOCOL_ERROR. Up to Go 1.26 it does so on a
// new connection, however often it happens: mostly at once, and after a second if the connection was not the first that
// it was offered. This file and its counterpart go in February 2027, with Go 1.26.
const sentAgain = true
