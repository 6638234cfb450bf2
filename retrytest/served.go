package retrytest

import (
	"cmp"
	"io"
	"net/http"
	"strconv"
)

// servedChecks are there if the claims have a Serve.
var servedChecks = []check{
	{
		name: "BlockedUploadServed",
		promise: "over the protocol of Claims.Serve too, an early failure status makes a retry in time though the Read " +
			"of the first attempt's body still blocks.",
		why: boundsWhy,
		run: func(p *probe) { blockedUpload(p, p.reach) },
	},
	{
		name: "EarlyReplyUploadServed",
		promise: "an upload of 8 MiB over the protocol of Claims.Serve arrives intact when the server answers its first " +
			"attempt before reading it.",
		why: earlyReplyWhy,
		run: func(p *probe) {
			uploads := p.refuse()
			uploads.arriveOver(p, p.served(uploads), target)
		},
	},
}

// reach starts a server for handler, by Claims.Serve if there is one, and returns the way to it.
func (p *probe) reach(handler http.HandlerFunc) http.RoundTripper {
	if p.claims.Serve != nil {
		return p.served(handler)
	}
	return p.overHTTP1(handler)
}

func (p *probe) served(h http.Handler) http.RoundTripper { return secure{p.claims.Serve(p.T, h)} }

// secure is a transport that is asked for https instead of http.
type secure struct{ base http.RoundTripper }

func (s secure) RoundTrip(req *http.Request) (*http.Response, error) {
	sent, url := *req, *req.URL
	sent.URL, url.Scheme = &url, "https"
	sent.Method = cmp.Or(req.Method, http.MethodGet) // which is what the empty one means, but not to quic-go
	resp, err := s.base.RoundTrip(&sent)
	if resp != nil {
		resp.Request = req
	}
	return resp, err
}

// attemptField says to the server which attempt a request is.
const attemptField = "Retrytest-Attempt"

// overWire makes attempt n by the transport that leads to the server.
func (b *base) overWire(n int, req *http.Request) (*http.Response, error) {
	numbered := *req
	numbered.Header = req.Header.Clone()
	numbered.Header.Set(attemptField, strconv.Itoa(n))
	resp, err := b.wire.RoundTrip(&numbered)
	if err != nil {
		return nil, err
	}
	resp.Request = req
	body := newContent("")
	body.wire = resp.Body
	resp.Body = b.watch(body)
	return resp, nil
}

// ServeHTTP answers attempt n with the nth of b's outcomes.
func (b *base) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	n, err := strconv.Atoi(r.Header.Get(attemptField))
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	b.read(n, r)
	a := b.outcomes[min(n, len(b.outcomes))-1]
	if a.hang {
		<-r.Context().Done()
		return
	}
	for i := 0; i+1 < len(a.header); i += 2 {
		w.Header().Add(a.header[i], a.header[i+1])
	}
	w.WriteHeader(a.code)
	_, _ = io.WriteString(w, replyTo(n))
}
