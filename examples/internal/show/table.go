// Package show is how the examples show what happens: a table of attempts that fits 80 columns, with a verdict on each
// promise.
package show

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/seed-e3550de8/retry"
)

// A Table prints attempts as they are made, those of one request at a time, and counts what was kept of the promises.
// On a terminal it also shows the time that is left of a wait.
type Table struct {
	out          io.Writer
	terminal     bool
	stop         func() // ends the display of the current wait
	kept, broken int
}

// New returns a Table that prints to out, which is a terminal or not, and prints its head.
func New(out io.Writer, terminal bool) *Table {
	t := &Table{out: out, terminal: terminal, stop: func() {}}
	t.row("REQUEST", "#", "OUTCOME", "CLASS", "NEXT")
	return t
}

// IsTerminal reports whether f is a terminal, or another device of characters.
func IsTerminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

func (t *Table) row(request, number, outcome, class, next string) {
	line := fmt.Sprintf("%-20s  %-2s %-24.24s  %-9s  %s", request, number, outcome, class, next)
	fmt.Fprintln(t.out, strings.TrimRight(line, " "))
}

// Attempt is a [retry.Policy.OnAttempt].
func (t *Table) Attempt(a retry.Attempt, d retry.Decision) {
	t.stop()
	t.row(a.Request.Method+" "+a.Request.URL.Path, fmt.Sprint(a.Number), outcome(a), d.Class.String(), next(d))
	if d.Reason != nil {
		fmt.Fprintf(t.out, "  no retry: %v%s\n", d.Reason, instead(d))
	}
	if d.Retry && t.terminal {
		t.stop = t.countDown(d.Delay)
	}
}

func outcome(a retry.Attempt) string {
	if a.Err == nil {
		return fmt.Sprint(a.Response.StatusCode, " ", http.StatusText(a.Response.StatusCode))
	}
	innermost := a.Err
	for next := innermost; next != nil; next = errors.Unwrap(next) {
		innermost = next
	}
	return innermost.Error()
}

func next(d retry.Decision) string {
	switch {
	case !d.Retry:
		return "done"
	case d.FromServer:
		return rounded(d.Delay) + " server"
	}
	return rounded(d.Delay) + " backoff"
}

// instead tells of a wait that was not waited.
func instead(d retry.Decision) string {
	if d.Delay <= 0 {
		return ""
	}
	return " (" + rounded(d.Delay) + ")"
}

func rounded(d time.Duration) string { return fmt.Sprintf("%.2fs", d.Seconds()) }

// Verdict prints whether a promise was kept: it was if err is nil.
func (t *Table) Verdict(promise string, err error) {
	t.stop()
	if err != nil {
		t.broken++
		fmt.Fprintf(t.out, "  FAILED: %s:\n    %v\n\n", promise, err)
		return
	}
	t.kept++
	fmt.Fprintf(t.out, "  ok: %s\n\n", promise)
}

// End prints how many promises were kept, and returns how many were not.
func (t *Table) End() (broken int) {
	fmt.Fprintf(t.out, "%d passed, %d failed\n", t.kept, t.broken)
	return t.broken
}

// Equal is an error if got is not what was wanted.
func Equal[T comparable](what string, got, want T) error {
	if got == want {
		return nil
	}
	return fmt.Errorf("%s: got %v, want %v", what, got, want)
}

// countDown shows what is left of the wait d, until the function that it returns is called.
func (t *Table) countDown(d time.Duration) (stop func()) {
	const clear = "\r\x1b[K"
	done, stopped := make(chan struct{}), make(chan struct{})
	end := time.Now().Add(d)
	go func() {
		defer close(stopped)
		tick := time.NewTicker(50 * time.Millisecond)
		defer tick.Stop()
		for {
			fmt.Fprintf(t.out, "%s  waiting, %s left", clear, rounded(max(time.Until(end), 0)))
			select {
			case <-tick.C:
			case <-done:
				fmt.Fprint(t.out, clear)
				return
			}
		}
	}()
	return func() {
		t.stop = func() {}
		close(done)
		<-stopped
	}
}
