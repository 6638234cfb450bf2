package idempotency

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// inherited returns the key of the request whose answer was the redirect to req, if that was to the same host and by
// the same method. http.Client makes the next request from the caller's, which never had the key, and under the
// caller's context; what was really sent is left only in the Request of the Response that req bears.
func inherited(req *http.Request, name string) []string {
	if req.Response == nil || req.Response.Request == nil {
		return nil
	}
	last := req.Response.Request
	if cmp.Or(last.Method, http.MethodGet) != cmp.Or(req.Method, http.MethodGet) || !sameHost(last.URL, req.URL) {
		return nil
	}
	return slices.Clone(last.Header[name])
}

func sameHost(a, b *url.URL) bool {
	return a != nil && b != nil && strings.EqualFold(host(a), host(b))
}

// host returns the host of u with its port, but for the one that the scheme stands for: so the way from http to https
// is no other host.
func host(u *url.URL) string {
	switch port := u.Port(); {
	case port == "80" && u.Scheme == "http", port == "443" && u.Scheme == "https":
		return strings.TrimSuffix(u.Host, ":"+port)
	}
	return strings.TrimSuffix(u.Host, ":")
}
