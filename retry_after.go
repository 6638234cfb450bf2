package retry

import (
	"net/http"
	"strings"
	"time"
)

// ParseRetryAfter returns how long a server asks its client to wait, counted from the moment when the response with
// header h arrived, and whether it asks at all.
//
// Retry-After (RFC 9110 section 10.2.3) is a number of seconds or an HTTP-date. Servers write more than that, and what
// a careful reader understands is not taken for no wish. A value may be
//   - digits: seconds, leading zeros or not. Unix time too, which nothing distinguishes from a long wait;
//   - digits with one point in, before or after them: seconds, rounded up to the nanosecond;
//   - numbers with units from ms to days: "30s", "1m0s" (a Duration of Go's), "5 minutes", "PT30S" (one of Java's);
//   - a date in any of the three forms of RFC 9110 section 5.6.7 or in that of RFC 5322 or RFC 3339, with or without a
//     day of the week, right or wrong, in any case and zone: an offset, or the name of an American one. No zone means
//     UTC, and so does any other name. A year of two digits is at most 50 years ahead;
//   - several of these, in one field with commas or semicolons or in several fields: the longest counts;
//   - any of these in quotes, or amid blanks.
//
// A date is read against the Date field of the same response plus its Age (RFC 9111 section 5.1), so that a wrong clock
// on either side cancels out, and against now if there is no valid Date. Age takes nothing from a number of seconds:
// whether a cache has counted it down cannot be told.
//
// retry-after-ms, or else x-ms-retry-after-ms, which some services send beside it, are milliseconds, in the same forms
// but for dates. They count instead if they are valid, unless they are so much shorter that no rounding up to whole
// seconds explains it.
//
// What is too large for a Duration is the largest Duration. Anything else, a sign, an exponent, NaN and a date that is
// not in the future included, counts as absent. A nil header has none. The result is never negative.
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
		if d, ok := span(v, time.Second); ok {
			return d, true
		}
		return until(v, serverTime(h, now))
	})
	if rounded := d%time.Second == 0 && fine > d-time.Second; refined && (rounded || fine > d) {
		return fine, true
	}
	return d, ok
}

// longest parses each member of each value. The comma after a day of the week may be taken for one that separates: the
// day is then a member that says nothing, and the date can do without.
func longest(values []string, parse func(string) (time.Duration, bool)) (d time.Duration, ok bool) {
	for _, v := range values {
		for member := range strings.FieldsFuncSeq(v, separates) {
			if one, valid := parse(strings.Trim(member, " \t\r\n\"")); valid {
				d, ok = max(d, one), true
			}
		}
	}
	return d, ok
}

func separates(r rune) bool { return r == ',' || r == ';' }

// until returns how long after ref the date s is.
func until(s string, ref time.Time) (time.Duration, bool) {
	t, ok := parseDate(s, ref)
	d := t.Sub(ref)
	return d, ok && d > 0
}

// serverTime is the server's clock when the response arrived. Date is when the origin made the response, and Age is how
// long a cache has kept it since.
func serverTime(h http.Header, now time.Time) time.Time {
	for _, date := range h["Date"] {
		if t, ok := parseDate(date, now); ok {
			return t.Add(age(h))
		}
	}
	return now
}

// age is the Age field: of several members the first counts, and an invalid one is ignored (RFC 9111 section 5.1).
func age(h http.Header) time.Duration {
	values := h["Age"]
	if len(values) == 0 {
		return 0
	}
	first, _, _ := strings.Cut(values[0], ",")
	first = strings.Trim(first, " \t")
	if digits(first) != first {
		return 0
	}
	return scale(first, "", time.Second)
}
