// Package e2e has the tests of the whole: a matrix of one request through each fault of a server, and a soak, which
// sends many through random ones. It has nothing to import.
package e2e
