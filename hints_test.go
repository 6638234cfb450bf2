package retry_test

import (
	"math/big"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-e3550de8/retry"
)

// TestNoHintOfARealServerIsUndershot reads testdata/hints.txt, whose first lines say what is in it.
func TestNoHintOfARealServerIsUndershot(t *testing.T) {
	file, err := os.ReadFile("testdata/hints.txt")
	require.NoError(t, err)
	hints := 0
	for line := range strings.Lines(string(file)) {
		if line == "\n" || line[0] == '#' {
			continue
		}
		hints++
		columns := strings.Split(line, " | ")
		require.Len(t, columns, 3, line)
		h := http.Header{}
		for field := range strings.SplitSeq(columns[1], " ; ") {
			name, value, _ := strings.Cut(field, ":")
			h.Add(name, value)
		}
		d, ok := retry.ParseRetryAfter(h, now)
		if columns[0] == "none" {
			assert.False(t, ok, line)
			continue
		}
		want, err := time.ParseDuration(columns[0])
		require.NoError(t, err, line)
		assert.True(t, ok, line)
		assert.Equal(t, want, d, line)
	}
	assert.GreaterOrEqual(t, hints, 60)
}

func FuzzParseRetryAfter(f *testing.F) {
	for _, row := range slices.Concat(retryAfterRows, dateRows) {
		h := headerOf(row.header...)
		f.Add(h.Get("Retry-After"), h.Get("Date"), h.Get("Retry-After-Ms"), now.Unix())
	}
	f.Fuzz(func(t *testing.T, retryAfter, date, ms string, unix int64) {
		// A clock of the years 0 to 9999, which is what a Date can say too.
		at := time.Unix(unix%253402300800, 0)
		all := http.Header{"Retry-After": {retryAfter}, "Date": {date}, "Retry-After-Ms": {ms}}
		d, ok := retry.ParseRetryAfter(all, at)
		if d < 0 || !ok && d != 0 {
			t.Fatalf("got %v, %v", d, ok)
		}
		alone, ok := retry.ParseRetryAfter(http.Header{"Retry-After": {retryAfter}}, at)
		if want, digits := wholeSeconds(retryAfter); digits && (!ok || alone != want) {
			t.Fatalf("%q: got %v, %v, want %v", retryAfter, alone, ok, want)
		}
		until, err := http.ParseTime(strings.Trim(retryAfter, " \t\r\n"))
		if twoDigits := strings.Contains(retryAfter, "-"); err == nil && !twoDigits && alone < until.Sub(at) {
			t.Fatalf("%q is a date, %v ahead, but means %v", retryAfter, until.Sub(at), alone)
		}
		for _, header := range []http.Header{
			{"Retry-After": {retryAfter, retryAfter}},
			{"Retry-After": {retryAfter + ", " + retryAfter}},
			{"Retry-After": {"\"" + retryAfter + "\""}},
		} {
			if again, _ := retry.ParseRetryAfter(header, at); again != alone {
				t.Fatalf("%q: alone %v, in %q %v", retryAfter, alone, header, again)
			}
		}
		for _, other := range []string{"0", "7", "soon", "Fri, 31 Dec 9999 23:59:59 GMT", "2000-01-01T00:00:00Z", ms} {
			second, ok2 := retry.ParseRetryAfter(http.Header{"Retry-After": {other}}, at)
			both, either := retry.ParseRetryAfter(http.Header{"Retry-After": {retryAfter + "," + other}}, at)
			if both != max(alone, second) || either != (ok || ok2) {
				t.Fatalf("%q means %v, %q means %v, their list %v", retryAfter, alone, other, second, both)
			}
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
