package e2e_test

import (
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/seed-e3550de8/retry/httpfault"
)

// http1Fault is one that only HTTP/1 can have: what is written is no answer, or not what it says of itself.
func (o *wireOrder) http1Fault(name string) httpfault.Step {
	d := o.dice
	switch d.IntN(6) {
	case 0:
		return pick(d, httpfault.CloseInHeader(), httpfault.ResetInHeader())
	case 1:
		return httpfault.Upgrade("echo")
	}
	p := &wirePage{order: o, status: 200, content: "hello"}
	o.scene.pages[name] = p
	text := strings.ReplaceAll(wireText(d), "NAME", name)
	if strings.Contains(text, " 503 ") {
		p.status = 503
	}
	if strings.Contains(text, "Retry-After: 2\r\n\r\n") {
		p.wish = 2 * time.Second
	}
	if d.one(3) {
		text = text[:d.IntN(len(text)+1)]
	}
	if d.one(2) {
		return httpfault.Raw(text)
	}
	return o.hijack(text)
}

// wireText is what a server writes that no http.Server would.
func wireText(d dice) string {
	return pick(d,
		"HTTP/1.1 200 OK\r\nPage: NAME\r\nContent-Length: 5\r\n\r\nhello",
		"HTTP/1.1 200 OK\r\nPage: NAME\r\nContent-Length: 500\r\n\r\nhello",
		"HTTP/1.0 200 OK\r\nPage: NAME\r\n\r\nhello",
		"HTTP/1.1 200 OK\r\nPage: NAME\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nzz\r\n",
		"HTTP/1.1 200 OK\r\nPage: NAME\r\nTransfer-Encoding: chunked\r\nTrailer: Total\r\n\r\n5\r\nhello\r\n0\r\nno\r\n\r\n",
		"HTTP/1.1 503 Oops\r\nPage: NAME\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
		"HTTP/1.1 503 Oops\r\nPage: NAME\r\nContent-Length: 5\r\n\r\nhello",
		"HTTP/1.1 503 Oops\r\nPage: NAME\r\nContent-Length: 0\r\nRetry-After: 2\r\n\r\n",
		"HTTP/1.1 503 Oops\r\nPage: NAME\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
		"HTTP/1.1 200 OK\r\nPage: NAME\r\nContent-Length: -5\r\n\r\n",
		"HTTP/1.1 103 Hints\r\n\r\nHTTP/1.1 100 Go\r\n\r\nHTTP/1.1 503 Oops\r\nPage: NAME\r\nContent-Length: 0\r\n\r\n",
		strings.Repeat("HTTP/1.1 103 Early Hints\r\n\r\n", 50),
		"HTTP/1.1 200 OK\r\nPage: NAME\r\nno colon\r\n\r\n",
		"HTTP/1.1 200 OK\r\nPage: NAME\r\nX: "+strings.Repeat("x", 10000),
		"\x00\x01\x02 garbage \r\n\r\n")
}

// hijack writes text in two pieces, and then says no more, or leaves.
func (o *wireOrder) hijack(text string) httpfault.Step {
	d := o.dice
	at, pause, reads, leaves := d.IntN(len(text)+1), pick(d, 0, time.Millisecond, 5*time.Second), d.one(2), d.one(3)
	return httpfault.HandleFunc(func(w http.ResponseWriter, r *http.Request) {
		if reads {
			_, _ = io.Copy(io.Discard, r.Body)
		}
		c, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer c.Close()
		_, _ = io.WriteString(c, text[:at])
		time.Sleep(pause)
		_, _ = io.WriteString(c, text[at:])
		if !leaves {
			_, _ = io.Copy(io.Discard, rw)
		}
	})
}
