package httpfault

import (
	"fmt"
	"strings"
	"time"
)

// report fails the test if script and requests don't match.
func (s *Server) report() {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	left, beyond := s.script.all.left(), 0
	for _, q := range s.script.order {
		left += q.left()
	}
	for _, rec := range s.log {
		if rec.note == "beyond the script" {
			beyond++
		}
	}
	if left == 0 && beyond == 0 {
		return
	}
	s.t.Errorf("httpfault: script and requests differ: %s left over, %s beyond the script\n%s%s",
		plural(left, "step"), plural(beyond, "request"), s.script.text(), s.logText())
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func (sc *script) text() string {
	var b strings.Builder
	queues := sc.order
	if len(sc.all.entries) > 0 || len(queues) == 0 {
		queues = append([]*queue{&sc.all}, queues...)
	}
	for _, q := range queues {
		b.WriteString("script")
		if q.path != "" {
			fmt.Fprintf(&b, " On(%q)", q.path)
		}
		b.WriteString(":\n")
		q.text(&b)
	}
	return b.String()
}

func (q *queue) text(b *strings.Builder) {
	if len(q.entries) == 0 {
		b.WriteString("\tno steps\n")
	}
	for i, e := range q.entries {
		fmt.Fprintf(b, "\t%d. %v: ", i+1, e.step)
		if len(e.used) > 0 {
			fmt.Fprintf(b, "used by %s", strings.Join(e.used, ", "))
		}
		switch {
		case e.left > 0 && len(e.used) > 0:
			fmt.Fprintf(b, "; %d left over", e.left)
		case e.left > 0:
			b.WriteString("LEFT OVER")
		}
		b.WriteByte('\n')
	}
}

func (s *Server) logText() string {
	var b strings.Builder
	b.WriteString("requests:\n")
	if len(s.log) == 0 {
		fmt.Fprintf(&b, "\tnone, over %s\n", plural(s.accepted, "connection"))
	}
	for _, rec := range s.log {
		r := rec.snapshot()
		whole := "whole"
		if !r.Whole {
			whole = "not whole"
		}
		fmt.Fprintf(&b, "\t%d. %s %s, %s, connection %d, %v after the start, body of %d bytes, %s: %s\n",
			r.Number, r.Method, r.Path, r.Proto, r.Connection,
			r.Time.Sub(s.start).Round(time.Millisecond), r.BodyLength, whole, rec.note)
	}
	return b.String()
}
