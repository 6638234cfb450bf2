// Package retrytest has a scripted fault server for tests of HTTP clients.
package retrytest
