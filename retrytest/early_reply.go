package retrytest

import (
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

var earlyReplyChecks = []check{
	{
		name:    "EarlyReplyUpload",
		promise: "a retry does not touch the body that an earlier attempt may still be reading.",
		why: "http.RoundTripper: callers wanting to reuse the body must wait for its Close. After an early 503 a " +
			"transport goes on reading; rewinding that reader mixes the bytes of two attempts, and the server stores " +
			"the mixture (golang/go#51907).",
		run: earlyReplyUpload,
	},
}

func earlyReplyUpload(p *probe) {
	text := pattern(32 << 10)
	req, _ := p.upload(http.MethodPut, text)
	early := &earlyReply{code: p.claims.failureStatus(), reads: make(chan string, 1)}
	resp, err := p.roundTrip(p.wrap(early), req)
	if err != nil {
		p.broken("An early answer, and then a 200, gave the error %q.", err)
	}
	resp.Body.Close()
	if first := <-early.reads; !strings.HasPrefix(text, first) {
		p.broken("The first attempt read %d bytes that are not the start of the body.", len(first))
	}
	if early.attempts < 2 {
		p.broken("The early answer with status %d was not followed by a retry.", early.code)
	}
	if early.second != text {
		p.broken("The second attempt read %d bytes that are not the %d bytes of the body.",
			len(early.second), len(text))
	}
}

// pattern has no two lines alike, so that a part of it in the wrong place shows.
func pattern(size int) string {
	var b []byte
	for i := 0; len(b) < size; i++ {
		b = strconv.AppendInt(append(b, "line "...), int64(i), 10)
		b = append(b, '\n')
	}
	return string(b[:size])
}

// earlyReply is a base that answers the first attempt at once and goes on reading its body, as net/http does.
type earlyReply struct {
	code  int
	reads chan string // what the first attempt read in the end

	mu       sync.Mutex
	attempts int
	second   string
}

func (e *earlyReply) RoundTrip(req *http.Request) (*http.Response, error) {
	e.mu.Lock()
	e.attempts++
	n := e.attempts
	e.mu.Unlock()
	reply := (&base{}).reply(status(e.code), n, req)
	if n == 1 {
		go func() { e.reads <- readSlowly(req.Body) }()
		return reply, nil
	}
	reply.StatusCode = http.StatusOK
	read := readSlowly(req.Body)
	e.mu.Lock()
	e.second = read
	e.mu.Unlock()
	return reply, nil
}

// readSlowly takes longer than any backoff: the first attempt is not done when the second begins.
func readSlowly(body io.ReadCloser) string {
	if body == nil {
		return ""
	}
	defer body.Close()
	var all []byte
	piece := make([]byte, 512)
	for {
		n, err := body.Read(piece)
		all = append(all, piece[:n]...)
		if err != nil {
			return string(all)
		}
		time.Sleep(10 * time.Second)
	}
}
