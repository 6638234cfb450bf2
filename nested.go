package retry

import (
	"net/http"
	"net/url"
	"sync/atomic"
)

// A layer is a call as the Transports around it and within it see it. They make their attempts in one layer:
//
//   - an inner Transport finds it in a retry's context, and leaves the retrying to it;
//   - an outer Transport finds it in a response's Request, or in an error, and adds its attempts to its own.
//
// Only a layer of the same request counts. A token that a base fetches under the context of a retry, the next page that
// is asked for under the context of a response, a response out of a cache, and the error of a side request are none.
type layer struct {
	method string
	url    *url.URL
	number uint64      // of all layers, in the order in which they were made
	over   atomic.Bool // the call has returned
}

// layers is how many have been made. Unlike the time, it tells what came first of two layers of one moment.
var layers atomic.Uint64

func (l *layer) init(req *http.Request) *layer {
	l.method, l.url, l.number = req.Method, req.URL, layers.Add(1)
	return l
}

func layerOf(req *http.Request) *layer { return new(layer).init(req) }

// is reports whether l is of the same request as req, which may be a copy with other header fields.
func (l *layer) is(req *http.Request) bool {
	return l != nil && req != nil && methodOf(l.method) == methodOf(req.Method) && sameURL(l.url, req.URL)
}

func methodOf(m string) string {
	if m == "" {
		return http.MethodGet
	}
	return m
}

func sameURL(u, v *url.URL) bool {
	if u == v || u == nil || v == nil {
		return u == v
	}
	return authorityOf(u) == authorityOf(v) &&
		u.Path == v.Path && u.RawQuery == v.RawQuery && u.Opaque == v.Opaque
}

// around reports whether a call of req is part of another Transport's retry, which is what s says while that goes on.
func (s *settings) around(req *http.Request) bool {
	return s.layer.is(req) && !s.layer.over.Load()
}

// countInner raises Number to the attempts that a nested Transport reports, by its response or by its error.
func (c *call) countInner(resp *http.Response, err error) {
	if err != nil {
		if inner, ok := find[*Error](err); ok && c.believes(inner.layer) {
			c.Number = max(c.Number, inner.Attempts)
			c.until = later(c.until, inner.until)
		}
	}
	if resp == nil || resp.Request == nil || resp.Request == c.Request {
		return // a base without a retry of its own returns what it was given
	}
	if s := settingsOf(resp.Request.Context()); s != nil && c.believes(s.layer) {
		c.Number = max(c.Number, s.attempt)
	}
}

// believes reports whether l is a layer within the current attempt: one that was made since that began. A base may
// return an old response, or an old error. It is tempting to let the first call that hears of a layer keep it, but a
// call further out has to know of it as well, and what lies between may have sent a copy of its request.
func (c *call) believes(l *layer) bool { return l.is(c.req) && l.number > c.before }
