package retry_test

import (
	"math"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/seed-e3550de8/retry"
)

const longest = time.Duration(math.MaxInt64)

// now is when the responses of this file arrive, on the client's clock: a Friday.
var now = time.Date(2026, time.November, 20, 12, 0, 0, 0, time.UTC)

// A retryAfterRow is a header as name, value pairs, and what it asks; a negative wait: nothing.
type retryAfterRow struct {
	name   string
	header []string
	want   time.Duration
}

var retryAfterRows = []retryAfterRow{
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
	{"300 digits and garbage", []string{"Retry-After", strings.Repeat("9", 300) + "x"}, -1},
	{"minus", []string{"Retry-After", "-5"}, -1},
	{"plus", []string{"Retry-After", "+5"}, -1},
	{"minus and a fraction", []string{"Retry-After", "-0.5"}, -1},
	{"minus zero", []string{"Retry-After", "-0"}, -1},
	{"exponent", []string{"Retry-After", "1e3"}, -1},
	{"hexadecimal", []string{"Retry-After", "0x10"}, -1},
	{"underscore", []string{"Retry-After", "1_000"}, -1},
	{"not a number", []string{"Retry-After", "NaN"}, -1},
	{"infinite", []string{"Retry-After", "Inf"}, -1},
	{"null", []string{"Retry-After", "null"}, -1},
	{"digits that are not ASCII", []string{"Retry-After", "\u0665"}, -1},
	{"garbage", []string{"Retry-After", "soon"}, -1},

	{"a fraction", []string{"Retry-After", "1.5"}, 1500 * time.Millisecond},
	{"a fraction of none", []string{"Retry-After", "2.0"}, 2 * time.Second},
	{"thousandths", []string{"Retry-After", "299.997"}, 299997 * time.Millisecond},
	{"no digit before the point", []string{"Retry-After", ".5"}, 500 * time.Millisecond},
	{"no digit behind the point", []string{"Retry-After", "5."}, 5 * time.Second},
	{"a nanosecond", []string{"Retry-After", "0.000000001"}, 1},
	{"less than a nanosecond", []string{"Retry-After", "1.0000000000000000000000001"}, time.Second + 1},
	{"300 digits of a fraction", []string{"Retry-After", "1." + strings.Repeat("3", 300)}, 1333333334},
	{"300 nines of a fraction", []string{"Retry-After", "1." + strings.Repeat("9", 300)}, 2 * time.Second},
	{"300 zeros of a fraction", []string{"Retry-After", "1." + strings.Repeat("0", 300)}, time.Second},
	{"the last fraction that fits", []string{"Retry-After", "9223372036.854775807"}, longest},
	{"the first fraction that does not", []string{"Retry-After", "9223372036.8547758071"}, longest},
	{"a point alone", []string{"Retry-After", "."}, -1},
	{"two points", []string{"Retry-After", "1.2.3"}, -1},
	{"a fraction with an exponent", []string{"Retry-After", "1.5e3"}, -1},
	{"a fraction with a sign", []string{"Retry-After", "1.-5"}, -1},

	{"unit", []string{"Retry-After", "5s"}, 5 * time.Second},
	{"unit behind a blank", []string{"Retry-After", "5 s"}, 5 * time.Second},
	{"unit in words", []string{"Retry-After", "10 Seconds"}, 10 * time.Second},
	{"a Duration of Go's", []string{"Retry-After", "1h2m3.5s"}, time.Hour + 2*time.Minute + 3500*time.Millisecond},
	{"a Duration below a second", []string{"Retry-After", "370ms"}, 370 * time.Millisecond},
	{"a Duration of Java's", []string{"Retry-After", "PT1M30S"}, 90 * time.Second},
	{"units beyond", []string{"Retry-After", "9223372036s 1d"}, longest},
	{"300 digits and a unit", []string{"Retry-After", strings.Repeat("9", 300) + "ms"}, longest},
	{"days", []string{"Retry-After", "2 days"}, 48 * time.Hour},
	{"an unknown unit", []string{"Retry-After", "5 fortnights"}, -1},
	{"a unit with a sign", []string{"Retry-After", "-5s"}, -1},
	{"a unit, then a number without", []string{"Retry-After", "1m30"}, -1},
	{"two numbers", []string{"Retry-After", "5 7"}, -1},
	{"a unit alone", []string{"Retry-After", "s"}, -1},
	{"half a Duration of Java's", []string{"Retry-After", "PT"}, -1},

	{"a list", []string{"Retry-After", "5, 7"}, 7 * time.Second},
	{"a list, the longest first", []string{"Retry-After", "2814, 2"}, 2814 * time.Second},
	{"a list without blanks", []string{"Retry-After", "20,20"}, 20 * time.Second},
	{"a list with empty members", []string{"Retry-After", " , 3,,"}, 3 * time.Second},
	{"a list with garbage", []string{"Retry-After", "soon, 3, -9"}, 3 * time.Second},
	{"a list of nothing", []string{"Retry-After", ",,"}, -1},
	{"a number and a date", []string{"Retry-After", "1, Fri, 20 Nov 2026 12:00:08 GMT"}, 8 * time.Second},
	{"a date and a number", []string{"Retry-After", "Fri, 20 Nov 2026 12:00:08 GMT, 9"}, 9 * time.Second},
	{
		"two dates",
		[]string{"Retry-After", "Fri, 20 Nov 2026 12:00:08 GMT, Fri, 20 Nov 2026 12:00:07 GMT"}, 8 * time.Second,
	},
	{
		"dates of two forms",
		[]string{"Retry-After", "Fri Nov 20 12:00:08 2026, Friday, 20-Nov-26 12:00:09 GMT"}, 9 * time.Second,
	},
	{"a past date and a number", []string{"Retry-After", "Thu, 01 Jan 1970 00:00:00 GMT, 4"}, 4 * time.Second},
	{"a list in a list", []string{"Retry-After", "1, 2", "Retry-After", "9, 3"}, 9 * time.Second},
	{"a parameter", []string{"Retry-After", "120;foo=7"}, 120 * time.Second},
	{"semicolons", []string{"Retry-After", "5; 90"}, 90 * time.Second},
	{"quotes", []string{"Retry-After", `"120"`}, 120 * time.Second},
	{"a date in quotes", []string{"Retry-After", `"Fri, 20 Nov 2026 12:00:08 GMT"`}, 8 * time.Second},

	{"several: the longest", []string{"Retry-After", "5", "Retry-After", "90", "Retry-After", "7"}, 90 * time.Second},
	{"several, one valid", []string{"Retry-After", "soon", "Retry-After", "3", "Retry-After", "-9"}, 3 * time.Second},
	{
		"seconds and a date",
		[]string{"Retry-After", "3", "Retry-After", "Fri, 20 Nov 2026 12:00:08 GMT"}, 8 * time.Second,
	},

	{"milliseconds", []string{"Retry-After-Ms", "1500"}, 1500 * time.Millisecond},
	{"milliseconds of the other name", []string{"X-Ms-Retry-After-Ms", "1500"}, 1500 * time.Millisecond},
	{"milliseconds count first", []string{"Retry-After", "2", "Retry-After-Ms", "1500"}, 1500 * time.Millisecond},
	{
		"milliseconds count first, longer",
		[]string{"Retry-After", "1", "Retry-After-Ms", "1500"}, 1500 * time.Millisecond,
	},
	{
		"the shorter name counts first",
		[]string{"X-Ms-Retry-After-Ms", "9", "Retry-After-Ms", "1500"}, 1500 * time.Millisecond,
	},
	{"bad milliseconds", []string{"Retry-After", "2", "Retry-After-Ms", "1_5"}, 2 * time.Second},
	{"a fraction of a millisecond", []string{"Retry-After-Ms", "0.5"}, 500 * time.Microsecond},
	{"a fraction of milliseconds", []string{"X-Ms-Retry-After-Ms", "1500.25"}, 1500250 * time.Microsecond},
	{"milliseconds, less than a nanosecond", []string{"Retry-After-Ms", "1.0000000001"}, time.Millisecond + 1},
	{"milliseconds, a list", []string{"Retry-After-Ms", "20, 1500, 20"}, 1500 * time.Millisecond},
	{"milliseconds with a unit of their own", []string{"Retry-After-Ms", "2s"}, 2 * time.Second},
	{
		"milliseconds that round to the seconds",
		[]string{"Retry-After", "1", "Retry-After-Ms", "0.1"}, 100 * time.Microsecond,
	},
	{"milliseconds far below the seconds", []string{"Retry-After", "30", "Retry-After-Ms", "30"}, 30 * time.Second},
	{
		"milliseconds below what was not rounded",
		[]string{"Retry-After", "1.5", "Retry-After-Ms", "1000"}, 1500 * time.Millisecond,
	},
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
	for _, row := range slices.Concat(retryAfterRows, dateRows) {
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
