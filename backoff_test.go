package retry_test

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/seed-e3550de8/retry"
)

const draws = 2000

// spread returns the least and the greatest of many delays, and how many different ones there were.
func spread(b retry.Backoff, n int) (least, greatest time.Duration, different int) {
	seen := map[time.Duration]bool{}
	least = longest
	for range draws {
		d := b.Delay(n)
		least, greatest = min(least, d), max(greatest, d)
		seen[d] = true
	}
	return least, greatest, len(seen)
}

// forever is a retry that no schedule has room for.
const forever = math.MaxInt

var exponentialRows = []struct {
	name     string
	e        retry.Exponential
	retry    int
	from, to time.Duration // at the least and at the greatest random number; the largest below 1 may round to it
}{
	{"full jitter", retry.Exponential{}, 1, 0, 1e9 - 1},
	{"doubles", retry.Exponential{}, 2, 0, 2e9 - 1},
	{"again", retry.Exponential{}, 3, 0, 4e9 - 1},
	{"up to 32s", retry.Exponential{}, 6, 0, 32e9 - 1},
	{"and no further", retry.Exponential{}, 7, 0, 32e9 - 1},
	{"for ever", retry.Exponential{}, forever, 0, 32e9 - 1},
	{"a retry below 1 is 1", retry.Exponential{}, 0, 0, 1e9 - 1},
	{"far below", retry.Exponential{}, math.MinInt, 0, 1e9 - 1},
	{"a jitter that is none", retry.Exponential{Jitter: 99}, 3, 0, 4e9 - 1},
	{"a negative one", retry.Exponential{Jitter: -1}, 3, 0, 4e9 - 1},
	{"negative fields", retry.Exponential{Base: -1, Max: math.MinInt64}, 6, 0, 32e9 - 1},
	{"another maximum", retry.Exponential{Max: 64e9}, 7, 0, 64e9 - 1},

	{"equal jitter", retry.Exponential{Jitter: retry.EqualJitter}, 1, 5e8, 1e9},
	{"equal jitter at the cap", retry.Exponential{Jitter: retry.EqualJitter}, 99, 16e9, 32e9},
	{"additive jitter", retry.Exponential{Jitter: retry.AdditiveJitter}, 1, 1e9, 2e9},
	{"additive jitter does not grow", retry.Exponential{Jitter: retry.AdditiveJitter}, 5, 16e9, 17e9},
	{"is cut off", retry.Exponential{Jitter: retry.AdditiveJitter, Max: 4e9 + 5e8}, 3, 4e9, 4e9 + 5e8},
	{"and away", retry.Exponential{Jitter: retry.AdditiveJitter}, 60, 32e9, 32e9},

	{"no jitter", retry.Exponential{Jitter: retry.NoJitter}, 3, 4e9, 4e9},
	{"no jitter at the cap", retry.Exponential{Jitter: retry.NoJitter}, 7, 32e9, 32e9},
	{"a maximum between two", retry.Exponential{Base: 300, Max: 1000, Jitter: retry.NoJitter}, 3, 1000, 1000},
	{"a maximum below the base", retry.Exponential{Base: 3600e9, Max: 5, Jitter: retry.NoJitter}, 1, 5, 5},
	{"a nanosecond", retry.Exponential{Base: 1, Max: 3, Jitter: retry.NoJitter}, 2, 2, 2},
	{"huge", retry.Exponential{Base: longest, Max: longest, Jitter: retry.NoJitter}, 1, longest, longest},
	{"nearly too large", retry.Exponential{Base: 1 << 61, Max: longest, Jitter: retry.NoJitter}, 2, 1 << 62, 1 << 62},
	{"too large", retry.Exponential{Base: 1 << 61, Max: longest, Jitter: retry.NoJitter}, 3, longest, longest},
	{"far too large", retry.Exponential{Base: 1, Max: longest, Jitter: retry.NoJitter}, forever, longest, longest},
	{"of a huge range, the last that is a float", retry.Exponential{Base: 1 << 60, Max: longest}, 3, 0, 1<<62 - 1<<9},
}

func TestExponentialDrawsFromTheRangeThatItsJitterNames(t *testing.T) {
	for _, row := range exponentialRows {
		for _, u := range []float64{0, -1, math.Inf(-1), math.NaN()} {
			assert.Equal(t, row.from, row.e.At(row.retry, u), "%s, at %v", row.name, u)
		}
		for _, u := range []float64{1, 7, math.Inf(1)} {
			assert.Equal(t, row.to, row.e.At(row.retry, u), "%s, at %v", row.name, u)
		}
	}
}

func TestExponentialDrawsAnewEachTime(t *testing.T) {
	least, greatest, different := spread(retry.Exponential{}, 1)
	assert.Greater(t, different, draws/2)
	// Of so many draws, one in each quarter at the ends is as good as certain.
	assert.Less(t, least, time.Second/4)
	assert.Greater(t, greatest, 3*time.Second/4)
	assert.Less(t, greatest, time.Second)
}

func TestConstantWaitsTheSameEachTime(t *testing.T) {
	for _, n := range []int{math.MinInt, 0, 1, 2, math.MaxInt} {
		assert.Equal(t, 3*time.Second, retry.Constant(3*time.Second).Delay(n))
		assert.Equal(t, longest, retry.Constant(longest).Delay(n))
		assert.Zero(t, retry.Constant(0).Delay(n))
		assert.Zero(t, retry.Constant(-3).Delay(n))
		assert.Zero(t, retry.Constant(math.MinInt64).Delay(n))
	}
}

func FuzzDelay(f *testing.F) {
	for _, d := range []int64{math.MinInt64, -1, 0, 1, int64(time.Second), math.MaxInt64 - 1, math.MaxInt64} {
		for _, n := range []int{math.MinInt, 0, 1, 33, 63, 64, math.MaxInt - 10, math.MaxInt} {
			f.Add(d, int64(time.Minute), 0, n)
			f.Add(int64(time.Second), d, 1, n)
			f.Add(d, d, 2, n)
			f.Add(d, d, 3, n)
		}
	}
	f.Fuzz(func(t *testing.T, base, longest int64, jitter, n int) {
		e := retry.Exponential{Base: time.Duration(base), Max: time.Duration(longest), Jitter: retry.Jitter(jitter)}
		highest := e.Max
		if highest <= 0 {
			highest = 32 * time.Second
		}
		if d := e.Delay(n); d < 0 || d > highest {
			t.Fatalf("%+v: retry %d waits %d", e, n, d)
		}
		e.Jitter = retry.NoJitter
		if n < math.MaxInt && e.Delay(n) > e.Delay(n+1) {
			t.Fatalf("%+v: retry %d waits longer than the next", e, n)
		}
	})
}
