package bench_test

import (
	"bytes"
	"io"
	"net/http"
)

// A payload is a request body that can be sent again and again without an allocation. Like the bodies that
// [http.NewRequest] makes of a [bytes.Reader], it does not seek.
type payload struct {
	r    bytes.Reader
	data []byte
	get  func() (io.ReadCloser, error) // what http.NewRequest would set; it costs two allocations a call
}

func newPayload(size int) *payload {
	data := bytes.Repeat([]byte("0123456789abcdef"), size/16)
	return &payload{data: data, get: func() (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(data)), nil
	}}
}

func (p *payload) Read(b []byte) (int, error)         { return p.r.Read(b) }
func (p *payload) WriteTo(w io.Writer) (int64, error) { return p.r.WriteTo(w) }
func (p *payload) Close() error                       { return nil }

// attach makes the payload the whole body of req. Some libraries change the request, so it is done before each use.
func (p *payload) attach(req *http.Request) {
	p.r.Reset(p.data)
	req.Body, req.GetBody, req.ContentLength = p, p.get, int64(len(p.data))
}

// A stream is a body that is made as it is read, so that its size takes no memory.
type stream struct{ left int64 }

func (s *stream) Read(b []byte) (int, error) {
	if s.left == 0 {
		return 0, io.EOF
	}
	n := int(min(s.left, int64(len(b))))
	s.left -= int64(n)
	return n, nil
}

func (s *stream) Close() error { return nil }
