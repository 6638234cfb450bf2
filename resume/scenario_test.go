package resume_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// A scenario is a server whose object, breaks and lies are chosen by a seed. It never sends other bytes under the same
// strong validator, which nobody could tell; short of that, it may do anything.
type scenario struct {
	mu        sync.Mutex
	rand      *rand.Rand
	object    []byte
	other     []byte // what the object becomes
	validator http.Header
	ranged    string // what the caller asks for
	chunked   bool   // whether the first answer has no length
	left      int    // how many answers may go wrong
	count     int
}

func newScenario(seed uint64) *scenario {
	r := rand.New(rand.NewPCG(seed, 1))
	size := 1 + r.IntN(3000)
	if r.IntN(10) == 0 {
		size = 1 + r.IntN(400_000)
	}
	s := &scenario{rand: r, object: content(size), other: make([]byte, 1+r.IntN(2*size)), left: r.IntN(8)}
	s.validator = [...]http.Header{
		{"Etag": {tag}}, {"Etag": {tag}}, {"Etag": {tag}}, {"Etag": {"W/" + tag}}, {},
		{"Last-Modified": {"Sat, 01 Jan 1994 00:00:00 GMT"}},
	}[r.IntN(6)]
	from := r.IntN(size)
	s.ranged = [...]string{
		"", "", "bytes=0-",
		fmt.Sprintf("bytes=%d-", from),
		fmt.Sprintf("bytes=%d-%d", from, from+r.IntN(size)),
		fmt.Sprintf("bytes=-%d", 1+r.IntN(2*size)),
	}[r.IntN(6)]
	s.chunked = s.ranged == "" && r.IntN(3) == 0
	return s
}

// chance is true once in n times.
func (s *scenario) chance(n int) bool { return s.rand.IntN(n) == 0 }

func (s *scenario) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.count++
	for name, values := range s.validator {
		w.Header()[name] = values
	}
	if s.left--; s.left >= 0 {
		if !s.chance(5) {
			w = &breaker{w, s.rand.IntN(len(s.object) + 1)}
		}
		if s.count > 1 && s.chance(2) {
			s.lie(w, r)
			return
		}
	}
	if s.chunked && s.count == 1 {
		http.NewResponseController(w).Flush()
		w.Write(s.object)
		return
	}
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(s.object))
}

// lie answers a continuation wrongly, or in one of the rarer ways that are right.
func (s *scenario) lie(w http.ResponseWriter, r *http.Request) {
	h, size := w.Header(), len(s.object)
	start, end, total := s.near(0), s.near(size), s.near(size)
	if _, err := fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-", &start); err == nil {
		start = min(s.near(start), size)
	}
	if s.chunked && (end == total || start == total) {
		// Who does not know how long the object is can't tell that it is another length.
		end, total = size, size
	}
	body := s.object[start:min(max(start, end), size)]
	switch s.rand.IntN(9) {
	case 0: // another status
		w.WriteHeader([...]int{204, 301, 304, 400, 403, 404, 410, 412, 418, 429, 500, 503}[s.rand.IntN(12)])
	case 1: // a 416, right or wrong
		h.Set("Content-Range", fmt.Sprintf("bytes */%d", total))
		w.WriteHeader(http.StatusRequestedRangeNotSatisfiable)
	case 2: // the whole, the same or changed
		if s.chance(2) {
			s.change(h)
			body = s.other
		} else {
			body = s.object
		}
		s.write(w, 200, body)
	case 3: // a part of other content
		s.change(h)
		h.Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", start, end-1, total))
		s.write(w, 206, make([]byte, max(end-start, 0)))
	default:
		s.liePart(w, body, start, end, total)
	}
}

// liePart answers with a part that does not fit, or may do so.
func (s *scenario) liePart(w http.ResponseWriter, body []byte, start, end, total int) {
	h := w.Header()
	h.Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", start, end-1, total))
	switch s.rand.IntN(5) {
	case 0: // no Content-Range, or one that says nothing
		h["Content-Range"] = [][]string{nil, {"bytes */*"}, {"bytes"}, {"bytes 0-0/1", "bytes 0-0/1"}}[s.rand.IntN(4)]
		s.write(w, 206, body)
	case 1: // many parts
		h.Del("Content-Range")
		h.Set("Content-Type", "multipart/byteranges; boundary=x")
		s.write(w, 206, s.other)
	case 2: // content that is encoded
		h.Set("Content-Encoding", "gzip")
		s.write(w, 206, s.other)
	default: // a part that may be right, and may have more or fewer bytes than it says
		body = append(body[:len(body):len(body)], s.other...)
		s.write(w, 206, body[:min(max(s.near(end-start), 0), len(body))])
	}
}

// near is n, or a number not far from it, but never negative.
func (s *scenario) near(n int) int {
	if !s.chance(3) {
		return n
	}
	return max(n+s.rand.IntN(5)-2, 0)
}

// change makes the validator another one, or takes it away. A 206 without Last-Modified says by its status that the
// content is the one which If-Range names.
func (s *scenario) change(h http.Header) {
	kinds := 4
	if h.Get("Last-Modified") != "" {
		kinds = 3
	}
	h.Del("Etag")
	h.Del("Last-Modified")
	switch s.rand.IntN(kinds) {
	case 0:
		h.Set("Etag", `"v2"`)
	case 1:
		h.Set("Etag", "W/"+tag)
	case 2:
		h.Set("Last-Modified", "Sat, 01 Jan 1994 00:00:01 GMT")
	}
}

func (s *scenario) write(w http.ResponseWriter, status int, body []byte) {
	switch {
	case s.chance(2):
	case s.chunked && status == http.StatusOK:
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	default:
		w.Header().Set("Content-Length", strconv.Itoa(s.near(len(body))))
	}
	w.WriteHeader(status)
	w.Write(body)
}

// wanted is what the caller asks for.
func (s *scenario) wanted() []byte {
	r := &http.Request{Method: http.MethodGet, Header: http.Header{}}
	if s.ranged != "" {
		r.Header.Set("Range", s.ranged)
	}
	w := recorder{header: http.Header{}}
	http.ServeContent(&w, r, "", time.Time{}, bytes.NewReader(s.object))
	return w.Bytes()
}

type recorder struct {
	bytes.Buffer
	header http.Header
}

func (r *recorder) Header() http.Header { return r.header }
func (r *recorder) WriteHeader(int)     {}
