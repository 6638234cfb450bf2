package retry_test

import (
	"context"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed-e3550de8/retry"
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

// A watched body knows what was done to it. TestMain demands that all of them are closed. It closes its Reader if that
// is a Closer, which is how a Read that waits may end. As a request's body it counts as one that reads from memory.
type watched struct {
	retry.InMemory
	io.Reader
	name  string
	begin time.Time

	mu       sync.Mutex
	bytes    int
	sawEnd   bool
	closes   int
	closedAt time.Duration
}

// unclosed are the watched bodies that are open, and the tests that made them.
var unclosed sync.Map

func watch(name string, r io.Reader) *watched {
	b := &watched{Reader: r, name: name, begin: time.Now()}
	unclosed.Store(b, currentTest())
	return b
}

// currentTest returns the name of the test function that the caller was called by.
func currentTest() string {
	pc := make([]uintptr, 64)
	frames := runtime.CallersFrames(pc[:runtime.Callers(2, pc)])
	for frame, more := frames.Next(); more; frame, more = frames.Next() {
		if _, name, ok := strings.Cut(frame.Function, "retry_test.Test"); ok {
			return "Test" + name
		}
	}
	return "no test"
}

func (b *watched) Read(p []byte) (int, error) {
	if b.isClosed() {
		return 0, http.ErrBodyReadAfterClose
	}
	n, err := b.Reader.Read(p)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.bytes += n
	b.sawEnd = b.sawEnd || err == io.EOF
	return n, err
}

func (b *watched) Close() error {
	unclosed.Delete(b)
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closes++; b.closes > 1 {
		return nil
	}
	b.closedAt = time.Since(b.begin)
	if c, ok := b.Reader.(io.Closer); ok {
		return c.Close()
	}
	return nil
}

func (b *watched) isClosed() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.closes > 0
}

func (b *watched) read() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.bytes
}

// A readerFunc is an io.Reader of one function.
type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// endless is a body that is always there.
type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

// drip is a body that yields a byte at a time, after each pause, n of them, or endlessly if n is negative. Close ends a
// Read that waits.
func drip(pause time.Duration, n int) io.ReadCloser {
	return &dripper{pause: pause, left: n, closed: make(chan struct{})}
}

type dripper struct {
	pause  time.Duration
	left   int
	closed chan struct{}
}

func (d *dripper) Read(p []byte) (int, error) {
	select {
	case <-time.After(d.pause):
	case <-d.closed:
		return 0, http.ErrBodyReadAfterClose
	}
	if d.left == 0 {
		return 0, io.EOF
	}
	d.left--
	return 1, nil
}

func (d *dripper) Close() error {
	close(d.closed)
	return nil
}

// A trail records what OnAttempt is told.
type trail struct {
	mu    sync.Mutex
	steps []step
}

type step struct {
	retry.Decision
	err    error
	status int
	at     time.Time
}

func (tr *trail) watch(a retry.Attempt, d retry.Decision) {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	s := step{Decision: d, err: a.Err, at: time.Now()}
	if a.Response != nil {
		s.status = a.Response.StatusCode
	}
	tr.steps = append(tr.steps, s)
}

func (tr *trail) last() step { return tr.steps[len(tr.steps)-1] }

// eager retries at once, and as often as attempts allow.
func (tr *trail) eager(attempts int) retry.Policy {
	return retry.Policy{
		MaxAttempts: attempts, Backoff: retry.Constant(0), Budget: retry.Unlimited, OnAttempt: tr.watch,
	}
}

// An endable context is foreign to package context, so that a context made from it costs a goroutine. Its Err may tell
// of its end before Done does.
type endable struct {
	context.Context
	done     chan struct{}
	deadline time.Time
}

func newEndable(t *testing.T) *endable {
	return &endable{Context: context.WithoutCancel(t.Context()), done: make(chan struct{})}
}

func (c *endable) end()                  { close(c.done) }
func (c *endable) Done() <-chan struct{} { return c.done }
func (c *endable) Err() error {
	select {
	case <-c.done:
		return context.Canceled
	default:
	}
	if !c.deadline.IsZero() && !time.Now().Before(c.deadline) {
		return context.Canceled
	}
	return nil
}
