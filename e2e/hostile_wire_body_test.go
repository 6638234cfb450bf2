package e2e_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"os"
	"runtime"
	"strings"
	"sync/atomic"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-e3550de8/retry"
	"github.com/seed-e3550de8/retry/httpfault"
)

// wireFile is how long the file is that bodies are sent from.
const wireFile = 256 << 10

// wireWindow is less than a server takes of an HTTP/2 stream that it does not read.
const wireWindow = 60000

// withBody gives the request a body of one of the kinds that there are.
func (o *wireOrder) withBody(method string) {
	d := o.dice
	size := 1 + d.IntN(pick(d, 1, 100, 3000, 3000, 20000, 100000))
	if d.one(3) || method == "HEAD" {
		o.kind = "none"
		return
	}
	if closeWaitsForGzip && !o.scene.base.DisableCompression { // which the end of a context must always end
		size = min(size, wireWindow)
	}
	if o.scene.proto == httpfault.HTTPS {
		// At the end of its context net/http says goodbye to TLS under a mutex that its reader takes too, and waits for
		// up to 5 s behind an upload that nobody reads: the clock of a bubble would stand still.
		size = min(size, 10<<10)
	}
	if d.one(3) {
		o.slow = pick(d, time.Millisecond, 15*time.Millisecond, 300*time.Millisecond)
	}
	o.fill(size)
	o.withTrailer()
}

// fill makes size bytes the body.
func (o *wireOrder) fill(size int) {
	d := o.dice
	from := d.IntN(wireFile - size)
	o.payload = soakNoise[from : from+size]
	o.kind = pick(d, "bytes", "chunked", "source", "source", "once", "file", "whole file", "section", "reader at")
	switch o.kind {
	case "bytes":
		o.setBody(bytes.NewReader(o.payload), int64(size))
	case "chunked":
		o.setBody(strings.NewReader(string(o.payload)), -1)
	case "source":
		o.req.Body, o.req.GetBody = o.newSource(), func() (io.ReadCloser, error) { return o.getSource() }
		o.req.ContentLength = pick(d, -1, 0, int64(size))
	case "once":
		o.once, o.req.Body = true, o.newSource()
		o.req.ContentLength = pick(d, -1, 0, int64(size))
	case "file", "whole file":
		o.open()
		if o.kind == "whole file" { // from where it stands
			o.payload, from = soakNoise[wireFile-size:wireFile], wireFile-size
		}
		_, _ = o.file.Seek(int64(from), io.SeekStart)
		o.setBody(o.file, pick[int64](d, -1, 0))
		if o.kind == "file" {
			o.req.ContentLength = int64(size)
		}
	case "section":
		o.open()
		o.keeps = true
		retry.SetBody(o.req, io.NewSectionReader(o.file, int64(from), wireFile), int64(size))
	case "reader at":
		retry.SetBody(o.req, bytes.NewReader(o.payload), -1)
	}
}

// setBody does what http.NewRequest does for body.
func (o *wireOrder) setBody(body io.Reader, length int64) {
	with, err := http.NewRequest(o.req.Method, o.url, body)
	require.NoError(o.scene, err)
	o.req.Body, o.req.GetBody, o.req.ContentLength = with.Body, with.GetBody, length
}

func (o *wireOrder) open() {
	file, err := os.Open(o.scene.file)
	require.NoError(o.scene, err)
	o.file = file
}

// withTrailer gives the request a trailer, whose value a source sets when it has been read to its end.
func (o *wireOrder) withTrailer() {
	if !o.dice.one(4) {
		return
	}
	o.total = "all of it"
	if len(o.sources) > 0 {
		o.req.Trailer = http.Header{"Total": nil}
		return
	}
	o.req.Trailer = http.Header{"Total": {o.total}}
}

// A wireSource is a body that misbehaves.
type wireSource struct {
	order  *wireOrder
	rest   []byte
	fails  int // after so many bytes; -1 for never
	pauses int
	pause  time.Duration
	resent bool // it is for a stream that net/http sends again by itself
	closes atomic.Int32
}

func (o *wireOrder) newSource() *wireSource {
	o.mu.Lock()
	defer o.mu.Unlock()
	d := o.dice
	b := &wireSource{order: o, rest: o.payload, fails: -1, pauses: d.IntN(len(o.payload) + 1)}
	if d.one(12) {
		b.fails = d.IntN(len(o.payload))
	}
	if d.one(2) {
		b.pause = o.slow
	}
	o.sources = append(o.sources, b)
	return b
}

var errSource = errors.New("the source has dried up")

// getSource is a GetBody that fails now and then.
func (o *wireOrder) getSource() (io.ReadCloser, error) {
	o.mu.Lock()
	fails := o.dice.one(20)
	o.mu.Unlock()
	if fails {
		return nil, errSource
	}
	b := o.newSource()
	b.resent = isResending()
	return b, nil
}

// isResending reports whether net/http asks for a body of a stream that it sends again.
func isResending() bool {
	callers := make([]uintptr, 10)
	frames := runtime.CallersFrames(callers[:runtime.Callers(2, callers)])
	for {
		frame, more := frames.Next()
		if strings.HasSuffix(frame.Function, "shouldRetryRequest") {
			return true
		}
		if !more {
			return false
		}
	}
}

func (b *wireSource) Read(p []byte) (int, error) {
	at := len(b.order.payload) - len(b.rest)
	switch {
	case b.pause > 0 && at >= b.pauses:
		time.Sleep(b.pause)
		b.pause = 0
	case b.pause > 0:
		p = p[:min(len(p), b.pauses-at)]
	}
	if b.fails >= 0 && at >= b.fails {
		return 0, errSource
	}
	if b.fails >= 0 {
		p = p[:min(len(p), b.fails-at)]
	}
	n := copy(p, b.rest)
	if b.rest = b.rest[n:]; len(b.rest) > 0 {
		return n, nil
	}
	if b.order.req.Trailer != nil {
		b.order.req.Trailer["Total"] = []string{b.order.total}
	}
	return n, io.EOF
}

func (b *wireSource) Close() error {
	b.closes.Add(1)
	return nil
}

// sum is what the server must have received, if it has received all of it.
func (o *wireOrder) sum() string {
	sum := sha256.Sum256(o.payload)
	return hex.EncodeToString(sum[:])
}
