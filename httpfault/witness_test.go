package httpfault_test

import (
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
)

// A witness is a testing.TB that keeps what it is told.
type witness struct {
	testing.TB
	mu       sync.Mutex
	failures []string
	cleanups []func()
}

func (w *witness) Helper() {}

func (w *witness) Cleanup(f func()) { w.cleanups = append(w.cleanups, f) }

func (w *witness) Errorf(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.failures = append(w.failures, fmt.Sprintf(format, args...))
}

func (w *witness) Fatalf(format string, args ...any) {
	w.Errorf(format, args...)
	runtime.Goexit()
}

// failuresOf runs a test with its cleanups, and returns what it failed with.
func failuresOf(test func(t testing.TB)) string {
	w := new(witness)
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() {
			for _, f := range w.cleanups {
				f()
			}
		}()
		test(w)
	}()
	<-done
	return strings.Join(w.failures, "\n")
}
