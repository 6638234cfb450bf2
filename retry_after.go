package retry

import (
	"math"
	"net/http"
	"net/textproto"
	"time"
)

const forever = time.Duration(math.MaxInt64)

// ParseRetryAfter returns how long a server asks its client to wait, counted from the moment when the response with
// header h arrived, and whether it asks at all.
//
// Retry-After (RFC 9110 section 10.2.3) is a number of seconds, digits only, or an HTTP-date in any of the three forms
// of RFC 9110 section 5.6.7. A date is read against the Date field of the same response if it has a valid one, so that
// a wrong clock on either side cancels out, and else against now. retry-after-ms, or else x-ms-retry-after-ms, which some
// services send beside it, are milliseconds. They count instead if they are valid, unless they are shorter by a second
// or more, which no rounding explains.
//
// A number too large for a Duration is the largest Duration. Anything else, a sign, a fraction and a date that is not
// in the future included, counts as absent. Of several valid values of one field the longest counts. A nil header has
// none. The result is never negative.
func ParseRetryAfter(h http.Header, now time.Time) (time.Duration, bool) {
	// The map is read directly because Get would canonicalize these constants again on each retry.
	fine, refined := longest(h["Retry-After-Ms"], milliseconds)
	if !refined {
		fine, refined = longest(h["X-Ms-Retry-After-Ms"], milliseconds)
	}
	values := h["Retry-After"]
	if len(values) == 0 {
		return fine, refined
	}
	d, ok := longest(values, func(v string) (time.Duration, bool) {
		if d, ok := digits(v, time.Second); ok {
			return d, true
		}
		return until(v, serverTime(h, now))
	})
	if refined && fine > d-time.Second {
		return fine, true
	}
	return d, ok
}

func longest(values []string, parse func(string) (time.Duration, bool)) (d time.Duration, ok bool) {
	for _, v := range values {
		if one, valid := parse(textproto.TrimString(v)); valid {
			d, ok = max(d, one), true
		}
	}
	return d, ok
}

func milliseconds(s string) (time.Duration, bool) { return digits(s, time.Millisecond) }

// digits reads 1*DIGIT (RFC 9110 section 10.2.3) in the given unit. It is tempting to use strconv or
// time.ParseDuration, but they take signs, and fail where a long number only means a long time.
func digits(s string, unit time.Duration) (time.Duration, bool) {
	n, limit := time.Duration(0), forever/unit
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
		// n stays at or below limit, which is small enough for one more digit.
		n = min(n*10+time.Duration(s[i]-'0'), limit+1)
	}
	if n > limit {
		return forever, true
	}
	return n * unit, s != ""
}

// until returns how long after ref the HTTP-date s is.
func until(s string, ref time.Time) (time.Duration, bool) {
	t, err := http.ParseTime(s)
	if err != nil {
		return 0, false
	}
	if _, err := time.Parse(time.RFC850, s); err == nil {
		t = nearestCentury(t, ref)
	}
	d := t.Sub(ref)
	return max(d, 0), d > 0
}

// nearestCentury applies RFC 9110 section 5.6.7 to a year of two digits: what appears to be more than 50 years in the
// future is in the past. http.ParseTime pivots at the fixed year 1969 instead.
func nearestCentury(t, ref time.Time) time.Time {
	for !t.AddDate(100, 0, 0).After(ref.AddDate(50, 0, 0)) {
		t = t.AddDate(100, 0, 0)
	}
	for t.After(ref.AddDate(50, 0, 0)) {
		t = t.AddDate(-100, 0, 0)
	}
	return t
}

func serverTime(h http.Header, now time.Time) time.Time {
	if date := h["Date"]; len(date) > 0 {
		if t, err := http.ParseTime(textproto.TrimString(date[0])); err == nil {
			return t
		}
	}
	return now
}
