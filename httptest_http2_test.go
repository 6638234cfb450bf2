package retry_test

import (
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-e3550de8/retry"
)

// The frame types, flags and error codes of RFC 9113 sections 6 and 7 that these tests use.
const (
	frameData, frameHeaders, frameReset, frameSettings, framePing, frameGoAway = 0, 1, 3, 4, 6, 7

	flagAck, flagEndStream, flagEndHeaders = 1, 1, 4

	codeNone, codeInternal, codeRefused, codeCancel, codeCalm = 0, 2, 7, 8, 11
)

// framePeer is the server's side of an HTTP/2 connection, frame by frame. It acknowledges settings and pings, and
// leaves each request, when it has come to its end, to onRequest.
type framePeer struct {
	net.Conn
	onRequest func(p *framePeer, stream uint32)
	deaf      bool // to pings
}

func (p *framePeer) serve() {
	if _, err := io.ReadFull(p, make([]byte, len("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"))); err != nil {
		return
	}
	p.send(frameSettings, 0, 0)
	header := make([]byte, 9)
	for {
		if _, err := io.ReadFull(p, header); err != nil {
			return
		}
		payload := make([]byte, binary.BigEndian.Uint32(header)>>8)
		if _, err := io.ReadFull(p, payload); err != nil {
			return
		}
		kind, ack := header[3], header[4]&flagAck != 0
		switch {
		case kind == frameSettings && !ack:
			p.send(frameSettings, flagAck, 0)
		case kind == framePing && !ack && !p.deaf:
			p.send(framePing, flagAck, 0, payload...)
		case (kind == frameHeaders || kind == frameData) && header[4]&flagEndStream != 0:
			p.onRequest(p, binary.BigEndian.Uint32(header[5:]))
		}
	}
}

func (p *framePeer) send(kind, flags byte, stream uint32, payload ...byte) {
	frame := binary.BigEndian.AppendUint32(nil, uint32(len(payload))<<8|uint32(kind))
	frame = binary.BigEndian.AppendUint32(append(frame, flags), stream)
	_, _ = p.Write(append(frame, payload...))
}

func (p *framePeer) ok(stream uint32) {
	const status200 = 0x88 // index 8 of RFC 7541 appendix A
	p.send(frameHeaders, flagEndStream|flagEndHeaders, stream, status200)
}

func (p *framePeer) rst(stream uint32, code byte) { p.send(frameReset, 0, stream, 0, 0, 0, code) }

func (p *framePeer) goAway(last uint32, code byte) {
	p.send(frameGoAway, 0, 0, append(binary.BigEndian.AppendUint32(nil, last), 0, 0, 0, code)...)
}

// framing returns a site whose peers answer each request by onRequest.
func framing(t *testing.T, onRequest func(p *framePeer, stream uint32)) *site {
	return serveRaw(t, http2, func(c net.Conn) { (&framePeer{Conn: c, onRequest: onRequest}).serve() })
}

func TestFailuresOfHTTP2(t *testing.T) {
	answering := func(onRequest func(p *framePeer, stream uint32)) func(*testing.T) http.RoundTripper {
		return func(t *testing.T) http.RoundTripper { return framing(t, onRequest).base }
	}
	resetting := func(code byte) func(*testing.T) http.RoundTripper {
		return answering(func(p *framePeer, stream uint32) { p.rst(stream, code) })
	}
	unfold(t, true, []failure{
		{name: "the stream is refused", text: "REFUSED_STREAM", class: retry.Unprocessed, base: resetting(codeRefused)},
		{name: "the stream ends with INTERNAL_ERROR", text: "INTERNAL_ERROR", class: retry.Transient, base: resetting(codeInternal)},
		{name: "the stream ends with CANCEL", text: "CANCEL", class: retry.Transient, base: resetting(codeCancel)},
		{name: "the stream ends with ENHANCE_YOUR_CALM", text: "ENHANCE_YOUR_CALM", class: retry.Transient, base: resetting(codeCalm)},
		{name: "the stream ends with NO_ERROR", text: "NO_ERROR", class: retry.Transient, base: resetting(codeNone)},
		{name: "a response without a status", text: "PROTOCOL_ERROR", class: retry.Transient,
			base: answering(func(p *framePeer, stream uint32) { p.send(frameHeaders, flagEndStream|flagEndHeaders, stream) })},
		// It is unprocessed in truth, but nothing but a text tells.
		{name: "GOAWAY with an error that leaves the stream out", text: "GOAWAY", class: retry.Transient,
			base: answering(func(p *framePeer, _ uint32) { p.goAway(0, codeCalm) })},
		{name: "GOAWAY that includes the stream, then the end", text: "GOAWAY", class: retry.Transient,
			base: answering(func(p *framePeer, stream uint32) { p.goAway(stream, codeNone); p.Close() })},
		{name: "the connection ends", text: "EOF", class: retry.Transient,
			base: answering(func(p *framePeer, _ uint32) { p.Close() })},
		{name: "the connection is reset", text: "reset", class: retry.Transient,
			base: answering(func(p *framePeer, _ uint32) { reset(p.Conn) })},
		{name: "PINGs are not answered", text: "http2: client connection lost", class: retry.Transient,
			base: func(t *testing.T) http.RoundTripper {
				s := serveRaw(t, http2, func(c net.Conn) {
					(&framePeer{Conn: c, onRequest: func(*framePeer, uint32) {}, deaf: true}).serve()
				})
				s.base.HTTP2 = &http.HTTP2Config{SendPingTimeout: time.Minute, PingTimeout: time.Minute}
				return s.base
			}},
		{name: "no headers within ResponseHeaderTimeout", text: "timeout awaiting response headers", class: retry.Transient,
			base: func(t *testing.T) http.RoundTripper {
				s := serve(t, http2, stall)
				s.base.ResponseHeaderTimeout = time.Minute
				return s.base
			}},
	})
}

// net/http sends a refused stream again by itself, so that an attempt is eight sendings and about a minute.
func TestAnAttemptThatHTTP2RefusesIsEightSendingsOfNetHTTP(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var streams atomic.Int32
		s := framing(t, func(p *framePeer, stream uint32) {
			if streams.Add(1) <= 8 {
				p.rst(stream, codeRefused)
				return
			}
			p.ok(stream)
		})
		tr, start := new(trail), time.Now()
		resp, err := retry.New(s.base, tr.eager(2)).RoundTrip(newRequest(t, "POST", "http://example.com/", "body"))
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		require.Len(t, tr.steps, 2)
		assert.Equal(t, retry.Unprocessed, tr.steps[0].Class)
		assert.EqualValues(t, 9, streams.Load())
		assert.Greater(t, time.Since(start), time.Minute)
	})
}

// The deadline of the request's context reaches net/http's own retries.
func TestNetHTTPsOwnRetriesEndWithTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := framing(t, func(p *framePeer, stream uint32) { p.rst(stream, codeRefused) })
		tr, start := new(trail), time.Now()
		client := &http.Client{Transport: retry.New(s.base, tr.eager(4)), Timeout: 10 * time.Second}
		_, err := client.Post("http://example.com/", "text/plain", strings.NewReader("body"))
		require.Error(t, err)
		assert.Equal(t, 10*time.Second, time.Since(start))
		assert.Len(t, tr.steps, 1)
	})
}

// A GOAWAY that leaves a stream out proves that nobody acted on it, and net/http sends it again over a new connection.
func TestARequestThatGOAWAYLeftOutIsSentAgainByNetHTTP(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var streams atomic.Int32
		s := framing(t, func(p *framePeer, stream uint32) {
			if streams.Add(1) == 1 {
				p.goAway(0, codeNone)
				return
			}
			p.ok(stream)
		})
		tr := new(trail)
		resp, err := retry.New(s.base, tr.eager(4)).RoundTrip(newRequest(t, "POST", "http://example.com/", "body"))
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		assert.Len(t, tr.steps, 1)
		assert.Equal(t, 2, s.dialed())
	})
}
