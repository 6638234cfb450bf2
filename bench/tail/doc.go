// Package tail measures what callers feel while a few requests fail.
//
// A server on the loopback interface answers in a millisecond, and fails by a script: which attempt of which request
// meets which fault is drawn once, from the numbers of both. Requests come at a steady rate, whatever becomes of those
// before, so that who fails fast does not fail more often, and who is slow does not slow down the server.
package tail
