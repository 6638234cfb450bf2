package httpfault

import (
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"io"
	"net/http"
	"sync"
	"time"
)

// bodyPrefix is how much of a request's body is kept.
const bodyPrefix = 1 << 10

// A Request is what arrived of one request.
type Request struct {
	Number     int       // in the order of arrival, from 1
	Time       time.Time // when its header was read
	Connection int       // on which connection, from 1 in the order they were accepted
	Stream     uint32    // the HTTP/2 stream; 0 over HTTP/1
	Proto      string    // "HTTP/1.1" or "HTTP/2.0"

	Method string
	Host   string
	Path   string // the path of the URL
	Query  string // the query of the URL, as it came
	Header http.Header
	// Trailer is what came after the body, nil if nothing.
	Trailer http.Header

	// ContentLength is the length that the client declared, -1 if it did not.
	ContentLength int64
	// BodyLength is how many bytes of the body were read; SHA256 is their checksum in hexadecimal.
	BodyLength int64
	SHA256     string
	// Body is the beginning of the body: up to 1 KiB.
	Body []byte
	// Whole reports whether the body was read to its end. If it was not,
	// the step did not read it or the client did not send it.
	Whole bool
	// Err is why reading the body failed, if it did.
	Err error

	// Step is the step that the request met.
	Step string
}

// Requests returns what arrived so far, in order. The requests are copies. A request is in
// it from the time its header is read; its body may then still be on the way.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]Request, 0, len(s.log))
	for _, rec := range s.log {
		list = append(list, rec.snapshot())
	}
	return list
}

// A record is a Request while it arrives. It is the request's body too.
type record struct {
	note string // which step it met; guarded by Server.mu
	body io.ReadCloser
	src  *http.Request

	mu  sync.Mutex
	sum hash.Hash
	Request
}

func newRecord(number int, c *conn, stream uint32, r *http.Request) *record {
	return &record{
		body: r.Body,
		src:  r,
		sum:  sha256.New(),
		Request: Request{
			Number:        number,
			Time:          time.Now(),
			Connection:    c.number,
			Stream:        stream,
			Proto:         r.Proto,
			Method:        r.Method,
			Host:          r.Host,
			Path:          r.URL.Path,
			Query:         r.URL.RawQuery,
			Header:        r.Header.Clone(),
			ContentLength: r.ContentLength,
			Whole:         r.ContentLength == 0,
		},
	}
}

func (rec *record) Read(p []byte) (int, error) {
	body := rec.reader()
	if body == nil {
		return 0, http.ErrBodyReadAfterClose
	}
	n, err := body.Read(p)
	rec.mu.Lock()
	defer rec.mu.Unlock()
	if rec.sum == nil { // the request ended while a handler's goroutine read
		return n, err
	}
	rec.sum.Write(p[:n])
	rec.BodyLength += int64(n)
	rec.Body = append(rec.Body, p[:min(n, bodyPrefix-len(rec.Body))]...)
	switch err {
	case nil:
	case io.EOF:
		rec.Whole = true
		rec.Trailer = rec.src.Trailer.Clone()
	default:
		rec.Err = err
	}
	return n, err
}

// reader returns the request's own body, or nil when the request is over.
func (rec *record) reader() io.Reader {
	rec.mu.Lock()
	defer rec.mu.Unlock()
	if rec.body == nil {
		return nil
	}
	return rec.body
}

// Close is a no-op, because it is the http.Server that closes the body.
func (rec *record) Close() error { return nil }

// finish lets go of what is not needed any more, because records stay until the test ends.
func (rec *record) finish() {
	rec.mu.Lock()
	defer rec.mu.Unlock()
	rec.SHA256 = hex.EncodeToString(rec.sum.Sum(nil))
	rec.body, rec.src, rec.sum = nil, nil, nil
}

func (rec *record) snapshot() Request {
	rec.mu.Lock()
	defer rec.mu.Unlock()
	r := rec.Request
	r.Header = r.Header.Clone()
	r.Trailer = r.Trailer.Clone()
	r.Body = append([]byte(nil), r.Body...)
	if rec.sum != nil {
		r.SHA256 = hex.EncodeToString(rec.sum.Sum(nil))
	}
	return r
}
