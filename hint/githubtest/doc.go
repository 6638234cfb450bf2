// Package githubtest tests package hint with go-github. It is a module of its own, so that nobody who imports retry
// requires that.
package githubtest
