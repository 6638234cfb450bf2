package retry

import (
	"context"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// connectAnswered is the OnProxyConnectResponse of the default base. It keeps the status of a proxy's answer, of
// which http.Transport leaves only the reason phrase. So the proxy's words don't matter, and a 503 proves that
// nothing was sent.
func connectAnswered(_ context.Context, _ *url.URL, _ *http.Request, resp *http.Response) error {
	if resp.StatusCode == http.StatusOK {
		return nil
	}
	return &net.OpError{Op: "proxyconnect", Net: "tcp", Err: connectStatus(resp.StatusCode)}
}

// connectStatus is the error of a proxy's answer to CONNECT.
type connectStatus int

func (s connectStatus) Error() string {
	return strings.TrimSpace(strconv.Itoa(int(s)) + " " + http.StatusText(int(s)))
}

// isRefusal reports whether another CONNECT would have the same answer: what over plain HTTP is a response, and Final.
func (s connectStatus) isRefusal() bool {
	return s/100 == 4 && ClassifyStatus(int(s)) == Final
}

// refusedByProxy reports whether err is all that http.Transport leaves of a proxy's refusal, its reason phrase. That
// proves nothing more: a 503 is not taken to mean that nothing was sent, as any base may make an error of a
// response's status.
func refusedByProxy(req *http.Request, err error) bool {
	if req == nil || req.URL == nil || req.URL.Scheme != "https" {
		return false
	}
	// What some proxies add to the phrase stands in parentheses.
	phrase, _, _ := strings.Cut(err.Error(), " (")
	for code := 400; code < 500; code++ {
		text := http.StatusText(code)
		if text != "" && strings.EqualFold(strings.TrimSpace(phrase), text) {
			return connectStatus(code).isRefusal()
		}
	}
	return false
}

// refusedBySOCKS reports whether a SOCKS proxy refuses for good (RFC 1928 section 6, RFC 1929 section 2). A password
// that is wrong is not sent again and again: it could lock an account.
func refusedBySOCKS(err error) bool {
	if !isText(err) {
		return false
	}
	switch err.Error() {
	case "no acceptable authentication methods", "username/password authentication failed", "invalid username/password",
		"unknown error connection not allowed by ruleset", "unknown error command not supported",
		"unknown error address type not supported":
		return true
	}
	return false
}
