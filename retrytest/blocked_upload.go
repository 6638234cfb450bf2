package retrytest

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
)

// halfBody is a request body whose second half does not come. Its Close does not end a Read.
type halfBody struct {
	reader *strings.Reader
	until  <-chan struct{}
}

func (h halfBody) Read(b []byte) (int, error) {
	if h.reader.Len() > 0 {
		return h.reader.Read(b)
	}
	<-h.until
	return 0, io.ErrUnexpectedEOF
}

func (halfBody) Close() error { return nil }

// blockedUpload makes uploads to servers that over makes ways to.
func blockedUpload(p *probe, over func(http.HandlerFunc) http.RoundTripper) {
	const text = "the first half, the second half"
	until := p.blocked()
	half := func() *http.Request {
		req, src := p.upload(http.MethodPut, text)
		_ = src.first().Close()
		req.Body = halfBody{strings.NewReader(text[:len(text)/2]), until}
		return req
	}
	const what = "an early answer and a request body whose Read blocks"
	for _, e := range p.endings() {
		p.endsInTime(p.wrap(&bounded{RoundTripper: over(p.early(runaway))}), half(), e, what)
	}
	p.retriesInTime(p.wrap(&bounded{RoundTripper: over(p.early(1))}), half(), what)
}

func (p *probe) overHTTP1(handler http.HandlerFunc) http.RoundTripper {
	tr, _ := p.serve(handler)
	return tr
}

func (p *probe) overHTTP2(handler http.HandlerFunc) http.RoundTripper {
	tr, _ := p.serve(handler)
	tr.Protocols = new(http.Protocols)
	tr.Protocols.SetUnencryptedHTTP2(true)
	return tr
}

// early answers that many requests before it reads their bodies, and the others after it.
func (p *probe) early(requests int32) http.HandlerFunc {
	var n atomic.Int32
	return func(w http.ResponseWriter, r *http.Request) {
		if n.Add(1) > requests {
			echoBody(w, r)
			return
		}
		if r.ProtoMajor == 1 { // the http.Server would read the body first
			_ = http.NewResponseController(w).EnableFullDuplex()
			closing(w, r)
		}
		w.WriteHeader(p.claims.failureStatus())
		fmt.Fprint(w, "busy")
	}
}
