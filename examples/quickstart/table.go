package main

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

// A table prints the attempts as they are made. On a terminal it also shows the time that is left of a wait.
type table struct {
	out      io.Writer
	terminal bool
	stop     func() // ends the display of the current wait
}

func newTable(out io.Writer, terminal bool) *table {
	return &table{out: out, terminal: terminal, stop: func() {}}
}

func isTerminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

func (t *table) head() {
	fmt.Fprintln(t.out, "A wait in brackets was not waited: the call ended instead.")
	fmt.Fprintln(t.out)
	t.row("REQUEST", "ATTEMPT", "OUTCOME", "CLASS", "WAIT", "FROM", "STOPPED BECAUSE")
}

func (t *table) row(request, attempt, outcome, class, wait, from, stopped string) {
	line := fmt.Sprintf("%-21s %-7s  %-25s %-11s %8s  %-7s  %s", request, attempt, outcome, class, wait, from, stopped)
	fmt.Fprintln(t.out, strings.TrimRight(line, " "))
}

// attempt is a Policy.OnAttempt.
func (t *table) attempt(a retry.Attempt, d retry.Decision) {
	t.stop()
	wait, from := "", ""
	if d.Delay > 0 {
		wait, from = rounded(d.Delay), "backoff"
	}
	if d.FromServer {
		from = "server"
	}
	if d.Delay > 0 && !d.Retry {
		wait = "(" + wait + ")"
	}
	t.row(a.Request.Method+" "+a.Request.URL.Path, fmt.Sprint(a.Number), outcome(a), d.Class.String(), wait, from, stopped(d))
	if d.Retry && t.terminal {
		t.stop = t.countDown(d.Delay)
	}
}

func rounded(d time.Duration) string { return fmt.Sprintf("%.2fs", d.Seconds()) }

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

func stopped(d retry.Decision) string {
	switch {
	case d.Retry:
		return ""
	case d.Reason == nil:
		return "done"
	}
	return d.Reason.Error()
}

func (t *table) verdict(promise string, err error) {
	t.stop()
	if err != nil {
		fmt.Fprintf(t.out, "  FAILED: %s: %v\n\n", promise, err)
		return
	}
	fmt.Fprintf(t.out, "  ok: %s\n\n", promise)
}

// countDown shows what is left of the wait d, until the function that it returns is called.
func (t *table) countDown(d time.Duration) (stop func()) {
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
