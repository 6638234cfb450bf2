package httpfault

import "context"

// inject writes a frame of our own, but not before the first one, which must be SETTINGS.
func (c *conn) inject(kind, flags byte, stream uint32, payload []byte) {
	c.waitFor(context.Background(), func(f *frameFilter) bool { return f.begun || f.muted.Load() })
	c.h2.lock <- struct{}{}
	defer func() { <-c.h2.lock }()
	if !c.h2.muted.Load() {
		c.Conn.Write(appendFrame(nil, kind, flags, stream, payload))
	}
}

// setCode makes the http.Server's next RST_STREAM on stream say code.
func (c *conn) setCode(stream, code uint32) {
	c.h2.lock <- struct{}{}
	defer func() { <-c.h2.lock }()
	c.h2.codes[stream] = code
}

// dropStream lets nothing more through that the http.Server writes to stream.
func (c *conn) dropStream(stream uint32) {
	c.h2.lock <- struct{}{}
	defer func() { <-c.h2.lock }()
	c.h2.drop[stream] = true
}

// waitSent waits until the header and n bytes of content are written to stream: over
// HTTP/2, a handler's Flush returns before that.
func (c *conn) waitSent(ctx context.Context, stream uint32, n int64) {
	if stream == 0 {
		return
	}
	c.waitFor(ctx, func(f *frameFilter) bool {
		sent, begun := f.sent[stream]
		return begun && sent >= n
	})
}

// waitFor waits until what was written makes condition true, or nothing is written any more.
func (c *conn) waitFor(ctx context.Context, condition func(*frameFilter) bool) {
	for {
		c.h2.lock <- struct{}{}
		done, moved := condition(&c.h2), c.h2.moved
		<-c.h2.lock
		if done {
			return
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return
		case <-c.closed:
			return
		}
	}
}
