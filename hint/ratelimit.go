package hint

import (
	"net/http"
	"time"
)

// RateLimit is the wait that the RateLimit field asks for (draft-ietf-httpapi-ratelimit-headers-10 section 4): the
// longest t, in seconds, of the policies whose r, which is what remains, is 0. It reads the forms of older drafts too,
// which more servers send: "limit=10, remaining=0, reset=50", and the fields RateLimit-Remaining and RateLimit-Reset.
//
// The field comes with every response, as a forecast, and is a wait only with 429 (Too Many Requests) and 503 (Service
// Unavailable). Retry-After takes precedence, as the draft demands. What a cache has kept says nothing about now, and
// is ignored, and so is a field that does not follow the rules of structured fields (RFC 9651): all of it, not a part.
func RateLimit(resp *http.Response, now time.Time) (time.Duration, bool) {
	if d, ok := retryAfter(resp, now); ok || resp == nil {
		return d, ok
	}
	if resp.StatusCode != http.StatusTooManyRequests && resp.StatusCode != http.StatusServiceUnavailable {
		return 0, false
	}
	if age := resp.Header.Get("Age"); age != "" && age != "0" {
		return 0, false
	}
	if lines := resp.Header["Ratelimit"]; len(lines) > 0 {
		if d, ok := quota(lines); ok {
			return d, true
		}
		return oldQuota(lines)
	}
	if !exhausted(resp, "Ratelimit-Remaining") {
		return 0, false
	}
	return until(resp.Header, "Ratelimit-Reset", Seconds, now)
}

// quota reads the form of draft 08 and later: a List of names with parameters, of which r is required.
func quota(lines []string) (longest time.Duration, ok bool) {
	list, valid := parseList(lines)
	if !valid {
		return 0, false
	}
	for _, policy := range list {
		remaining, valid := policy.params["r"].number()
		if policy.kind != text && policy.kind != token || !valid || remaining < 0 {
			return 0, false
		}
		t, timed := policy.params["t"]
		seconds, valid := t.number()
		if timed && (!valid || seconds < 0) {
			return 0, false
		}
		if remaining == 0 && timed {
			longest, ok = max(longest, inSeconds(seconds)), true
		}
	}
	return longest, ok
}

// oldQuota reads the form of drafts 03 to 07, a Dictionary.
func oldQuota(lines []string) (time.Duration, bool) {
	fields, ok := parseDictionary(lines)
	if !ok {
		return 0, false
	}
	remaining, ok := fields["remaining"].number()
	seconds, timed := fields["reset"].number()
	if !ok || !timed || remaining != 0 || seconds < 0 {
		return 0, false
	}
	return inSeconds(seconds), true
}

// inSeconds returns n seconds, or the largest Duration.
func inSeconds(n int64) time.Duration {
	const most = int64((1<<63 - 1) / time.Second)
	if n > most {
		return 1<<63 - 1
	}
	return time.Duration(n) * time.Second
}
