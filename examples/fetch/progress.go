package main

import (
	"fmt"
	"io"
	"time"
)

// A progress tells how much has come: on a terminal in a line that is written over, else in one every ten seconds.
type progress struct {
	out         io.Writer
	live        bool
	done, total int64 // in bytes; a total of -1 is not known
	told        time.Time
}

// Write counts bytes that have come, and never fails.
func (p *progress) Write(b []byte) (int, error) {
	p.done += int64(len(b))
	pause := 10 * time.Second
	if p.live {
		pause = 100 * time.Millisecond
	}
	now := time.Now()
	if p.told.IsZero() && !p.live {
		p.told = now // a short download has nothing to tell
	}
	if now.Sub(p.told) < pause {
		return len(b), nil
	}
	p.told = now
	if !p.live {
		p.line("%s", size(p.done, p.total))
		return len(b), nil
	}
	p.clear()
	fmt.Fprint(p.out, size(p.done, p.total))
	return len(b), nil
}

// line prints a line of its own.
func (p *progress) line(format string, a ...any) {
	p.clear()
	fmt.Fprintf(p.out, format+"\n", a...)
}

// clear takes away the line that is written over.
func (p *progress) clear() {
	if p.live {
		fmt.Fprint(p.out, "\r\x1b[K")
	}
}

func size(done, total int64) string {
	if total < 0 {
		return amount(done)
	}
	return amount(done) + " of " + amount(total)
}

func amount(n int64) string {
	if n < 1e6 {
		return fmt.Sprint(n, " bytes")
	}
	return fmt.Sprintf("%.1f MB", float64(n)/1e6)
}
