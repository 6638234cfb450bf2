package resume

import (
	"net/http"

	"github.com/seed-e3550de8/retry"
)

// A Transport is an [http.RoundTripper] that continues the bodies of another one, its base. The zero Transport is
// New(nil, Policy{}).
//
// A Transport may be used by many goroutines at once and must not be copied after its first use. The package comment
// says what it continues and what it believes.
type Transport struct {
	base   http.RoundTripper // nil: inner
	policy Policy
	inner  retry.Transport
}

var _ http.RoundTripper = (*Transport)(nil)

// New returns a Transport that sends its requests, and their continuations, through base. A nil base is a
// [retry.Transport] with the zero policy. Like those of net/http, the bodies of a base's responses must bear a Close
// during a Read.
func New(base http.RoundTripper, p Policy) *Transport {
	return &Transport{base: base, policy: p}
}

// CloseIdleConnections calls the base's method of that name, if it has one, as [http.Client.CloseIdleConnections] does.
func (t *Transport) CloseIdleConnections() {
	if base, ok := t.roundTripper().(interface{ CloseIdleConnections() }); ok {
		base.CloseIdleConnections()
	}
}

func (t *Transport) roundTripper() http.RoundTripper {
	if t.base != nil {
		return t.base
	}
	return &t.inner
}

// RoundTrip implements [http.RoundTripper]. Its response and error are the base's own. If the body is one that can be
// continued, Response.Body is replaced by a body that does so.
//
// That body, like any other, is for one reader at a time, and Close may be called during a Read: it ends the Read, the
// wait before a continuation, and the continuation itself, at once. Once a body has broken off and its continuation
// has come to nothing, Read returns an [*Error], and keeps returning it. The caller's request must not change
// until the body is closed, as [http.RoundTripper] demands anyway.
func (t *Transport) RoundTrip(req *http.Request) (*http.Response, error) {
	if !continuable(req) || t.policy.MaxContinuations < 0 {
		return t.roundTripper().RoundTrip(req)
	}
	sent := t.policy.prepare(req)
	resp, err := t.roundTripper().RoundTrip(sent)
	if err != nil || resp == nil {
		return resp, err
	}
	if rep, ok := represented(sent, resp); ok {
		resp.Body = newBody(t, sent, resp.Body, rep)
	}
	return resp, nil
}

// continuable reports whether the rest of req's response could be asked for: only GET has ranges (RFC 9110 section
// 14.2), and of several ranges nobody knows in which one a body broke.
func continuable(req *http.Request) bool {
	if req == nil || req.Method != "" && req.Method != http.MethodGet {
		return false
	}
	if req.Body != nil && req.Body != http.NoBody {
		return false
	}
	values := fields(req.Header, "Range")
	return len(values) == 0 || len(values) == 1 && singleRange(values[0])
}

// prepare returns req, or a copy that asks for content which is not encoded.
func (p *Policy) prepare(req *http.Request) *http.Request {
	if !p.Identity || len(fields(req.Header, "Accept-Encoding"))+len(fields(req.Header, "Range")) > 0 {
		return req
	}
	sent := req.Clone(req.Context())
	if sent.Header == nil {
		sent.Header = http.Header{}
	}
	sent.Header.Set("Accept-Encoding", "identity")
	return sent
}
