package retry

import (
	"strings"
	"time"
)

func milliseconds(s string) (time.Duration, bool) { return span(s, time.Millisecond) }

// span reads a number of the given unit, or a sum of numbers that each name their own. It is tempting to use strconv or
// time.ParseDuration, but they take signs, and fail where a long number only means a long time.
func span(s string, unit time.Duration) (sum time.Duration, ok bool) {
	if java, found := strings.CutPrefix(s, "PT"); found {
		s = java
	}
	for s != "" {
		integer, fraction, rest, valid := number(s)
		if !valid {
			return 0, false
		}
		s = strings.TrimLeft(rest, " ")
		name := letters(s)
		if name != "" {
			unit, valid = unitOf(name)
		} else {
			valid = s == "" && !ok // only a lone number may go without
		}
		if !valid {
			return 0, false
		}
		sum, ok = saturate(sum, scale(integer, fraction, unit)), true
		s = strings.TrimLeft(s[len(name):], " ")
	}
	return sum, ok
}

func unitOf(name string) (time.Duration, bool) {
	switch strings.ToLower(name) {
	case "ms", "msec", "millis", "millisecond", "milliseconds":
		return time.Millisecond, true
	case "s", "sec", "secs", "second", "seconds":
		return time.Second, true
	case "m", "min", "mins", "minute", "minutes":
		return time.Minute, true
	case "h", "hr", "hrs", "hour", "hours":
		return time.Hour, true
	case "d", "day", "days":
		return 24 * time.Hour, true
	}
	return 0, false
}

// number cuts digits off s, with at most one point in, before or after them.
func number(s string) (integer, fraction, rest string, ok bool) {
	integer = digits(s)
	rest = s[len(integer):]
	if strings.HasPrefix(rest, ".") {
		fraction = digits(rest[1:])
		rest = rest[1+len(fraction):]
	}
	return integer, fraction, rest, len(integer)+len(fraction) > 0
}

// scale returns the units of a number, rounded up to the nanosecond, or forever.
func scale(integer, fraction string, unit time.Duration) time.Duration {
	n, limit := time.Duration(0), forever/unit
	for i := range len(integer) {
		// n stays at or below limit, which is small enough for one more digit.
		n = min(n*10+time.Duration(integer[i]-'0'), limit+1)
	}
	if n > limit {
		return forever
	}
	part := time.Duration(0)
	for i := len(fraction) - 1; i >= 0; i-- {
		// Rounding up at each digit is rounding up once: ceil((a+ceil(x))/10) is ceil((a+x)/10) for a whole a.
		part = (time.Duration(fraction[i]-'0')*unit + part + 9) / 10
	}
	return saturate(n*unit, part)
}

func digits(s string) string {
	i := 0
	for i < len(s) && '0' <= s[i] && s[i] <= '9' {
		i++
	}
	return s[:i]
}

func letters(s string) string {
	i := 0
	for i < len(s) && 'a' <= s[i]|0x20 && s[i]|0x20 <= 'z' {
		i++
	}
	return s[:i]
}
