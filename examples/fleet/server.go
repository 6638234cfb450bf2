package main

import (
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// bearable is how many attempts of each process the server bears in half a second: one more request than the process
// makes.
const bearable = 3

// A server thrashes: after a half second with more attempts than it can bear, it serves nobody in the next.
type server struct {
	*httptest.Server
	down     atomic.Bool
	bears    int
	mu       sync.Mutex
	total    counts
	window   time.Time // when the current half second began
	inWindow int
	thrashes bool
}

type counts struct{ attempts, served, suppressed int }

func newServer(p plan) *server {
	s := &server{bears: bearable * p.processes}
	s.Server = httptest.NewServer(s)
	return s
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !s.serves(r, time.Now()) {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
}

func (s *server) serves(r *http.Request, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if now.Sub(s.window) >= time.Second/2 {
		s.thrashes = s.inWindow > s.bears
		s.window, s.inWindow = now, 0
	}
	s.inWindow++
	s.total.attempts++
	suppressed, _ := strconv.Atoi(r.Header.Get(suppressedHeader))
	s.total.suppressed += suppressed
	if s.down.Load() || s.thrashes {
		return false
	}
	s.total.served++
	return true
}

// count returns what has been since it was last called.
func (s *server) count() counts {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.total
	s.total = counts{}
	return c
}
