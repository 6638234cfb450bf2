package retry

import (
	"maps"
	"net/http"
)

// passDeadConnections makes net/http go through idle connections that are dead by itself, within the next attempt,
// after an attempt that one of them has ended: else each attempt would take the next dead one, and a pool can hold more
// of them than there are attempts.
//
// net/http does that for a request that it knows to be idempotent. The key marks this one, and without a value no field
// is sent (see [http.Transport]). Only a base that is known to be one gets the key, since one that signs requests might
// sign it; the idle connections of another are closed once a second attempt has failed.
//
// It returns why the attempt must not be made, if the request ends in the meantime.
func (c *call) passDeadConnections(next *http.Request) error {
	if c.lost != nil || next.Header == nil || marked(next) || !c.policy.Idempotent(c.req) {
		return nil
	}
	if _, ok := c.base.(*http.Transport); ok {
		next.Header = maps.Clone(next.Header)
		next.Header["X-Idempotency-Key"] = nil
		return nil
	}
	if base, ok := c.base.(interface{ CloseIdleConnections() }); ok && c.sent > 1 {
		begin(base.CloseIdleConnections).wait(grace, c.req)
	}
	return ended(c.req)
}

// marked reports whether net/http knows that req is idempotent.
func marked(req *http.Request) bool {
	switch methodOf(req.Method) {
	case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace:
		return true
	}
	return hasKey(req.Header)
}

// hasKey reports whether h has one of the keys that mark a request as idempotent, even without a value.
func hasKey(h http.Header) bool {
	_, standard := h["Idempotency-Key"]
	_, older := h["X-Idempotency-Key"]
	return standard || older
}
