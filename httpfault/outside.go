package httpfault

import (
	"fmt"
	"strings"
	"sync"
	"testing"
)

// A tester is what a Server needs of a testing.TB.
type tester interface {
	Helper()
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
	Cleanup(func())
}

// An outsider stands in for the testing.TB of an Example, which has none.
type outsider struct {
	mu       sync.Mutex
	failures []string
}

func newTester(t testing.TB) tester {
	if t == nil {
		return new(outsider)
	}
	return t
}

func (o *outsider) Helper()                           {}
func (o *outsider) Cleanup(func())                    {}
func (o *outsider) Fatalf(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }

// Errorf may be called by a goroutine of the server, where a panic would end the process.
func (o *outsider) Errorf(format string, args ...any) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.failures = append(o.failures, fmt.Sprintf(format, args...))
}

// raise panics with what went wrong, if something did.
func (o *outsider) raise() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.failures) > 0 {
		panic(strings.Join(o.failures, "\n"))
	}
}
