package retry

import (
	"errors"
	"io"
	"math"
	"net/http"
	"os"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
)

// A section is the body of one attempt. It has an offset of its own, because an earlier attempt may still be reading.
type section struct {
	source *source
	off    int64 // of the next Read; source.start <= off <= source.end
	held   bool  // counts as a user of source
	closed atomic.Bool
}

// section returns a body that reads s from its start.
func (s *source) section() io.ReadCloser {
	c := &section{source: s, off: s.start, held: s.acquire()}
	if file, ok := s.at.(*os.File); ok {
		return &fileSection{section: c, file: file}
	}
	return c
}

// Read keeps the source open while it lasts: Close may come at any time from another goroutine, and what it closes may
// be no file but something that does not bear that.
func (s *section) Read(p []byte) (int, error) {
	if s.closed.Load() || !s.source.acquire() {
		return 0, http.ErrBodyReadAfterClose
	}
	defer s.source.release()
	return s.read(p)
}

func (s *section) read(p []byte) (int, error) {
	rest := s.source.end - s.off
	switch {
	case rest <= 0:
		return 0, io.EOF
	case len(p) == 0:
		return 0, nil
	}
	p = p[:min(int64(len(p)), rest)]
	n, err := s.source.at.ReadAt(p, s.off)
	n = min(max(n, 0), len(p))
	s.off += int64(n)
	switch {
	case n > 0 && (err == nil || err == io.EOF):
		return n, nil
	case err == nil:
		return 0, io.ErrNoProgress
	case err == io.EOF && s.source.end < math.MaxInt64:
		return 0, &shortBodyError{s.off - s.source.start, s.source.end - s.source.start}
	}
	return n, err
}

func (s *section) cannotDial() bool { return readsHere(s.source.at) }

func (s *section) Close() error {
	if !s.closed.Swap(true) && s.held {
		s.source.release()
	}
	return nil
}

// A fileSection is a section that the kernel can send by itself.
type fileSection struct {
	*section
	file *os.File

	mu    sync.Mutex
	own   *os.File // the same file with an offset that is this section's alone, while the kernel goes by it
	asked bool
}

// SyscallConn is what package net asks for to use sendfile, which goes by the offset of a descriptor and moves it. It
// is tempting to hand out the file that is there to all, but then attempts would share an offset: the first who asks
// has it, the others open the file again by its descriptor. Where that can't be, net falls back on Read.
func (s *fileSection) SyscallConn() (syscall.RawConn, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.asked || s.closed.Load() {
		return nil, os.ErrClosed
	}
	s.asked = true
	info, err := s.file.Stat()
	if err != nil || !info.Mode().IsRegular() || info.Size() > s.source.end {
		return nil, errors.ErrUnsupported // sendfile would go on beyond the section
	}
	if s.own = s.source.spare.Swap(nil); s.own == nil {
		if s.own, err = reopen(s.file); err != nil {
			return nil, err
		}
	}
	if _, err := s.own.Seek(s.off, io.SeekStart); err != nil {
		return nil, err
	}
	return s.own.SyscallConn()
}

func (s *fileSection) Read(p []byte) (int, error) {
	if err := s.follow(); err != nil {
		return 0, err
	}
	return s.section.Read(p)
}

// follow goes on where the kernel stopped, and from there without it.
func (s *fileSection) follow() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.own == nil {
		return nil
	}
	off, err := s.own.Seek(0, io.SeekCurrent)
	if err == nil {
		s.off = off
	}
	s.letGo()
	return err
}

// letGo closes what is not the source's.
func (s *fileSection) letGo() {
	if s.own != nil && s.own != s.file {
		s.own.Close()
	}
	s.own = nil
}

func (s *fileSection) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.letGo()
	return s.section.Close()
}

// reopen opens a file anew. Unlike what dup makes, it has an offset of its own.
func reopen(file *os.File) (own *os.File, err error) {
	if runtime.GOOS != "linux" && runtime.GOOS != "android" {
		return nil, errors.ErrUnsupported
	}
	conn, err := file.SyscallConn()
	if err != nil {
		return nil, err
	}
	failed := conn.Control(func(fd uintptr) {
		own, err = os.Open("/proc/self/fd/" + strconv.Itoa(int(fd)))
	})
	return own, errors.Join(failed, err)
}
