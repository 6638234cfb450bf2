// Package memnet has network connections in memory that behave like TCP and can live in a bubble of testing/synctest:
// whoever waits for one of them waits durably, so that the bubble's clock goes on. Both the fault server and the
// conformance kit stand on it.
package memnet
