package retry

import (
	"io"
	"maps"
	"net/http"
	"sync"
	"time"
)

// hasTrailers reports whether req has trailers, whose values the reader of its body may set in the one map Trailer
// until the body has ended (see [http.Request]). They should be announced, as keys of it, but net/http sends
// the others too.
func hasTrailers(req *http.Request) bool { return req.Trailer != nil && hasBody(req) }

// A trailingBody is the body of an attempt at a request that has trailers. The attempt has a map of its own: net/http
// looks at it after the body was closed, and the body of the next attempt sets values in the caller's by then.
type trailingBody struct {
	io.ReadCloser
	from, to http.Header // the caller's trailers, and the attempt's

	mu      sync.Mutex
	reading int
	begun   bool
	closed  bool
	once    sync.Once
	done    chan struct{} // nobody reads any more
	more    []*trailingBody
}

func (b *trailingBody) cannotDial() bool { return readsHere(b.ReadCloser) }

// trail gives r, a copy of a request that has trailers, a map and a body of its own.
func trail(r *http.Request) *trailingBody {
	b := newTrail(r.Body, r.Trailer, maps.Clone(r.Trailer))
	r.Body, r.Trailer = b, b.to
	if getBody := r.GetBody; getBody != nil {
		r.GetBody = func() (io.ReadCloser, error) { return b.again(getBody()) }
	}
	return b
}

func newTrail(body io.ReadCloser, from, to http.Header) *trailingBody {
	return &trailingBody{ReadCloser: body, from: from, to: to, done: make(chan struct{})}
}

// again makes body, which net/http gets to send the request again within the attempt, one whose trailers are sent.
func (b *trailingBody) again(body io.ReadCloser, err error) (io.ReadCloser, error) {
	if body == nil || err != nil {
		return body, err
	}
	next := newTrail(body, b.from, b.to)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.more = append(b.more, next)
	return next, nil
}

// all returns the bodies of the attempt that may still be read. One that net/http got and did not read after all, it
// does not close either.
func (b *trailingBody) all() []*trailingBody {
	b.mu.Lock()
	defer b.mu.Unlock()
	bodies := []*trailingBody{b}
	for _, more := range b.more {
		if more.isBegun() {
			bodies = append(bodies, more)
		}
	}
	return bodies
}

func (b *trailingBody) isBegun() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.begun
}

func (b *trailingBody) Read(p []byte) (int, error) {
	b.change(1, false)
	n, err := b.ReadCloser.Read(p)
	if err == io.EOF {
		maps.Copy(b.to, b.from)
	}
	b.change(-1, err != nil)
	return n, err
}

func (b *trailingBody) Close() error {
	defer b.change(0, true)
	return b.ReadCloser.Close()
}

func (b *trailingBody) change(reading int, closed bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.reading += reading
	b.begun = b.begun || reading > 0
	b.closed = b.closed || closed
	if b.closed && b.reading == 0 {
		b.once.Do(func() { close(b.done) })
	}
}

// awaitTrail waits a little until nobody reads the bodies of the attempt before, or returns why the next one must not
// be made.
func (c *call) awaitTrail() error {
	t := time.NewTimer(grace)
	defer t.Stop()
	for _, b := range c.trail.all() {
		select {
		case <-b.done:
		case <-t.C:
			return &rewindError{errStillRead}
		case <-c.req.Context().Done():
			return ended(c.req)
		}
	}
	return nil
}
