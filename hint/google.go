package hint

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/seed-e3550de8/retry"
)

// RetryInfo is the wait that Google's APIs ask for in the body of an error: the retryDelay of a google.rpc.RetryInfo
// among the details (google/rpc/error_details.proto, AIP-193), as Gemini sends it without any field in the header. If
// there is a Retry-After too, the longer one counts.
//
// It is for the REST form, application/json, of an error status. A list of errors, as a stream of Gemini's has it, is
// read like one: those that are whole within its first 64 KiB, or before the body fails.
func RetryInfo(resp *http.Response, now time.Time) (time.Duration, bool) {
	longest, ok := retryAfter(resp, now)
	for _, one := range googleErrors(resp) {
		for _, detail := range one.details() {
			if !strings.HasSuffix(detail.Type, "google.rpc.RetryInfo") {
				continue
			}
			if d, asked := protoDuration(detail.RetryDelay); asked {
				longest, ok = max(longest, d), true
			}
		}
	}
	return longest, ok
}

// GoogleQuota returns a Classify function that knows the quotas of Google's APIs by the body of a 403 or a 429. One per
// day that is used up is [retry.Final], as no wait that a request can afford brings it back. A rate that is exceeded is
// [retry.Transient], also with a 403, which is how Drive, Gmail and Calendar say it. The others are up to next; nil
// means [retry.Classify]. If next has proof that the server did not act, that stands.
func GoogleQuota(next func(retry.Attempt) retry.Class) func(retry.Attempt) retry.Class {
	return func(a retry.Attempt) retry.Class {
		c := otherwise(next, a)
		if a.Response == nil {
			return c
		}
		switch a.Response.StatusCode {
		case http.StatusForbidden, http.StatusTooManyRequests:
			return quotaClass(googleErrors(a.Response), c)
		}
		return c
	}
}

func quotaClass(list []googleError, c retry.Class) retry.Class {
	for _, one := range list {
		if one.perDay() {
			return retry.Final
		}
		if one.rateExceeded() {
			c = orTransient(c)
		}
	}
	return c
}

// A googleError is an error in the form of AIP-193, and of the older APIs.
type googleError struct {
	Error struct {
		Details []json.RawMessage
		Errors  []struct{ Reason string }
	}
}

// A googleDetail has the fields of google.rpc.RetryInfo, QuotaFailure and ErrorInfo that matter here.
type googleDetail struct {
	Type       string          `json:"@type"`
	RetryDelay json.RawMessage // RetryInfo
	Violations []struct {      // QuotaFailure
		QuotaID string
	}
	Reason   string // ErrorInfo
	Metadata struct {
		Limit string `json:"quota_limit"`
		Unit  string `json:"quota_unit"`
	}
}

// googleErrors reads the errors in a body, of which there may be none.
func googleErrors(resp *http.Response) (list []googleError) {
	if resp == nil || resp.StatusCode < 400 {
		return nil
	}
	page, _ := retry.Peek(resp, 64<<10)
	decoder := json.NewDecoder(bytes.NewReader(page))
	if bytes.HasPrefix(bytes.TrimSpace(page), []byte("[")) {
		_, _ = decoder.Token()
	}
	for decoder.More() {
		var one googleError
		err := decoder.Decode(&one)
		if _, other := errors.AsType[*json.UnmarshalTypeError](err); err != nil && !other {
			break // the page is over, or not JSON; a value of another form only has none of these fields
		}
		list = append(list, one)
	}
	return list
}

func (e googleError) details() []googleDetail {
	details := make([]googleDetail, len(e.Error.Details))
	for i, raw := range e.Error.Details {
		_ = json.Unmarshal(raw, &details[i]) // a detail of another form has none of these fields
	}
	return details
}

func (e googleError) perDay() bool {
	for _, one := range e.Error.Errors {
		if strings.HasPrefix(one.Reason, "dailyLimitExceeded") {
			return true
		}
	}
	for _, detail := range e.details() {
		if strings.Contains(detail.Metadata.Limit, "PerDay") || strings.HasPrefix(detail.Metadata.Unit, "1/d/") {
			return true
		}
		for _, violation := range detail.Violations {
			if strings.Contains(violation.QuotaID, "PerDay") {
				return true
			}
		}
	}
	return false
}

func (e googleError) rateExceeded() bool {
	for _, one := range e.Error.Errors {
		if one.Reason == "rateLimitExceeded" || one.Reason == "userRateLimitExceeded" {
			return true
		}
	}
	for _, detail := range e.details() {
		if detail.Reason == "RATE_LIMIT_EXCEEDED" {
			return true
		}
	}
	return false
}

// protoDuration reads a google.protobuf.Duration: "1.5s" in its JSON form, or the message that some write instead.
func protoDuration(raw json.RawMessage) (time.Duration, bool) {
	var inWords string
	if json.Unmarshal(raw, &inWords) == nil {
		return read(inWords)
	}
	var message struct {
		Seconds json.Number
		Nanos   json.Number
	}
	if json.Unmarshal(raw, &message) != nil {
		return 0, false
	}
	seconds, whole := read(message.Seconds.String())
	nanos, part := read(message.Nanos.String())
	asked := whole || part && message.Seconds == ""       // a field that is zero is left out
	return max(seconds, seconds+nanos/time.Second), asked // of so many seconds, nanoseconds can overflow
}
