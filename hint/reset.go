package hint

import (
	"net/http"
	"strings"
	"time"

	"github.com/seed-e3550de8/retry"
)

// A Unit is what a number in a field counts.
type Unit int

const (
	Seconds          Unit = iota // from the arrival of the response
	Milliseconds                 // from the arrival of the response
	UnixSeconds                  // since 1 January 1970
	UnixMilliseconds             // since 1 January 1970
)

// Reset returns a wait that stands in a field of this name, such as X-RateLimit-Reset, in this unit. An unknown Unit is
// taken for Seconds. No standard says what such a field means, so look it up for your server: the same name has each
// of the units somewhere (appendix of draft-ietf-httpapi-ratelimit-headers).
//
// A name that says "reset" tells when a window ends, and most servers send it with every response. It is a wait with a
// 429 (Too Many Requests), unless its sibling, with "remaining" in place of "reset", says that there is something left;
// and with a 503 (Service Unavailable) whose sibling says that there is nothing left. A field of another name, such as
// X-Amz-Retry-After, is a wait with every response.
//
// Time since 1970 is read against Date and Age like a date in Retry-After. Values have the forms that
// [retry.ParseRetryAfter] reads, which include fractions, lists, units of their own ("6m0s"), and dates, which mean the
// same in each Unit. A number of a unit since 1970 that would lie before November 1985 can't be meant so: it counts in
// seconds, since 1970 if that is later and else from the arrival.
func Reset(header string, unit Unit) func(*http.Response, time.Time) (time.Duration, bool) {
	header = http.CanonicalHeaderKey(header)
	remaining := strings.Replace(strings.TrimSuffix(header, "-After"), "Reset", "Remaining", 1)
	if !strings.Contains(header, "Reset") {
		remaining = ""
	}
	return func(resp *http.Response, now time.Time) (time.Duration, bool) {
		if d, ok := retryAfter(resp, now); ok || resp == nil {
			return d, ok
		}
		if remaining != "" && !exhausted(resp, remaining) {
			return 0, false
		}
		return until(resp.Header, header, unit, now)
	}
}

// exhausted returns whether a response says that there is nothing left of what the field counts.
func exhausted(resp *http.Response, remaining string) bool {
	tooMany := resp.StatusCode == http.StatusTooManyRequests
	left := false
	for _, value := range resp.Header[remaining] {
		for member := range strings.SplitSeq(value, ",") {
			d, ok := read(member)
			if ok && d == 0 {
				return tooMany || resp.StatusCode == http.StatusServiceUnavailable
			}
			left = left || ok
		}
	}
	return tooMany && !left
}

// year1985 is what no server means: as seconds since 1970 too early, as seconds from now too late. (A later year would
// not do, as the clock of testing/synctest begins in 2000.)
const year1985 = 500e6 * time.Second

// until returns how long after the arrival of a response the time in one of its fields is.
func until(h http.Header, header string, unit Unit, now time.Time) (time.Duration, bool) {
	seconds := http.Header{"Retry-After": h[header], "Date": h["Date"], "Age": h["Age"]}
	milliseconds := http.Header{"Retry-After-Ms": h[header]}
	epoch := time.Unix(0, 0)
	switch unit {
	case Milliseconds:
		if d, ok := retry.ParseRetryAfter(milliseconds, now); ok {
			return d, true
		}
	case UnixMilliseconds:
		if d, ok := retry.ParseRetryAfter(milliseconds, now); ok && d >= year1985 {
			return since(epoch.Add(d), h, now)
		}
		fallthrough
	case UnixSeconds:
		// From 1970 as the present, a date is as far as its number of seconds.
		d, ok := retry.ParseRetryAfter(http.Header{"Retry-After": h[header]}, epoch)
		if ok && d >= year1985 {
			return since(epoch.Add(d), h, now)
		}
	}
	return retry.ParseRetryAfter(seconds, now)
}

// since returns how long after the arrival of a response the time t is, by the clock of its server.
func since(t time.Time, h http.Header, now time.Time) (time.Duration, bool) {
	date := t.UTC().Format(time.RFC3339Nano)
	return retry.ParseRetryAfter(http.Header{"Retry-After": {date}, "Date": h["Date"], "Age": h["Age"]}, now)
}
