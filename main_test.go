package retry_test

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"
)

// TestMain demands, after all tests, that no goroutine is left and that every watched body is closed.
func TestMain(m *testing.M) {
	code := m.Run()
	if code == 0 && !fuzzing() {
		code = reportLeaks()
	}
	os.Exit(code)
}

// fuzzing: the testing package then has goroutines of its own.
func fuzzing() bool {
	f := flag.Lookup("test.fuzz")
	return f != nil && f.Value.String() != ""
}

func reportLeaks() (code int) {
	unclosed.Range(func(b, test any) bool {
		fmt.Fprintf(os.Stderr, "leaked body: %s of %s\n", b.(*watched).name, test)
		code = 1
		return true
	})
	for _, stack := range leakedGoroutines() {
		fmt.Fprintf(os.Stderr, "leaked goroutine: %s\n\n", stack)
		code = 1
	}
	return code
}

// leakedGoroutines gives goroutines that are about to end, such as those of connections just closed, time to do so.
func leakedGoroutines() (stacks []string) {
	for wait := time.Millisecond; wait < 5*time.Second; wait *= 2 {
		if stacks = otherGoroutines(); len(stacks) == 0 {
			return nil
		}
		time.Sleep(wait)
	}
	return stacks
}

// otherGoroutines returns the stacks of all goroutines but this one and those of the runtime and of package testing.
func otherGoroutines() (stacks []string) {
	buf := make([]byte, 1<<20)
	all := strings.Split(string(buf[:runtime.Stack(buf, true)]), "\n\n")
	for _, stack := range all[1:] {
		if !strings.Contains(stack, "os/signal.") && !strings.Contains(stack, "testing.") {
			stacks = append(stacks, stack)
		}
	}
	return stacks
}
