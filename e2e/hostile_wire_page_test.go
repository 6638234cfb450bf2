package e2e_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"strings"

	"github.com/stretchr/testify/assert"
)

// checkPage demands of what the caller has read that it is what was sent: all of it, or its beginning and an error.
func (o *wireOrder) checkPage(p *wirePage) {
	s, page, err := o.scene, o.page, o.readErr
	if o.req.Method == http.MethodHead {
		assert.Empty(s, page)
		return
	}
	if o.resp.Header.Get("Content-Encoding") == "gzip" {
		page, err = gunzip(page, err)
	}
	if p.endless {
		want := strings.Repeat(p.content, len(page)/len(p.content)+1)
		assert.Equal(s, want[:len(page)], string(page))
		return
	}
	assert.True(s, strings.HasPrefix(p.content, string(page)), "the page is not that of the server: %.80q", page)
	if err != nil || o.stopped {
		return
	}
	if p.framed {
		assert.Len(s, page, len(p.content), "the page is short, and there is no error")
		assert.Equal(s, p.total, o.resp.Trailer.Get("Total"), "promise 12: the trailer of the response")
	}
}

// gunzip is what a caller does who has asked for gzip.
func gunzip(page []byte, err error) ([]byte, error) {
	z, bad := gzip.NewReader(bytes.NewReader(page))
	if bad != nil {
		return nil, bad
	}
	page, bad = io.ReadAll(z)
	if bad != nil {
		return page, bad
	}
	return page, err
}

// checkReceipt looks at the answer that a server gives past its script, or that the http.Server has given by itself.
func (o *wireOrder) checkReceipt() {
	s := o.scene
	switch o.resp.StatusCode {
	case http.StatusSwitchingProtocols:
		hidden := o.timeout > 0 // an http.Client with a Timeout has a body of its own
		assert.True(s, hidden || o.readErr != nil || string(o.page) == "ping", "promise 12: got %q", o.page)
		return
	case http.StatusOK:
	default:
		assert.Contains(s, []int{400, 408}, o.resp.StatusCode, "nobody has sent this")
		return
	}
	assert.Equal(s, o.sum(), o.resp.Header.Get("Received"), "promise 3: the server received what was sent")
	if o.req.Method == http.MethodHead {
		return
	}
	want := soakPage(o.req.URL.Path, o.size)
	assert.True(s, bytes.HasPrefix(want, o.page), "the page is not that of the server: %.80q", o.page)
	if o.readErr == nil && !o.stopped {
		assert.Len(s, o.page, len(want), "the page is short, and there is no error")
	}
}
