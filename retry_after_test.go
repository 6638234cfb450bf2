package retry_test

import (
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-e3550de8/retry"
)

const longest = time.Duration(math.MaxInt64)

// now is when the responses of this file arrive, on the client's clock: a Friday.
var now = time.Date(2026, time.November, 20, 12, 0, 0, 0, time.UTC)

// A hint is a row of a file of testdata: header fields, and what they mean.
type hint struct {
	header http.Header
	want   time.Duration // negative: nothing
	line   string
}

var (
	repeated = regexp.MustCompile(`(\d)\{(\d+)\}`)
	tabs     = strings.NewReplacer(`\t`, "\t")
)

// hints reads a file whose first lines say what is in it.
func hints(t testing.TB, file string) (rows []hint) {
	text, err := os.ReadFile("testdata/" + file)
	require.NoError(t, err)
	for line := range strings.Lines(string(text)) {
		if line == "\n" || line[0] == '#' {
			continue
		}
		columns := strings.Split(line, " | ")
		require.Len(t, columns, 3, line)
		row := hint{header: http.Header{}, want: -1, line: line}
		for field := range strings.SplitSeq(columns[1], " ; ") {
			name, value, _ := strings.Cut(field, ":")
			value = repeated.ReplaceAllStringFunc(tabs.Replace(strings.TrimPrefix(value, " ")), func(s string) string {
				n, _ := strconv.Atoi(s[2 : len(s)-1])
				return strings.Repeat(s[:1], n)
			})
			row.header.Add(name, value)
		}
		if columns[0] != "none" {
			row.want, err = time.ParseDuration(columns[0])
			require.NoError(t, err, line)
		}
		rows = append(rows, row)
	}
	require.Greater(t, len(rows), 60)
	return rows
}

func TestParseRetryAfterReadsWhatTheServerAsks(t *testing.T) {
	for _, row := range append(hints(t, "retry_after.txt"), hints(t, "hints.txt")...) {
		before := row.header.Clone()
		d, ok := retry.ParseRetryAfter(row.header, now)
		assert.Equal(t, row.want >= 0, ok, row.line)
		assert.Equal(t, max(row.want, 0), d, row.line)
		assert.Equal(t, before, row.header, "it only reads")
	}
	d, ok := retry.ParseRetryAfter(nil, now)
	assert.False(t, ok)
	assert.Zero(t, d)
}

// parse reads one Retry-After. A negative wait: nothing.
func parse(value string, at time.Time) time.Duration {
	d, ok := retry.ParseRetryAfter(http.Header{"Retry-After": {value}}, at)
	if !ok {
		return -1
	}
	return d
}

// zones are the names that stand for an offset, in hours. Any other means UTC.
var zones = map[string]int{
	"GMT": 0, "UTC": 0, "CET": 0, "ADT": -3, "AST": -4, "EDT": -4, "EST": -5, "CDT": -5, "CST": -6, "MDT": -6,
	"MST": -7, "PDT": -7, "PST": -8, "AKDT": -8, "AKST": -9, "HST": -10,
}

// What package time writes in any of these layouts, in any zone, means that time.
func TestParseRetryAfterReadsWhatPackageTimeWrites(t *testing.T) {
	layouts := []string{
		http.TimeFormat, time.RFC850, time.ANSIC, time.UnixDate, time.RubyDate, time.RFC1123, time.RFC1123Z, time.RFC822,
		time.RFC822Z, time.RFC3339, time.RFC3339Nano, "Mon, 2 Jan 2006 03:04:05 PM MST", "Monday, 2 January 2006 3:04pm -07",
		"2006-01-02 15:04:05.999999999 -0700 MST", "2-Jan-2006 15:04:05-07:00", "Mon Jan _2 2006 15:04:05 GMT-0700",
	}
	for name, hours := range zones {
		for i, layout := range layouts {
			zone := time.FixedZone(name, hours*3600)
			if strings.Contains(layout, "GMT") || layout == time.ANSIC {
				zone = time.UTC // or what the layout says itself
			}
			at := now.Add(time.Duration(i)*time.Minute + time.Nanosecond)
			for ; at.Year() < 2029; at = at.Add(797*time.Hour + 61*time.Second) {
				text := at.In(zone).Format(layout)
				until, err := time.ParseInLocation(layout, text, zone)
				require.NoError(t, err)
				if want := until.Sub(now); want > 0 {
					require.Equal(t, want, parse(text, now), text)
				}
			}
		}
	}
}

var units = map[time.Duration][]string{
	time.Millisecond: {"ms", "msec", "millis", "millisecond", "milliseconds"},
	time.Second:      {"s", "sec", "secs", "second", "seconds", ""},
	time.Minute:      {"m", "min", "mins", "minute", "minutes"},
	time.Hour:        {"h", "hr", "hrs", "hour", "hours"},
	24 * time.Hour:   {"d", "day", "days"},
}

// A number means what exact arithmetic makes of it, rounded up to the nanosecond, in every unit.
func TestParseRetryAfterCountsAsExactArithmeticDoes(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for unit, names := range units {
		for _, name := range names {
			for range 200 {
				whole, part := random.Uint64()>>random.UintN(64), random.Uint64()>>random.UintN(64)
				number := fmt.Sprintf("%d.%0*d", whole, random.IntN(12), part)
				if part < 9 {
					number = fmt.Sprint(whole)
				}
				exact, ok := new(big.Rat).SetString(number)
				require.True(t, ok)
				exact.Mul(exact, new(big.Rat).SetInt64(int64(unit)))
				up := new(big.Int).Add(exact.Num(), new(big.Int).Sub(exact.Denom(), big.NewInt(1)))
				want := longest
				if up.Quo(up, exact.Denom()); up.IsInt64() {
					want = time.Duration(up.Int64())
				}
				require.Equal(t, want, parse(number+name, now), number+name)
				require.Equal(t, want, parse(number+" "+strings.ToUpper(name), now))
			}
			assert.EqualValues(t, -1, parse("5"+name+"x", now))
		}
	}
}

func FuzzParseRetryAfter(f *testing.F) {
	for _, row := range hints(f, "retry_after.txt") {
		f.Add(row.header.Get("Retry-After"), row.header.Get("Date"), row.header.Get("Retry-After-Ms"), now.Unix())
	}
	f.Fuzz(func(t *testing.T, retryAfter, date, ms string, unix int64) {
		// A clock of the years 0 to 9999, which is what a Date can say too.
		at := time.Unix(unix%253402300800, 0)
		all := http.Header{"Retry-After": {retryAfter}, "Date": {date}, "Retry-After-Ms": {ms}}
		if d, ok := retry.ParseRetryAfter(all, at); d < 0 || !ok && d != 0 {
			t.Fatalf("got %v, %v", d, ok)
		}
		alone := parse(retryAfter, at)
		until, err := http.ParseTime(strings.Trim(retryAfter, " \t\r\n"))
		if twoDigits := strings.Contains(retryAfter, "-"); err == nil && !twoDigits && max(alone, 0) < until.Sub(at) {
			t.Fatalf("%q is a date, %v ahead, but means %v", retryAfter, until.Sub(at), alone)
		}
		for _, value := range []string{retryAfter + ", " + retryAfter, `"` + retryAfter + `"`} {
			if again := parse(value, at); again != alone {
				t.Fatalf("%q: alone %v, in %q %v", retryAfter, alone, value, again)
			}
		}
		for _, other := range []string{"0", "7", "soon", "Fri, 31 Dec 9999 23:59:59 GMT", "2000-01-01T00:00:00Z", ms} {
			if both := parse(retryAfter+","+other, at); both != max(alone, parse(other, at)) {
				t.Fatalf("%q means %v, %q means %v, their list %v", retryAfter, alone, other, parse(other, at), both)
			}
		}
	})
}
