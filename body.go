package retry

import (
	"io"
	"net/http"
	"time"
)

const (
	// maxDrain is how many bytes of a discarded body are read so that its connection can serve the next attempt. Past
	// it a new connection is the cheaper of the two.
	maxDrain = 256 << 10

	// drainGrace and maxDrainTime bound how long that may take: as long as the backoff waits anyway, but never so
	// short that a body which is already here is thrown away, nor so long that a connection is held by a server which
	// has nothing more to say.
	drainGrace   = 10 * time.Millisecond
	maxDrainTime = time.Second
)

// rewind gives r, a copy of a request that was sent, a body of its own.
func rewind(r *http.Request) error {
	if r.Body == nil || r.Body == http.NoBody {
		return nil
	}
	body, err := r.GetBody()
	if err == nil && body == nil {
		err = errNoBody
	}
	if err != nil {
		if body != nil {
			body.Close()
		}
		return err
	}
	r.Body = body
	return nil
}

func closeBody(body io.Closer) {
	if body != nil {
		body.Close()
	}
}

// discard closes the body of a response that is not returned, after reading what is left of it if that lets the next
// attempt use the same connection. It takes no longer than wait, or drainGrace if that is longer.
func discard(req *http.Request, resp *http.Response, wait time.Duration) {
	if resp.Body == nil {
		return
	}
	if reusable(resp) && !drain(req, resp.Body, min(max(wait, drainGrace), maxDrainTime)) {
		abort(resp.Body)
		return
	}
	resp.Body.Close()
}

// reusable reports whether reading resp to its end keeps its connection. HTTP/2 ends the stream alone; a server that
// sent 408 is about to close the connection, whatever it says (RFC 9110 section 15.5.9).
func reusable(resp *http.Response) bool {
	return resp.Body != http.NoBody &&
		resp.ProtoMajor < 2 &&
		resp.ContentLength <= maxDrain &&
		resp.StatusCode != http.StatusRequestTimeout &&
		!resp.Close
}

// drain reads body to its end, or to the bound in bytes. It reports false if it gave up because of the time, and then
// the body is still being read. It is tempting to read here and to let a timer close the body, but a Close that does
// not end a pending Read would then hold the request for ever.
func drain(req *http.Request, body io.ReadCloser, limit time.Duration) bool {
	done := make(chan any, 1)
	go func() {
		defer func() { done <- recover() }()
		// One byte beyond the bound, because only a Read past the end of a body of that very length finds its end.
		_, _ = io.CopyN(io.Discard, body, maxDrain+1)
	}()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case panicked := <-done:
		if panicked != nil {
			closeBody(body)
			panic(panicked)
		}
		return true
	case <-timer.C:
	case <-req.Context().Done():
	case <-canceled(req):
	}
	return false
}

// abort closes a body that is being read. A Close that waits for the Read to end must not hold the request.
func abort(body io.Closer) {
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		defer func() { _ = recover() }() // nobody is left to hear of it, and the process must not die of it
		body.Close()
	}()
	timer := time.NewTimer(drainGrace)
	defer timer.Stop()
	select {
	case <-closed:
	case <-timer.C:
	}
}
