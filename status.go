package retry

import "net/http"

// ClassifyStatus returns the [Class] of a response status:
//
//   - 408 Request Timeout (RFC 9110 section 15.5.9), 425 Too Early (RFC 8470 section 5.2), 429 Too Many Requests
//     (RFC 6585 section 4) and 500 to 599 (RFC 9110 section 15.6) are [Transient];
//   - every other code is [Final], 600 and up, zero and negative ones included.
//
// A code of the 5xx class that nobody has registered counts as 500 (RFC 9110 section 15). 501, 505 to 508, 510 and
// 511 do not pass by their definition and cost a few useless attempts; the example of Policy.Classify leaves them out.
// A Retry-After field never changes the class: a 202 or a 301 with one is Final.
func ClassifyStatus(code int) Class {
	switch {
	case code == http.StatusRequestTimeout,
		code == http.StatusTooEarly,
		code == http.StatusTooManyRequests,
		code >= 500 && code <= 599:
		return Transient
	}
	return Final
}
