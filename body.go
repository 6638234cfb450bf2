package retry

import (
	"io"
	"net/http"
	"sync/atomic"
	"time"
)

const (
	// maxDrain is how many bytes of a discarded body are read so that its connection can serve the next attempt. Past
	// it a new connection is the cheaper of the two.
	maxDrain = 256 << 10

	// maxDrainTime bounds how long that may take: no connection is held by a server which has nothing more to say.
	maxDrainTime = time.Second

	// maxEmptyReads is how often in a row a body may return neither bytes nor an error.
	maxEmptyReads = 100
)

func hasBody(req *http.Request) bool { return req.Body != nil && req.Body != http.NoBody }

// hasOneBody reports whether req has a body, and nothing that makes another.
func hasOneBody(req *http.Request) bool { return req.GetBody == nil && hasBody(req) }

// rewind gives r, a copy of a request with a body that was sent, a body of its own.
func rewind(r *http.Request) error {
	body, err := getBody(r)
	if err == nil && body == nil {
		err = errNoBody
	}
	if err != nil {
		if body != nil {
			closeSoon(body)
		}
		return err
	}
	r.Body = body
	return nil
}

// A discarded body is one of a response that is not returned.
type discarded struct {
	io.ReadCloser
	over   atomic.Bool // nobody waits for the drain any more
	closed atomic.Bool
	empty  int // reads in a row that returned nothing
}

// discard closes the body of resp, after reading what is left of it if that lets the next attempt use the same
// connection. It takes no longer than limit, or grace if that is longer, and leaves what takes longer to its goroutine.
//
// It is tempting to read here and to let a timer close the body, but a Close that waits for something, as that of
// HTTP/2 waits for the request's body, would then hold the request for ever.
func discard(req *http.Request, resp *http.Response, limit time.Duration) {
	d, drain := &discarded{ReadCloser: resp.Body}, reusable(resp)
	t := begin(func() {
		defer d.close() // also if Read panics
		if drain {
			// One byte beyond the bound, because only a Read past the end of a body of that very length finds its end.
			_, _ = io.CopyN(io.Discard, d, maxDrain+1)
		}
	})
	if !t.wait(min(max(limit, grace), maxDrainTime)-farewellOf(resp.Body), req) {
		d.over.Store(true)
		begin(d.close).wait(grace, nil)
	}
}

// reusable reports whether reading resp to its end keeps its connection. HTTP/2 ends the stream alone; a server that
// sent 408 is about to close the connection, whatever it says (RFC 9110 section 15.5.9).
func reusable(resp *http.Response) bool {
	return !closeDrains &&
		resp.ProtoMajor < 2 &&
		resp.ContentLength <= maxDrain &&
		resp.StatusCode != http.StatusRequestTimeout &&
		!resp.Close
}

// Read stops once nobody waits for it.
func (d *discarded) Read(p []byte) (int, error) {
	if d.over.Load() || d.empty >= maxEmptyReads {
		return 0, io.ErrNoProgress
	}
	n, err := d.ReadCloser.Read(p)
	d.empty++
	if n > 0 {
		d.empty = 0
	}
	return n, err
}

// close closes the body once, while a Read of it may be pending, which it ends.
func (d *discarded) close() {
	if d.closed.CompareAndSwap(false, true) {
		d.ReadCloser.Close()
	}
}
