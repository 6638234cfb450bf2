package retrytest

import (
	"net/http"
	"slices"
	"strconv"
	"time"
)

var retryAfterChecks = []check{
	{
		name:    "RetryAfterNeverEarly",
		promise: "no retry comes earlier than the seconds of Retry-After ask.",
		why: "RFC 9110 section 10.2.3: the server says how long it will be unable. A client that comes earlier, " +
			"also by a jitter that reaches downwards, is turned away again and adds to the load.",
		needs: []need{retryAfter},
		run:   retryAfterNeverEarly,
	},
	{
		name:    "RetryAfterDates",
		promise: "an HTTP-date in Retry-After is honoured in each of its three forms.",
		why: "RFC 9110 section 5.6.7: \"A recipient that parses a timestamp value in an HTTP field MUST accept " +
			"all three HTTP-date formats.\" A date that is not understood is a wait that is ignored.",
		needs: []need{retryAfter},
		run:   retryAfterDates,
	},
	{
		name:    "RetryAfterSkewedClock",
		promise: "a date in Retry-After is read against the Date of the same response.",
		why: "the server computed it from its own clock (RFC 9110 sections 6.6.1 and 10.2.3). Against the " +
			"client's, an hour of difference becomes an hour of waiting, or no wait at all.",
		needs: []need{retryAfter},
		run:   retryAfterSkewedClock,
	},
	{
		name:    "RetryAfterOverflow",
		promise: "a Retry-After too large for a time.Duration is a long time, and no retry comes early.",
		why: "RFC 9110 section 10.2.3 has no largest value. 9223372037 seconds multiplied by time.Second is " +
			"negative, 18446744074 is a third of a second: the server that asks for the longest peace gets none.",
		needs: []need{retryAfter},
		run:   retryAfterOverflow,
	},
	{
		name: "RetryAfterTooLong",
		promise: "when a server asks for more than the wrapper will wait, its response is returned in that time, and " +
			"no retry is made early.",
		why: "a server that answers \"Retry-After: 86400\" would hold the caller's goroutine for a day. To wait " +
			"less and ask again is wrong in both directions.",
		needs: []need{retryAfter, retryAfterLimit, lastResponse},
		run:   retryAfterTooLong,
	},
	{
		name:    "RetryAfterPast",
		promise: "a Retry-After of 0, or a date that is past, does not switch the wrapper's own backoff off.",
		why: "a server under load whose clock is behind asks for the past. Retries without any wait are a hot " +
			"loop, from all of its clients at once.",
		needs: []need{retryAfter, backoff},
		run:   retryAfterPast,
	},
	{
		name: "RetryAfterGarbage",
		promise: "a Retry-After that says no time to anybody counts as absent: the wrapper waits as it does without " +
			"one.",
		why: "RFC 9110 section 10.2.3: delay-seconds is 1*DIGIT. A sign that is read becomes a negative wait, which " +
			"is none.",
		needs: []need{retryAfter, backoff},
		run:   retryAfterGarbage,
	},
}

// rfc850 is the obsolete form of a date, with the zone that HTTP demands.
const rfc850 = "Monday, 02-Jan-06 15:04:05 GMT"

// bearable is d, or less if the wrapper does not wait for so long a Retry-After.
func (p *probe) bearable(d time.Duration) time.Duration {
	if limit := p.claims.LongestRetryAfter; limit > 0 {
		return max(min(d, limit), time.Second).Truncate(time.Second)
	}
	return d
}

// waitAfter returns how long the wrapper waits before it makes its second attempt after an answer with these header
// fields. It breaks the promise if there is no second attempt.
func (p *probe) waitAfter(header ...string) time.Duration {
	p.Helper()
	b := &base{outcomes: []outcome{p.failing(header...), status(200)}}
	got, err := p.send(b, p.request(http.MethodGet))
	if b.attempts() != 2 || got.code != 200 || err != nil {
		p.broken("After a response with header fields %q there were %d attempts in all, and in the end status %d and "+
			"error %v.", header, b.attempts(), got.code, err)
	}
	return b.waits()[0]
}

// mustWait breaks the promise unless the wrapper waits for as long as it is asked, and not much longer.
func (p *probe) mustWait(asked time.Duration, header ...string) {
	p.Helper()
	got := p.waitAfter(header...)
	if got < asked || got > asked+p.claims.longestBackoff() {
		p.broken("Asked to wait %v, by the header fields %q, the wrapper waited %v.", asked, header, got)
	}
}

func retryAfterNeverEarly(p *probe) {
	for _, d := range []time.Duration{2 * time.Second, 20 * time.Second} {
		d = p.bearable(d)
		// A jitter that reaches downwards shows sooner or later.
		for range 16 {
			p.mustWait(d, "Retry-After", strconv.Itoa(int(d.Seconds())))
		}
	}
}

func retryAfterDates(p *probe) {
	d := p.bearable(20 * time.Second)
	for _, layout := range slices.Repeat([]string{http.TimeFormat, rfc850, time.ANSIC}, 3) {
		// Each request begins some time after the one before it, and dates have no fractions.
		until := time.Now().UTC().Truncate(time.Second).Add(d)
		p.mustWait(time.Until(until), "Retry-After", until.Format(layout))
	}
}

func retryAfterSkewedClock(p *probe) {
	d := p.bearable(20 * time.Second)
	// Many looks, because a jitter that reaches downwards shows sooner or later.
	for _, skew := range slices.Repeat([]time.Duration{-time.Hour, time.Hour}, 4) {
		server := time.Now().UTC().Add(skew)
		p.mustWait(d, "Date", server.Format(http.TimeFormat), "Retry-After", server.Add(d).Format(http.TimeFormat))
	}
}

func retryAfterOverflow(p *probe) {
	for _, seconds := range []string{
		"9223372036", "9223372037", "18446744074",
		"9223372036854775807", "18446744073709551617", "99999999999999999999",
	} {
		b := &base{outcomes: []outcome{p.failing("Retry-After", seconds), status(200)}}
		_, _ = p.send(b, p.request(http.MethodGet))
		if n := b.attempts(); n != 1 {
			p.broken("Asked to wait %s seconds, the wrapper made %s.", seconds, b.history())
		}
	}
}

func retryAfterTooLong(p *probe) {
	limit := p.claims.longestRetryAfter()
	asked := max(24*time.Hour, 2*limit)
	b := &base{outcomes: []outcome{p.failing("Retry-After", strconv.Itoa(int(asked.Seconds()))), status(200)}}
	start := time.Now()
	got, err := p.send(b, p.request(http.MethodGet))
	if b.attempts() != 1 {
		p.broken("Asked to wait %v, the wrapper made %s.", asked, b.history())
	}
	if got.code != p.claims.failureStatus() || got.text != replyTo(1) || err != nil {
		p.broken("Asked to wait %v, the wrapper returned status %d, the body %q and the error %v.",
			asked, got.code, got.text, err)
	}
	if took := time.Since(start); took > limit {
		p.broken("Asked to wait %v, the wrapper returned the response, but only after %v.", asked, took)
	}
}

func retryAfterPast(p *probe) {
	past := time.Now().UTC().Add(-time.Minute)
	for _, value := range []string{past.Format(http.TimeFormat), past.Format(rfc850), "0"} {
		if p.waitAfter("Retry-After", value) == 0 {
			p.broken("After \"Retry-After: %s\" the second attempt followed at once.", value)
		}
	}
}

func retryAfterGarbage(p *probe) {
	for _, value := range []string{
		"-5", "+5", "-1.5", "0x10", "1e9", "inf", "NaN", "soon", "", "Fri, 32 Jan 2100 00:00:00 GMT",
	} {
		got := p.waitAfter("Retry-After", value)
		if got == 0 {
			p.broken("After \"Retry-After: %s\" the second attempt followed at once.", value)
		}
		if got > p.claims.longestBackoff() {
			p.broken("After \"Retry-After: %s\" the second attempt came after %v.", value, got)
		}
	}
}
