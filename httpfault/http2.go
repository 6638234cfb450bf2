package httpfault

import (
	"bytes"
	"encoding/binary"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
)

// Frames of RFC 9113, as far as they are looked at.
const (
	frameHeaderLen = 9

	frameData         = 0
	frameHeaders      = 1
	frameRSTStream    = 3
	frameGoAway       = 7
	frameContinuation = 9

	flagEndStream  = 0x1
	flagEndHeaders = 0x4
	flagPadded     = 0x8
)

const clientPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

// streamField carries the stream's number to the handler, which has no other way to
// know it. It is put into the header block on its way in, as a literal that no
// compression state depends on (RFC 7541 6.2.2).
const streamField = "httpfault-stream"

// A frameFilter sits between the http.Server and the connection. It lets HTTP/1 pass. Of HTTP/2 it
// reads the frames on their way in and out, to do to them what the http.Server would not.
type frameFilter struct {
	on    atomic.Bool // the client's preface came
	muted atomic.Bool // what is written is thrown away

	// For read, which one goroutine at a time calls.
	preface int    // bytes of it that came; -1 for HTTP/1
	in      []byte // the beginning of a frame
	out     []byte // frames that may be read
	buf     []byte
	newest  uint32 // the highest stream
	opening bool   // its header block is not yet complete

	// A channel and no mutex: a bubble's clock goes on while one waits for it.
	lock  chan struct{}
	part  []byte // the beginning of a frame to be written
	codes map[uint32]uint32
	drop  map[uint32]bool
	sent  map[uint32]int64 // bytes of content written to a stream, if its header is written
	begun bool             // a frame is written
	moved chan struct{}    // closed and made anew when a frame is written
}

func (f *frameFilter) init(expected bool) {
	if !expected {
		f.preface = -1
	}
	f.lock = make(chan struct{}, 1)
	f.moved = make(chan struct{})
	f.codes = make(map[uint32]uint32)
	f.drop = make(map[uint32]bool)
	f.sent = make(map[uint32]int64)
}

func (f *frameFilter) mute() { f.muted.Store(true) }

func (f *frameFilter) read(c net.Conn, p []byte) (int, error) {
	if !f.on.Load() {
		n, err := c.Read(p)
		f.sniff(p[:n])
		return n, err
	}
	if f.buf == nil {
		f.buf = make([]byte, 16<<10)
	}
	for len(f.out) == 0 {
		n, err := c.Read(f.buf)
		f.in = append(f.in, f.buf[:n]...)
		f.in = eachFrame(f.in, f.incoming)
		if err != nil && len(f.out) == 0 {
			return 0, err
		}
	}
	n := copy(p, f.out)
	f.out = f.out[n:]
	return n, nil
}

// sniff looks for the preface, which the http.Server reads by itself, not beyond its end.
func (f *frameFilter) sniff(p []byte) {
	if f.preface < 0 || len(p) == 0 {
		return
	}
	if len(p) > len(clientPreface)-f.preface || !bytes.HasPrefix([]byte(clientPreface)[f.preface:], p) {
		f.preface = -1
		return
	}
	f.preface += len(p)
	f.on.Store(f.preface == len(clientPreface))
}

// eachFrame calls do for each whole frame in b, and returns the rest.
func eachFrame(b []byte, do func(frame []byte)) []byte {
	for len(b) >= frameHeaderLen {
		n := frameHeaderLen + int(b[0])<<16 + int(b[1])<<8 + int(b[2])
		if len(b) < n {
			break
		}
		do(b[:n:n])
		b = b[n:]
	}
	return b
}

func streamOf(frame []byte) uint32 {
	return binary.BigEndian.Uint32(frame[5:]) &^ (1 << 31)
}

// incoming adds streamField to the header block that opens a stream.
func (f *frameFilter) incoming(frame []byte) {
	kind, flags, id := frame[3], frame[4], streamOf(frame)
	if kind == frameHeaders && id > f.newest {
		f.newest, f.opening = id, true
	}
	if !f.opening || flags&flagEndHeaders == 0 || kind != frameHeaders && kind != frameContinuation {
		f.out = append(f.out, frame...)
		return
	}
	f.opening = false
	payload := frame[frameHeaderLen:]
	var padding []byte
	if kind == frameHeaders && flags&flagPadded != 0 && len(payload) > 0 && len(payload) > int(payload[0]) {
		n := len(payload) - int(payload[0])
		payload, padding = payload[:n:n], payload[n:]
	}
	payload = appendLiteral(payload, field{streamField, strconv.FormatUint(uint64(id), 10)})
	f.out = appendFrame(f.out, kind, flags, id, append(payload, padding...))
}

func appendFrame(b []byte, kind, flags byte, stream uint32, payload []byte) []byte {
	n := len(payload)
	b = append(b, byte(n>>16), byte(n>>8), byte(n), kind, flags)
	b = binary.BigEndian.AppendUint32(b, stream)
	return append(b, payload...)
}

// appendLiteral encodes a short field without indexing and without Huffman code (RFC 7541 6.2.2).
func appendLiteral(b []byte, f field) []byte {
	b = append(b, 0, byte(len(f.key)))
	b = append(b, strings.ToLower(f.key)...)
	b = append(b, byte(len(f.value)))
	return append(b, f.value...)
}

func appendLiterals(b []byte, fields []field) []byte {
	for _, f := range fields {
		b = appendLiteral(b, f)
	}
	return b
}

// takeStream removes streamField from the request, and returns its last value: a client
// may send a field of that name too.
func takeStream(r *http.Request) uint32 {
	if r.ProtoMajor != 2 {
		return 0
	}
	values := r.Header.Values(streamField)
	r.Header.Del(streamField)
	if len(values) == 0 {
		return 0
	}
	id, _ := strconv.ParseUint(values[len(values)-1], 10, 32)
	return uint32(id)
}

// write passes on whole frames only, so that others can be put between them.
func (f *frameFilter) write(c net.Conn, p []byte) (int, error) {
	if f.muted.Load() {
		return len(p), nil
	}
	if !f.on.Load() {
		return c.Write(p)
	}
	f.lock <- struct{}{}
	defer func() { <-f.lock }()
	var out []byte
	f.part = append(f.part, p...)
	f.part = eachFrame(f.part, func(frame []byte) {
		if f.outgoing(frame) {
			out = append(out, frame...)
		}
	})
	if len(out) == 0 {
		return len(p), nil
	}
	if _, err := c.Write(out); err != nil {
		return 0, err
	}
	f.begun = true
	close(f.moved)
	f.moved = make(chan struct{})
	return len(p), nil
}

// outgoing changes a frame as was asked for, counts it, and reports whether to write it.
func (f *frameFilter) outgoing(frame []byte) bool {
	id := streamOf(frame)
	if f.drop[id] {
		// The client decodes the header block of a stream that has ended, and must, or its table is not the server's.
		return frame[3] == frameHeaders || frame[3] == frameContinuation
	}
	switch frame[3] {
	case frameRSTStream:
		if code, ok := f.codes[id]; ok {
			binary.BigEndian.PutUint32(frame[frameHeaderLen:], code)
		}
	case frameHeaders:
		f.sent[id] += 0
	case frameData:
		f.sent[id] += int64(len(frame) - frameHeaderLen)
	}
	return true
}
