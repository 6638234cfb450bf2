package httpfault

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"strings"
	"time"
)

// A body is the content of an answer, and what goes wrong with it.
type body struct {
	text    string
	size    int64 // of a generated body; -1 for one without end
	gzip    bool
	chunked bool
	piece   int           // bytes between two waits; 0 for no waits
	every   time.Duration // how long to wait
	cut     *cut
}

// A cut is what happens to a body after some of its bytes.
type cut struct {
	name string
	at   int64
	act  func(*exchange)
}

// Body sets the response's content.
func (s Step) Body(text string) Step {
	s = s.named(".Body(%s)", brief(text)).answers()
	s.answer.body.text, s.answer.body.size = text, 0
	return s
}

// BodySize makes the response's content n bytes long: the letters from a to z, again and again.
func (s Step) BodySize(n int64) Step {
	s = s.named(".BodySize(%d)", n).answers()
	if n < 0 {
		return s.mistake("a negative size")
	}
	s.answer.body.text, s.answer.body.size = "", n
	return s
}

// EndlessBody makes the response's content go on until the client closes it,
// as fast as the client reads unless [Step.Drip] says otherwise.
func (s Step) EndlessBody() Step {
	s = s.named(".EndlessBody()").answers()
	s.answer.body.text, s.answer.body.size, s.answer.body.chunked = "", -1, true
	return s
}

// Gzip compresses the content, whether or not the request accepts that. BodySize counts
// before compression, and is at most 1 GiB; what cuts the content counts after it.
func (s Step) Gzip() Step {
	s = s.named(".Gzip()").answers()
	s.answer.body.gzip = true
	return s
}

// Chunked leaves out Content-Length: over HTTP/1 the content is chunked.
func (s Step) Chunked() Step {
	s = s.named(".Chunked()").answers()
	s.answer.body.chunked = true
	return s
}

// Drip sends the content n bytes at a time, and waits for every after each piece.
func (s Step) Drip(n int, every time.Duration) Step {
	s = s.named(".Drip(%d, %v)", n, every).answers()
	if n < 1 {
		return s.mistake("a piece has at least one byte")
	}
	if every < 0 {
		return s.mistake("a negative duration")
	}
	s.answer.body.piece, s.answer.body.every = n, every
	return s
}

// CutBody closes the connection in good order after n bytes of the content: fewer than
// Content-Length says or, with [Step.Chunked], without the last chunk.
func (s Step) CutBody(n int64) Step {
	return s.cutBody(fmt.Sprintf(".CutBody(%d)", n), n, (*exchange).hangUp)
}

// ResetBody resets the connection after n bytes of the content.
func (s Step) ResetBody(n int64) Step {
	return s.cutBody(fmt.Sprintf(".ResetBody(%d)", n), n, (*exchange).reset)
}

// StallBody sends nothing after n bytes of the content, until the
// client goes away or the test ends.
func (s Step) StallBody(n int64) Step {
	return s.cutBody(fmt.Sprintf(".StallBody(%d)", n), n, (*exchange).hang)
}

func (s Step) cutBody(name string, n int64, act func(*exchange)) Step {
	s = s.named("%s", name).answers()
	if n < 0 {
		return s.mistake("a negative size")
	}
	if s.answer.body.cut != nil {
		return s.mistake("the content is cut twice")
	}
	s.answer.body.cut = &cut{name: name, at: n, act: act}
	return s
}

// mostGzip bounds what is compressed, which happens before the answer begins and can't be stopped.
const mostGzip = 1 << 30

// wrong says what makes no sense in the answer as a whole.
func (a *reply) wrong() string {
	b := &a.body
	n, known := int64(len(b.text))+b.size, b.size >= 0 && !b.gzip
	if b.gzip && b.size < 0 {
		return "content without end can't be compressed"
	}
	if b.gzip && b.size > mostGzip {
		return "more than 1 GiB of content can't be compressed"
	}
	if b.cut != nil && known && (b.cut.at > n || b.cut.at == n && !b.chunked) {
		return b.cut.name[1:] + " comes after the end of the content"
	}
	if !bodyAllowed(a.code()) && (n != 0 || b.chunked) {
		return "a response with this status has no content"
	}
	return ""
}

// open returns the content as it is sent, and its length, -1 if it has no end.
func (b *body) open() (io.Reader, int64) {
	var r io.Reader = strings.NewReader(b.text)
	n := int64(len(b.text))
	switch {
	case b.size > 0:
		r, n = io.LimitReader(&alphabet{}, b.size), b.size
	case b.size < 0:
		return &alphabet{}, -1
	}
	if !b.gzip {
		return r, n
	}
	var buf bytes.Buffer
	z := gzip.NewWriter(&buf)
	io.Copy(z, r)
	z.Close()
	return &buf, int64(buf.Len())
}

// An alphabet is an endless reader of the letters from a to z.
type alphabet struct{ at int }

func (a *alphabet) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'a' + byte((a.at+i)%26)
	}
	a.at = (a.at + len(p)) % 26
	return len(p), nil
}

// breathless is how many bytes of content without end go out before a breath: else it
// would stop the clock of a bubble where the connection loses what is written.
const (
	breathless = 64 << 20
	breath     = 100 * time.Millisecond
)

// writeBody writes the content, in the way and as far as it is meant to come.
func (x *exchange) writeBody(b *body, content io.Reader) {
	if b.chunked {
		x.flush() // or the http.Server would count a short body
	}
	limit := int64(-1)
	if b.cut != nil {
		limit = b.cut.at
	}
	buf := make([]byte, 32<<10)
	if b.piece > 0 {
		buf = buf[:min(len(buf), b.piece)]
	}
	var sent int64
	pause := int64(breathless)
	for sent != limit {
		if x.isOver() {
			return // also if writes to the connection are lost without an error, and the content has no end
		}
		p := buf
		if limit >= 0 {
			p = p[:min(int64(len(p)), limit-sent)]
		}
		n, err := io.ReadFull(content, p)
		if n > 0 {
			if _, err := x.w.Write(p[:n]); err != nil {
				return
			}
			sent += int64(n)
		}
		if err != nil {
			return
		}
		if sent >= pause && b.size < 0 {
			x.sleep(breath)
			pause += breathless
		}
		if b.piece > 0 {
			x.flush()
			x.sleep(b.every)
		}
	}
	x.flush()
	x.conn.waitSent(x.r.Context(), x.stream, sent)
	b.cut.act(x)
}
