package main

import (
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
)

// A screen shows a transfer: on a terminal with a live bar, which has the rate, and else with lines alone. It may be
// used by many goroutines at once, since an attempt that was answered early may still be reading its body.
type screen struct {
	out, log io.Writer // the results, and what happens meanwhile
	live     bool      // log is a terminal

	mu    sync.Mutex
	bar   *progressbar.ProgressBar // nil unless live
	began time.Time
}

func (s *screen) begin(what string, size int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.began = time.Now()
	if !s.live {
		fmt.Fprintf(s.log, "%s of %s\n", what, megabytes(size))
		return
	}
	s.bar = progressbar.NewOptions64(size, progressbar.OptionSetWriter(s.log), progressbar.OptionSetDescription(what),
		progressbar.OptionShowBytes(true), progressbar.OptionShowCount(), progressbar.OptionFullWidth(),
		progressbar.OptionThrottle(50*time.Millisecond), progressbar.OptionClearOnFinish())
}

// Write counts bytes that were moved, and never fails.
func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.bar != nil {
		_ = s.bar.Add(len(p)) // it fails when more than one attempt is reading
	}
	return len(p), nil
}

// reset takes the bar back to the start, for another attempt.
func (s *screen) reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.bar != nil {
		s.bar.Reset()
	}
}

// line prints a line, above the bar.
func (s *screen) line(format string, a ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.bar != nil {
		_ = s.bar.Clear()
	}
	fmt.Fprintf(s.log, format+"\n", a...)
}

// end takes the bar away and returns how long the transfer took.
func (s *screen) end() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.bar != nil {
		_ = s.bar.Clear()
		s.bar = nil
	}
	return time.Since(s.began)
}

func megabytes(n int64) string { return fmt.Sprintf("%.1f MB", float64(n)/1e6) }
