package httpfault

import (
	"fmt"
	"net/http"
	"strings"
)

// A script is what is to happen: steps for all requests, and steps for a path.
type script struct {
	all    queue
	byPath map[string]*queue
	order  []*queue // those of byPath, in the order of their first mention
}

// A queue is a list of steps of which the first ones are used up.
type queue struct {
	path    string // "" for all requests
	entries []*entry
}

type entry struct {
	step Step
	left int
	used []string // what used it
}

func (q *queue) add(steps []Step) {
	for _, s := range steps {
		q.entries = append(q.entries, &entry{step: s, left: s.count()})
	}
}

// head returns the entry whose turn it is, or nil, and its number, from 1.
func (q *queue) head() (*entry, int) {
	for i, e := range q.entries {
		if e.left > 0 {
			return e, i + 1
		}
	}
	return nil, 0
}

func (q *queue) left() int {
	n := 0
	for _, e := range q.entries {
		n += e.left
	}
	return n
}

func (e *entry) use(format string, args ...any) Step {
	e.left--
	e.used = append(e.used, fmt.Sprintf(format, args...))
	return e.step
}

// Add puts steps at the end of the script for all requests.
func (s *Server) Add(steps ...Step) {
	s.t.Helper()
	for i, st := range steps {
		s.check(fmt.Sprintf("step %d", i+1), st)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.script.all.add(steps)
}

// On puts steps at the end of the script for path, which is compared to the whole path of
// a request's URL. Requests for path then never meet the script for all requests: after the last
// step for path comes Config.Default. A step that takes a connection can't be for a path.
func (s *Server) On(path string, steps ...Step) {
	s.t.Helper()
	if !strings.HasPrefix(path, "/") {
		s.t.Fatalf("httpfault: On(%q): a path begins with a slash", path)
	}
	if len(steps) == 0 {
		s.t.Fatalf("httpfault: On(%q): no steps", path)
	}
	for i, st := range steps {
		what := fmt.Sprintf("On(%q): step %d", path, i+1)
		s.check(what, st)
		if st.onConn != nil {
			s.t.Fatalf("httpfault: %s: %v takes a connection, which has no path", what, st)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	q := s.script.byPath[path]
	if q == nil {
		q = &queue{path: path}
		if s.script.byPath == nil {
			s.script.byPath = make(map[string]*queue)
		}
		s.script.byPath[path] = q
		s.script.order = append(s.script.order, q)
	}
	q.add(steps)
}

func (s *Server) check(what string, st Step) {
	s.t.Helper()
	if wrong := st.check(s.cfg.Protocol); wrong != "" {
		s.t.Fatalf("httpfault: %s: %s", what, wrong)
	}
	if what == "Config.Default" && st.onConn != nil {
		s.t.Fatalf("httpfault: %s: %v takes a connection, not a request", what, st)
	}
}

// A turn is what the script says about one request.
type turn struct {
	step      Step
	closeConn bool // the next step takes a connection, so this one must not be used again
	notYet    bool // the next step takes a connection: this one came too early
}

// take gives the request its step and records it.
func (s *Server) take(c *conn, stream uint32, r *http.Request) (turn, *record) {
	s.mu.Lock()
	defer s.mu.Unlock()
	rec := newRecord(len(s.log)+1, c, stream, r)
	s.log = append(s.log, rec)
	q := s.script.byPath[r.URL.Path]
	if q == nil {
		q = &s.script.all
	}
	tn := turn{step: s.cfg.Default}
	e, n := q.head()
	switch {
	case e == nil && s.cfg.Strict:
		rec.note = "beyond the script"
	case e == nil:
		rec.note = "Default"
	case e.step.onConn != nil:
		tn.notYet = true
		rec.note = fmt.Sprintf("closed: step %d needs a new connection", n)
	default:
		tn.step = e.use("request %d", rec.Number)
		rec.note = q.name(n)
	}
	rec.Step = tn.step.String()
	if next, _ := s.script.all.head(); next != nil && next.step.onConn != nil {
		tn.closeConn = true
	}
	return tn, rec
}

func (q *queue) name(n int) string {
	if q.path == "" {
		return fmt.Sprintf("step %d", n)
	}
	return fmt.Sprintf("step %d of On(%q)", n, q.path)
}

// takeConnStep returns the next step, if it takes a connection.
func (s *Server) takeConnStep(c *conn) (Step, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e, _ := s.script.all.head()
	if e == nil || e.step.onConn == nil {
		return Step{}, false
	}
	return e.use("connection %d", c.number), true
}

// takeRefusal reports whether the next dial is to be refused.
func (s *Server) takeRefusal() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	e, _ := s.script.all.head()
	if e == nil || !e.step.refuse {
		return false
	}
	e.use("a dial")
	return true
}
