package main

import (
	"io"
	"net/http"
)

// A meter shows on the screen how much of each attempt's body is read. It stands inside of the retries: around the body
// of the caller's request it would hide that this is a file, which can be sent again.
type meter struct {
	base   http.RoundTripper
	screen *screen
}

func (m meter) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Body == nil || req.Body == http.NoBody {
		return m.base.RoundTrip(req)
	}
	m.screen.reset()
	out := *req
	out.Body = &meteredBody{req.Body, m.screen}
	return m.base.RoundTrip(&out)
}

// CloseIdleConnections is for http.Client's method of that name.
func (m meter) CloseIdleConnections() { m.base.(*http.Transport).CloseIdleConnections() }

type meteredBody struct {
	io.ReadCloser
	screen *screen
}

func (b *meteredBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.screen.Write(p[:n])
	return n, err
}
