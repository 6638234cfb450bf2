package retry_test

import (
	"fmt"
	"math"
	"testing"
	"testing/synctest"
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

func TestExponentialDrawsFromTheRangeThatItsJitterNames(t *testing.T) {
	const s = time.Second
	for _, row := range []struct {
		jitter   retry.Jitter
		retry    int
		from, to time.Duration // [from, to)
	}{
		{retry.FullJitter, 1, 0, s}, {retry.FullJitter, 2, 0, 2 * s}, {retry.FullJitter, 3, 0, 4 * s}, {retry.FullJitter, 6, 0, 32 * s},
		{retry.FullJitter, 7, 0, 32 * s}, {retry.FullJitter, math.MaxInt, 0, 32 * s},
		{retry.EqualJitter, 1, s / 2, s}, {retry.EqualJitter, 4, 4 * s, 8 * s}, {retry.EqualJitter, 99, 16 * s, 32 * s},
		{retry.AdditiveJitter, 1, s, 2 * s}, {retry.AdditiveJitter, 5, 16 * s, 17 * s},
		{99, 3, 0, 4 * s}, {-1, 3, 0, 4 * s},
		{retry.FullJitter, 0, 0, s}, {retry.FullJitter, -7, 0, s}, {retry.FullJitter, math.MinInt, 0, s},
	} {
		name := fmt.Sprintf("jitter %d, retry %d", row.jitter, row.retry)
		least, greatest, different := spread(retry.Exponential{Jitter: row.jitter}, row.retry)
		assert.GreaterOrEqual(t, least, row.from, name)
		assert.Less(t, greatest, row.to, name)
		assert.Greater(t, different, draws/2, "%s: drawn anew each time", name)
		// Of so many draws, one in each quarter at the ends is as good as certain.
		assert.Less(t, least, row.from+(row.to-row.from)/4, name)
		assert.Greater(t, greatest, row.to-(row.to-row.from)/4, name)
	}
}

func TestExponentialWithoutJitterDoublesUpToItsMaximum(t *testing.T) {
	for _, row := range []struct {
		name string
		e    retry.Exponential
		want []time.Duration
	}{
		{"defaults", retry.Exponential{}, []time.Duration{1e9, 2e9, 4e9, 8e9, 16e9, 32e9, 32e9, 32e9}},
		{"negative: defaults", retry.Exponential{Base: -1, Max: math.MinInt64}, []time.Duration{1e9, 2e9, 4e9, 8e9, 16e9, 32e9, 32e9}},
		{"64s", retry.Exponential{Max: 64 * time.Second}, []time.Duration{1e9, 2e9, 4e9, 8e9, 16e9, 32e9, 64e9, 64e9}},
		{"a maximum between two", retry.Exponential{Base: 300, Max: 1000}, []time.Duration{300, 600, 1000, 1000}},
		{"a maximum below the base", retry.Exponential{Base: time.Hour, Max: 5}, []time.Duration{5, 5}},
		{"a nanosecond", retry.Exponential{Base: 1, Max: 3}, []time.Duration{1, 2, 3, 3}},
		{"huge", retry.Exponential{Base: longest, Max: longest}, []time.Duration{longest, longest}},
		{"huge maximum", retry.Exponential{Base: 1 << 61, Max: longest}, []time.Duration{1 << 61, 1 << 62, longest, longest}},
	} {
		row.e.Jitter = retry.NoJitter
		for i, want := range row.want {
			assert.Equal(t, want, row.e.Delay(i+1), "%s, retry %d", row.name, i+1)
		}
	}
	assert.Equal(t, longest, retry.Exponential{Max: longest, Jitter: retry.NoJitter}.Delay(math.MaxInt))
}

func TestExponentialIsAFunctionOfItsRandomNumber(t *testing.T) {
	const s = time.Second
	for _, row := range []struct {
		e    retry.Exponential
		u    float64
		want time.Duration
	}{
		{retry.Exponential{}, 0.25, s}, {retry.Exponential{}, -1, 0}, {retry.Exponential{}, math.NaN(), 0},
		{retry.Exponential{}, 0, 0}, {retry.Exponential{Base: 1 << 60, Max: longest}, 1, 1<<62 - 1<<9},
		{retry.Exponential{Base: 1 << 60, Max: longest}, 7, 1<<62 - 1<<9},
		{retry.Exponential{Jitter: retry.EqualJitter}, 0.25, 5 * s / 2}, {retry.Exponential{Jitter: retry.EqualJitter}, 0, 2 * s},
		{retry.Exponential{Jitter: retry.AdditiveJitter}, 0.25, 17 * s / 4},
		{retry.Exponential{Jitter: retry.AdditiveJitter, Max: 4100 * time.Millisecond}, 0.25, 4100 * time.Millisecond},
		{retry.Exponential{Jitter: retry.NoJitter}, 0.25, 4 * s}, {retry.Exponential{Jitter: 9}, 0.25, s},
	} {
		assert.Equal(t, row.want, row.e.At(3, row.u), "%v at %v", row.e, row.u)
	}
}

func TestJitterIsStillThereAtTheCap(t *testing.T) {
	for _, jitter := range []retry.Jitter{retry.FullJitter, retry.EqualJitter} {
		_, _, different := spread(retry.Exponential{Jitter: jitter}, 60)
		assert.Greater(t, different, draws/2)
	}
	_, _, different := spread(retry.Exponential{Jitter: retry.AdditiveJitter}, 60)
	assert.Equal(t, 1, different, "which is the fault of that formula")
	least, greatest, _ := spread(retry.Exponential{Base: longest, Max: longest}, math.MaxInt)
	assert.Greater(t, greatest-least, longest/2)
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

func TestTheJitterOfTwoRequestsIsNotTheSame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rt := retry.New(play(answer(503)), retry.Policy{Budget: retry.Unlimited})
		seen := map[time.Duration]bool{}
		for range 20 {
			at := time.Now()
			mustEnd(t, rt, place("GET", ""))
			seen[time.Since(at)] = true
		}
		assert.Len(t, seen, 20)
	})
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
