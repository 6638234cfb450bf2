package retry_test

import (
	"math"
	"math/big"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/seed-e3550de8/retry"
)

const longest = time.Duration(math.MaxInt64)

// now is when the responses of this file arrive, on the client's clock: a Friday.
var now = time.Date(2026, time.November, 20, 12, 0, 0, 0, time.UTC)

// retryAfterRows: a header as name, value pairs, and what it asks; a negative wait: nothing.
var retryAfterRows = []struct {
	name   string
	header []string
	want   time.Duration
}{
	{"none", nil, -1},
	{"empty", []string{"Retry-After", ""}, -1},
	{"blank", []string{"Retry-After", " \t"}, -1},
	{"zero", []string{"Retry-After", "0"}, 0},
	{"seconds", []string{"Retry-After", "120"}, 120 * time.Second},
	{"blanks around", []string{"Retry-After", " 7\t"}, 7 * time.Second},
	{"leading zeros", []string{"Retry-After", "00007"}, 7 * time.Second},
	{"300 zeros", []string{"Retry-After", strings.Repeat("0", 300) + "7"}, 7 * time.Second},
	{"the last that fits", []string{"Retry-After", "9223372036"}, 9223372036 * time.Second},
	{"the first that does not", []string{"Retry-After", "9223372037"}, longest},
	{"near 2^63", []string{"Retry-After", "9223372036854775807"}, longest},
	{"2^64, which wraps to 0", []string{"Retry-After", "18446744073709551616"}, longest},
	{"2^64 + 1", []string{"Retry-After", "18446744073709551617"}, longest},
	{"300 digits", []string{"Retry-After", strings.Repeat("9", 300)}, longest},
	{"300 digits and garbage", []string{"Retry-After", strings.Repeat("9", 300) + "s"}, -1},
	{"minus", []string{"Retry-After", "-5"}, -1},
	{"plus", []string{"Retry-After", "+5"}, -1},
	{"fraction", []string{"Retry-After", "1.5"}, -1},
	{"exponent", []string{"Retry-After", "1e3"}, -1},
	{"hexadecimal", []string{"Retry-After", "0x10"}, -1},
	{"underscore", []string{"Retry-After", "1_000"}, -1},
	{"unit", []string{"Retry-After", "5s"}, -1},
	{"list", []string{"Retry-After", "5, 7"}, -1},
	{"digits that are not ASCII", []string{"Retry-After", "\u0665"}, -1},
	{"garbage", []string{"Retry-After", "soon"}, -1},

	{"several: the longest", []string{"Retry-After", "5", "Retry-After", "90", "Retry-After", "7"}, 90 * time.Second},
	{"several, one valid", []string{"Retry-After", "soon", "Retry-After", "3", "Retry-After", "-9"}, 3 * time.Second},
	{"seconds and a date", []string{"Retry-After", "3", "Retry-After", "Fri, 20 Nov 2026 12:00:08 GMT"}, 8 * time.Second},

	{"IMF-fixdate", []string{"Retry-After", "Fri, 20 Nov 2026 12:01:00 GMT"}, time.Minute},
	{"RFC 850 date", []string{"Retry-After", "Friday, 20-Nov-26 12:01:00 GMT"}, time.Minute},
	{"asctime date", []string{"Retry-After", "Fri Nov 20 12:01:00 2026"}, time.Minute},
	{"another zone", []string{"Retry-After", "Fri, 20 Nov 2026 12:01:00 +0100"}, -1},
	{"ISO 8601", []string{"Retry-After", "2026-11-20T12:01:00Z"}, -1},
	{"Unix time is seconds", []string{"Retry-After", "1795176060"}, 1795176060 * time.Second},
	{"in the past", []string{"Retry-After", "Fri, 20 Nov 2026 11:59:59 GMT"}, -1},
	{"right now", []string{"Retry-After", "Fri, 20 Nov 2026 12:00:00 GMT"}, -1},
	{"the epoch", []string{"Retry-After", "Thu, 01 Jan 1970 00:00:00 GMT"}, -1},
	{"beyond 292 years", []string{"Retry-After", "Fri, 31 Dec 9999 23:59:59 GMT"}, longest},
	{"a past date and seconds", []string{"Retry-After", "Thu, 01 Jan 1970 00:00:00 GMT", "Retry-After", "4"}, 4 * time.Second},

	// RFC 9110 section 5.6.7: what appears to be more than 50 years in the future is in the past.
	{"RFC 850, 50 years ahead", []string{"Retry-After", "Friday, 20-Nov-76 12:00:00 GMT"}, time.Date(2076, 11, 20, 12, 0, 0, 0, time.UTC).Sub(now)},
	{"RFC 850, a second more", []string{"Retry-After", "Friday, 20-Nov-76 12:00:01 GMT"}, -1},
	{"RFC 850, 1969 for http.ParseTime", []string{"Retry-After", "Monday, 20-Nov-69 12:00:00 GMT"}, time.Date(2069, 11, 20, 12, 0, 0, 0, time.UTC).Sub(now)},
	{"RFC 850, in 1999", []string{"Retry-After", "Saturday, 20-Nov-99 12:00:00 GMT"}, -1},
	{
		"RFC 850, in the next century by the server's Date",
		[]string{"Retry-After", "Friday, 01-Jan-00 00:00:09 GMT", "Date", "Thu, 31 Dec 2099 23:59:59 GMT"}, 10 * time.Second,
	},

	{
		"RFC 850, in the century of the server's Date",
		[]string{"Retry-After", "Monday, 01-Jan-68 00:00:09 GMT", "Date", "Mon, 01 Jan 1968 00:00:00 GMT"}, 9 * time.Second,
	},

	{"the client is an hour late", []string{"Retry-After", "Fri, 20 Nov 2026 13:00:05 GMT", "Date", "Fri, 20 Nov 2026 13:00:00 GMT"}, 5 * time.Second},
	{"the client is an hour early", []string{"Retry-After", "Fri, 20 Nov 2026 11:00:05 GMT", "Date", "Fri, 20 Nov 2026 11:00:00 GMT"}, 5 * time.Second},
	{"equal to Date", []string{"Retry-After", "Fri, 20 Nov 2026 13:00:00 GMT", "Date", "Fri, 20 Nov 2026 13:00:00 GMT"}, -1},
	{"before Date", []string{"Retry-After", "Fri, 20 Nov 2026 12:59:59 GMT", "Date", "Fri, 20 Nov 2026 13:00:00 GMT"}, -1},
	{"bad Date", []string{"Retry-After", "Fri, 20 Nov 2026 12:00:05 GMT", "Date", "yesterday"}, 5 * time.Second},
	{"empty Date", []string{"Retry-After", "Fri, 20 Nov 2026 12:00:05 GMT", "Date", ""}, 5 * time.Second},
	{"Date does not matter to seconds", []string{"Retry-After", "5", "Date", "Fri, 20 Nov 2026 13:00:00 GMT"}, 5 * time.Second},

	{"milliseconds", []string{"Retry-After-Ms", "1500"}, 1500 * time.Millisecond},
	{"milliseconds of the other name", []string{"X-Ms-Retry-After-Ms", "1500"}, 1500 * time.Millisecond},
	{"milliseconds count first", []string{"Retry-After", "2", "Retry-After-Ms", "1500"}, 1500 * time.Millisecond},
	{"milliseconds count first, longer", []string{"Retry-After", "1", "Retry-After-Ms", "1500"}, 1500 * time.Millisecond},
	{"the shorter name counts first", []string{"X-Ms-Retry-After-Ms", "9", "Retry-After-Ms", "1500"}, 1500 * time.Millisecond},
	{"bad milliseconds", []string{"Retry-After", "2", "Retry-After-Ms", "1.5"}, 2 * time.Second},
	{"milliseconds are no date", []string{"Retry-After-Ms", "Fri, 20 Nov 2026 12:01:00 GMT"}, -1},
	{"milliseconds, the last that fit", []string{"Retry-After-Ms", "9223372036854"}, 9223372036854 * time.Millisecond},
	{"milliseconds beyond", []string{"Retry-After-Ms", "9223372036855"}, longest},
}

func headerOf(pairs ...string) http.Header {
	h := http.Header{}
	for i := 0; i < len(pairs); i += 2 {
		h.Add(pairs[i], pairs[i+1])
	}
	return h
}

func TestParseRetryAfterReadsWhatTheServerAsks(t *testing.T) {
	for _, row := range retryAfterRows {
		d, ok := retry.ParseRetryAfter(headerOf(row.header...), now)
		assert.Equal(t, row.want >= 0, ok, row.name)
		assert.Equal(t, max(row.want, 0), d, row.name)
	}
	d, ok := retry.ParseRetryAfter(nil, now)
	assert.False(t, ok)
	assert.Zero(t, d)
}

func TestParseRetryAfterOnlyReads(t *testing.T) {
	h := headerOf("Retry-After", " 7 ", "Date", "x", "Retry-After-Ms", "y")
	before := h.Clone()
	retry.ParseRetryAfter(h, now)
	assert.Equal(t, before, h)
}

func FuzzParseRetryAfter(f *testing.F) {
	for _, row := range retryAfterRows {
		h := headerOf(row.header...)
		f.Add(h.Get("Retry-After"), h.Get("Date"), h.Get("Retry-After-Ms"), now.Unix())
	}
	f.Fuzz(func(t *testing.T, retryAfter, date, ms string, unix int64) {
		// A clock of the years 0 to 9999, which is what a Date can say too.
		at := time.Unix(unix%253402300800, 0)
		d, ok := retry.ParseRetryAfter(http.Header{"Retry-After": {retryAfter}, "Date": {date}, "Retry-After-Ms": {ms}}, at)
		if d < 0 || !ok && d != 0 {
			t.Fatalf("got %v, %v", d, ok)
		}
		alone, ok := retry.ParseRetryAfter(http.Header{"Retry-After": {retryAfter}}, at)
		if want, digits := wholeSeconds(retryAfter); digits && (!ok || alone != want) {
			t.Fatalf("%q: got %v, %v, want %v", retryAfter, alone, ok, want)
		}
		if _, err := http.ParseTime(strings.Trim(retryAfter, " \t\r\n")); ok && err != nil {
			if _, digits := wholeSeconds(retryAfter); !digits {
				t.Fatalf("%q is neither digits nor a date, but means %v", retryAfter, alone)
			}
		}
		if twice, _ := retry.ParseRetryAfter(http.Header{"Retry-After": {retryAfter, retryAfter}}, at); twice != alone {
			t.Fatalf("%q: once %v, twice %v", retryAfter, alone, twice)
		}
	})
}

// wholeSeconds reads digits in another way than the package does.
func wholeSeconds(s string) (time.Duration, bool) {
	s = strings.Trim(s, " \t\r\n")
	n, ok := new(big.Int).SetString(s, 10)
	if !ok || strings.Trim(s, "0123456789") != "" {
		return 0, false
	}
	n.Mul(n, big.NewInt(int64(time.Second)))
	if !n.IsInt64() {
		return longest, true
	}
	return time.Duration(n.Int64()), true
}
