package httpfault

import (
	"encoding/binary"
	"fmt"
	"io"
	"net/http"
)

// A StreamCode is an error code of HTTP/2 (RFC 9113 7). Any number is sent as it is.
type StreamCode uint32

// The codes of RFC 9113 7.
const (
	NoError            StreamCode = 0x0
	ProtocolError      StreamCode = 0x1
	InternalError      StreamCode = 0x2
	FlowControlError   StreamCode = 0x3
	SettingsTimeout    StreamCode = 0x4
	StreamClosed       StreamCode = 0x5
	FrameSizeError     StreamCode = 0x6
	RefusedStream      StreamCode = 0x7
	Cancel             StreamCode = 0x8
	CompressionError   StreamCode = 0x9
	ConnectError       StreamCode = 0xa
	EnhanceYourCalm    StreamCode = 0xb
	InadequateSecurity StreamCode = 0xc
	HTTP11Required     StreamCode = 0xd
)

// MaxStream is the highest stream there can be. GoAway(MaxStream, code)
// says that every request may have been processed.
const MaxStream = 1<<31 - 1

// RSTStream ends the request's stream with RST_STREAM and does not answer.
// The connection and its other streams go on. It needs HTTP/2.
//
// Mind that net/http sends some requests again by itself, if their body can be sent again: after
// RefusedStream up to seven times within about a minute, after ProtocolError without end.
func RSTStream(code StreamCode) Step {
	s := fault(fmt.Sprintf("RSTStream(%d)", uint32(code)), func(x *exchange) { x.rstStream(code) })
	s.needs = needsHTTP2
	return s
}

// RSTBody ends the stream with RST_STREAM after n bytes of the content. It needs HTTP/2.
func (s Step) RSTBody(n int64, code StreamCode) Step {
	name := fmt.Sprintf(".RSTBody(%d, %d)", n, uint32(code))
	s = s.cutBody(name, n, func(x *exchange) { x.rstStream(code) })
	s.needs |= needsHTTP2
	return s
}

func (x *exchange) rstStream(code StreamCode) {
	x.conn.setCode(x.stream, uint32(code))
	panic(http.ErrAbortHandler)
}

// GoAway sends GOAWAY, which says that streams up to last may have been processed and later
// ones were not (RFC 9113 6.8), and closes the connection without an answer.
// It needs HTTP/2. GoAway(0, code) says that nothing was processed.
func GoAway(last uint32, code StreamCode) Step {
	s := fault(fmt.Sprintf("GoAway(%d, %d)", last, uint32(code)), func(x *exchange) {
		x.goAway(last, code)
		x.hangUp()
	})
	if last > MaxStream {
		return s.mistake("no stream has a number above %d", MaxStream)
	}
	s.needs = needsHTTP2
	return s
}

// GoAway sends GOAWAY before the answer, and then answers all the same. If last is before the request's
// stream, a client has no use for the answer, but may see it before it sees the GOAWAY. It needs HTTP/2.
func (s Step) GoAway(last uint32, code StreamCode) Step {
	s = s.named(".GoAway(%d, %d)", last, uint32(code)).answers()
	if last > MaxStream {
		return s.mistake("no stream has a number above %d", MaxStream)
	}
	s.needs |= needsHTTP2
	s.goAway = func(x *exchange) { x.goAway(last, code) }
	return s
}

func (x *exchange) goAway(last uint32, code StreamCode) {
	payload := binary.BigEndian.AppendUint32(nil, last)
	payload = binary.BigEndian.AppendUint32(payload, uint32(code))
	x.conn.inject(frameGoAway, 0, 0, payload)
}

// StallUpload reads nothing of the request's body and does not answer: the client may send
// 64 KiB, the stream's window, and then waits for a WINDOW_UPDATE that never
// comes (RFC 9113 5.2). It needs HTTP/2.
func StallUpload() Step {
	s := renamed("StallUpload()", Hang().Early())
	s.needs = needsHTTP2
	return s
}

// StallSettings takes a connection, and leaves it without the server's SETTINGS, which must come
// first, and without any other frame (RFC 9113 3.4). It needs HTTP/2.
func StallSettings() Step {
	s := onConn("StallSettings()", func(s *Server, c *conn) {
		if s.secure(c, nil) {
			io.Copy(io.Discard, c.Conn)
			c.Close()
		}
	})
	s.needs = needsHTTP2
	return s
}

// rawHeaders ends the exchange with a header block as it is.
func (x *exchange) rawHeaders(fields ...field) {
	x.conn.inject(frameHeaders, flagEndHeaders|flagEndStream, x.stream, appendLiterals(nil, fields))
	x.conn.dropStream(x.stream)
	panic(http.ErrAbortHandler)
}
