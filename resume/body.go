package resume

import (
	"context"
	"io"
	"net/http"
	"sync"
)

// A body reads a representation from as many responses as it takes.
type body struct {
	transport *Transport
	req       *http.Request
	rep       representation

	mu      sync.Mutex
	current io.ReadCloser // changed by the reader alone
	over    bool          // current is closed
	closed  bool          // no reader is left
	cancel  context.CancelFunc

	// The rest is the reader's own.
	ctx     context.Context // of the continuations; nil before the first
	at      int64           // the offset of the next byte: at <= rep.end, if that is known
	skipped int64           // how many bytes were read for nothing
	sent    int             // how many continuations were sent
	inRow   int             // how many of them since mark
	mark    int64           // where the count began
	first   error           // why a response broke off for the first time
	broken  error           // not nil: why current has broken off
	err     error           // not nil: what Read returns from now on
}

var _ io.ReadCloser = (*body)(nil)

func newBody(t *Transport, req *http.Request, current io.ReadCloser, rep representation) *body {
	return &body{transport: t, req: req, rep: rep, current: current, at: rep.start}
}

// Read implements [io.Reader].
func (b *body) Read(p []byte) (int, error) {
	for b.err == nil {
		if b.broken != nil {
			b.end(b.resume())
			continue
		}
		if n := b.read(p); n > 0 || b.broken == nil {
			return n, b.err
		}
	}
	return 0, b.err
}

// read reads from the current response, and notes how it ends. Bytes behind the end are none of the reader's.
func (b *body) read(p []byte) int {
	got, err := b.current.Read(p)
	got = min(max(got, 0), len(p)) // a base is anybody's, and the offset is not left to its count
	n, end := got, b.rep.end
	if end >= 0 {
		n = int(min(int64(got), end-b.at))
	}
	b.at += int64(n)
	switch {
	case end >= 0 && b.at == end && (err != nil || got > n):
		// All is there. A connection that ends badly after the last byte takes nothing away.
		b.end(io.EOF)
	case err == io.EOF && end < 0:
		b.end(io.EOF)
	case err == io.EOF:
		b.breakOff(io.ErrUnexpectedEOF)
	case err != nil:
		b.breakOff(err)
	}
	return n
}

// breakOff notes that the current response gives no more. Its connection need not be held through the wait.
func (b *body) breakOff(err error) {
	b.broken = err
	b.release()
}

// end makes err the last word, if it is one.
func (b *body) end(err error) {
	if err == nil {
		return
	}
	b.err = err
	if b.ctx != nil {
		b.release()
		b.cancel()
	}
}

// Close implements [io.Closer].
func (b *body) Close() error {
	b.mu.Lock()
	b.closed = true
	cancel := b.cancel
	b.mu.Unlock()
	if cancel != nil {
		cancel()
	}
	return b.release()
}

// release closes the current body, once.
func (b *body) release() error {
	b.mu.Lock()
	current, over := b.current, b.over
	b.over = true
	b.mu.Unlock()
	if over {
		return nil
	}
	return current.Close()
}
