package bench_test

import (
	"errors"
	"io"
	"net/http"
)

// header is what every response of a stub carries. Nobody may write to it.
var header = http.Header{
	"Content-Type":   {"text/plain"},
	"Content-Length": {"0"},
	"Date":           {"Sun, 06 Nov 1994 08:49:37 GMT"},
}

// A stub is a base without a network. It reads the request's body to the end and closes it, as a base must, and answers
// from a cycle of statuses. It allocates nothing and serves one request at a time.
type stub struct {
	statuses []int
	sent     int   // requests
	read     int64 // bytes of their bodies
	buf      []byte
	slots    [2]http.Response // two, as a retry's response may come before the first one is let go
}

func newStub(statuses ...int) *stub {
	return &stub{statuses: statuses, buf: make([]byte, 32<<10)}
}

func (s *stub) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Body != nil && req.Body != http.NoBody {
		n, err := s.drain(req.Body)
		s.read += n
		if err != nil {
			return nil, err
		}
	}
	status := s.statuses[s.sent%len(s.statuses)]
	slot := &s.slots[s.sent%2]
	s.sent++
	answer(slot, status, req)
	return slot, nil
}

func (s *stub) drain(body io.ReadCloser) (int64, error) {
	defer body.Close()
	var total int64
	for {
		n, err := body.Read(s.buf)
		total += int64(n)
		if err == io.EOF {
			return total, nil
		}
		if err != nil {
			return total, err
		}
	}
}

// A sharedStub answers 200 to many at once. It takes the response from the request's own Response field, where the
// caller has put one, so that neither an allocation nor a lock of the stub is measured.
type sharedStub struct{}

func (sharedStub) RoundTrip(req *http.Request) (*http.Response, error) {
	resp := req.Response
	if resp == nil {
		resp = new(http.Response)
	}
	answer(resp, http.StatusOK, req)
	return resp, nil
}

// A sharedFlakyStub answers 503 and 200 in turn to each of many goroutines. It keeps the turn where sharedStub keeps
// the response, so a contender that sends requests of its own making cannot be measured with it.
type sharedFlakyStub struct{}

func (sharedFlakyStub) RoundTrip(req *http.Request) (*http.Response, error) {
	resp := req.Response
	if resp == nil {
		return nil, errNotPassedOn
	}
	status := http.StatusServiceUnavailable
	if resp.StatusCode == status {
		status = http.StatusOK
	}
	answer(resp, status, req)
	return resp, nil
}

var errNotPassedOn = errors.New("a request of its own making")

// answer overwrites resp, which some libraries have put a body of their own into.
func answer(resp *http.Response, status int, req *http.Request) {
	*resp = http.Response{
		StatusCode: status,
		Proto:      "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header:  header,
		Body:    http.NoBody,
		Request: req,
	}
}
