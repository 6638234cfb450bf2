package realworld_test

import (
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// A fault is what becomes of a request instead of what a server would do.
type fault func(w http.ResponseWriter, r *http.Request, server http.Handler)

// A front gives the first request of a kind a fault, and counts them all.
type front struct {
	server http.Handler
	kind   func(*http.Request) string
	faults map[string]fault

	mu   sync.Mutex
	seen map[string]int
	done map[string]int // how many the server carried out, that is, answered by a 2xx
}

func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	kind := f.kind(r)
	server := f.counted(kind)
	if what := f.faults[kind]; f.isFirst(kind) && what != nil {
		what(w, r, server)
		return
	}
	server.ServeHTTP(w, r)
}

func (f *front) isFirst(kind string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.seen[kind]++
	return f.seen[kind] == 1
}

// counted is the server, with what it carries out counted.
func (f *front) counted(kind string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sent := &statusWriter{w, http.StatusOK}
		f.server.ServeHTTP(sent, r)
		f.mu.Lock()
		defer f.mu.Unlock()
		if sent.status < 300 {
			f.done[kind]++
		}
	})
}

// A statusWriter knows the status of its answer.
type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// requireDone demands that the server carried out the requests of each kind so often.
func (f *front) requireDone(t *testing.T, want map[string]int) {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	require.Equal(t, want, f.done)
}

// arrived returns how many requests there were of the kinds that begin so.
func (f *front) arrived(prefix string) (n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for kind, seen := range f.seen {
		if strings.HasPrefix(kind, prefix) {
			n += seen
		}
	}
	return n
}

// answers reads the request and answers with a status and a text.
func answers(status int, text string) fault {
	return func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, text)
	}
}

// answersEarly reads nothing of the body, and closes the connection.
func answersEarly(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
	w.Header().Set("Connection", "close")
	w.WriteHeader(http.StatusServiceUnavailable)
}

// resets reads a part of the body and resets the connection.
func resets(w http.ResponseWriter, r *http.Request, _ http.Handler) {
	_, _ = io.CopyN(io.Discard, r.Body, r.ContentLength/2)
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(err)
	}
	_ = conn.(*net.TCPConn).SetLinger(0)
	_ = conn.Close()
}

// loses carries out the request and closes the connection without the answer.
func loses(_ http.ResponseWriter, r *http.Request, server http.Handler) {
	server.ServeHTTP(httptest.NewRecorder(), r)
	panic(http.ErrAbortHandler)
}

// breaksOff sends the first half of the answer's body.
func breaksOff(w http.ResponseWriter, r *http.Request, server http.Handler) {
	answer := httptest.NewRecorder()
	server.ServeHTTP(answer, r)
	maps.Copy(w.Header(), answer.Header())
	w.WriteHeader(answer.Code)
	_, _ = w.Write(answer.Body.Bytes()[:answer.Body.Len()/2])
	_ = http.NewResponseController(w).Flush()
	panic(http.ErrAbortHandler)
}

// newFront starts a server with a front, and returns its address.
func newFront(
	t *testing.T, server http.Handler, kind func(*http.Request) string, faults map[string]fault,
) (*front, string) {
	t.Helper()
	f := &front{server: server, kind: kind, faults: faults, seen: map[string]int{}, done: map[string]int{}}
	front := httptest.NewServer(f)
	t.Cleanup(front.Close)
	return f, front.Listener.Addr().String()
}
