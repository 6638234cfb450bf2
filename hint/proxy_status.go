package hint

import (
	"net/http"
	"strings"

	"github.com/seed-e3550de8/retry"
)

// ProxyStatus returns a Classify function that believes a proxy of this name when it says in Proxy-Status (RFC 9209)
// that a request did not get any further. Such an attempt is [retry.Unprocessed], so that a POST is sent again.
//
// It must be a 502, 503 or 504, the member of that name must be the first, which is the one closest to the origin
// (section 2), there must not be another of the same name, and its error must be one of section 2.3 that comes before
// anything is sent: dns_timeout, dns_error, destination_unavailable, connection_refused, connection_timeout,
// connection_limit_reached, tls_certificate_error. A member with a received-status has been answered. Everything else
// is up to next; nil means [retry.Classify].
//
// You trust the proxy with your POSTs: not to retry by itself, not to pass on a Proxy-Status that its origin made up,
// and to mean what the RFC says. Envoy does not always. It says connection_timeout of a request that it broke off, and
// destination_unavailable when its own retries are used up. Its details tell, so leave them on (remove_details and
// remove_response_flags are false by default): an error is not believed if they have the flags LR, UC, UR, URX or UT.
func ProxyStatus(name string, next func(retry.Attempt) retry.Class) func(retry.Attempt) retry.Class {
	return func(a retry.Attempt) retry.Class {
		if unsent(a.Response, name) {
			return retry.Unprocessed
		}
		return otherwise(next, a)
	}
}

// unsent returns whether a proxy says that it had nobody to send the request to.
func unsent(resp *http.Response, name string) bool {
	if resp == nil || name == "" {
		return false
	}
	switch resp.StatusCode {
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
	default:
		return false
	}
	list, ok := parseList(resp.Header["Proxy-Status"])
	if !ok || len(list) == 0 || !list[0].is(name) {
		return false
	}
	for _, other := range list[1:] {
		if other.is(name) {
			return false
		}
	}
	return beforeSending(list[0].params)
}

func beforeSending(params map[string]item) bool {
	if _, answered := params["received-status"]; answered || params["error"].kind != token {
		return false
	}
	switch params["error"].text {
	case "dns_timeout", "dns_error", "destination_unavailable", "connection_refused", "connection_timeout",
		"connection_limit_reached", "tls_certificate_error":
		return !flagged(params["details"].text)
	}
	return false
}

// flagged returns whether Envoy's details have a response flag of a request that may have been sent: broken off here or
// there, timed out, or retried.
func flagged(details string) bool {
	for flag := range strings.FieldsFuncSeq(details, func(r rune) bool { return r == ';' || r == ',' || r == ' ' }) {
		switch flag {
		case "LR", "UC", "UR", "URX", "UT":
			return true
		}
	}
	return false
}
