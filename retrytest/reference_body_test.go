package retrytest_test

import (
	"io"
	"net/http"
	"sync/atomic"
	"time"
)

func discard(resp *http.Response, limit time.Duration) {
	discardBy(resp, limit, func(d *discarded) io.Reader { return d })
}

// discardBy reads a response by what reader makes of its body.
func discardBy(resp *http.Response, limit time.Duration, reader func(*discarded) io.Reader) {
	body, done := &discarded{ReadCloser: resp.Body}, make(chan struct{})
	go func() {
		defer close(done)
		_, _ = io.CopyN(io.Discard, reader(body), maxDrain)
		body.close()
	}()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-done:
		return
	case <-timer.C:
	case <-resp.Request.Context().Done():
	}
	body.over.Store(true)
	go body.close()
}

// discarded is a body that nobody wants, and that is read only as long as somebody waits for its end.
type discarded struct {
	io.ReadCloser
	over   atomic.Bool
	closed atomic.Bool // a sync.Once would stop the clock of a bubble while Close blocks
	empty  int
}

func (d *discarded) Read(b []byte) (int, error) {
	if d.over.Load() || d.empty > 100 {
		return 0, io.ErrNoProgress
	}
	n, err := d.ReadCloser.Read(b)
	if n == 0 {
		d.empty++
	}
	return n, err
}

func (d *discarded) close() {
	if d.closed.CompareAndSwap(false, true) {
		d.ReadCloser.Close()
	}
}

func rewind(req *http.Request) (*http.Request, error) {
	next := *req
	if !hasBody(req) {
		return &next, nil
	}
	body, err := getBody(req)
	next.Body = body
	return &next, err
}

// getBody does not wait for a GetBody that blocks for longer than req lives. A body that comes too late is closed.
func getBody(req *http.Request) (io.ReadCloser, error) {
	var body io.ReadCloser
	var err error
	done := make(chan struct{})
	go func() {
		defer close(done)
		body, err = req.GetBody()
	}()
	select {
	case <-done:
		return body, err
	case <-req.Context().Done():
	}
	go func() {
		if <-done; body != nil {
			body.Close()
		}
	}()
	return nil, req.Context().Err()
}
