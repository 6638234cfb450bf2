package retry

import (
	"net/http"
	"strings"
)

// refusedByProxy reports whether err is all that http.Transport leaves of a proxy's answer to CONNECT, its reason
// phrase, and the answer was one of 400 to 499 that does not pass: over plain HTTP it would be a response, and Final
// too.
//
// The phrase proves nothing more. A 503 is not taken for a proof that nothing was sent, as any base may make an error
// of the status of a response.
func refusedByProxy(req *http.Request, err error) bool {
	if req == nil || req.URL == nil || req.URL.Scheme != "https" {
		return false
	}
	// What some proxies add to the phrase stands in parentheses.
	phrase, _, _ := strings.Cut(err.Error(), " (")
	for code := 400; code < 500; code++ {
		text := http.StatusText(code)
		if text != "" && strings.EqualFold(strings.TrimSpace(phrase), text) {
			return ClassifyStatus(code) == Final
		}
	}
	return false
}

// refusedBySOCKS reports whether a SOCKS proxy refuses for good (RFC 1928 section 6, RFC 1929 section 2). A password
// that is wrong is not sent again and again: it could lock an account.
func refusedBySOCKS(err error) bool {
	if err == nil || !isText(err) {
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
