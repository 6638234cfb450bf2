package main

import (
	"crypto/sha256"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// A store keeps one file, and breaks. It is for one client, whose requests come one after the other.
type store struct {
	path string
	size int64

	mu   sync.Mutex
	puts int
	gets int
	sum  string // of the file, once it is there
}

// start starts the server on the loopback interface.
func start(dir string, size int64, handler func(http.Handler) http.Handler) *httptest.Server {
	s := &store{path: filepath.Join(dir, "stored"), size: size}
	mux := http.NewServeMux()
	mux.HandleFunc("PUT /", s.put)
	mux.HandleFunc("GET /", s.get)
	return httptest.NewServer(handler(mux))
}

// put answers the first upload before its body, breaks the second one off, and takes the third.
func (s *store) put(w http.ResponseWriter, r *http.Request) {
	switch s.count(&s.puts) {
	case 1:
		w.WriteHeader(http.StatusServiceUnavailable)
	case 2:
		io.CopyN(io.Discard, r.Body, s.size/2)
		reset(w)
	default:
		s.keep(w, r)
	}
}

func (s *store) keep(w http.ResponseWriter, r *http.Request) {
	file, err := os.Create(s.path)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	defer file.Close()
	sum := sha256.New()
	if _, err := io.Copy(io.MultiWriter(file, sum), r.Body); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	s.mu.Lock()
	s.sum = text(sum)
	s.mu.Unlock()
	w.WriteHeader(http.StatusCreated)
	io.WriteString(w, text(sum))
}

// get breaks the first three answers off after 30 % of the file each, and is unavailable once in between.
func (s *store) get(w http.ResponseWriter, r *http.Request) {
	n := s.count(&s.gets)
	if n == 3 {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	file, err := os.Open(s.path)
	if err != nil {
		http.Error(w, err.Error(), http.StatusNotFound)
		return
	}
	defer file.Close()
	s.mu.Lock()
	w.Header().Set("ETag", `"`+s.sum+`"`)
	s.mu.Unlock()
	if n <= 4 {
		w = &broken{w, s.size * 3 / 10}
	}
	http.ServeContent(w, r, "", time.Time{}, file)
}

func (s *store) count(n *int) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	*n++
	return *n
}

// A broken response ends its connection after so many bytes.
type broken struct {
	http.ResponseWriter
	left int64
}

func (b *broken) Write(p []byte) (int, error) {
	if int64(len(p)) <= b.left {
		b.left -= int64(len(p))
		return b.ResponseWriter.Write(p)
	}
	b.ResponseWriter.Write(p[:b.left])
	http.NewResponseController(b.ResponseWriter).Flush()
	panic(http.ErrAbortHandler)
}

// reset ends the request's connection with a TCP reset.
func reset(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		tcp.SetLinger(0)
	}
	conn.Close()
}
