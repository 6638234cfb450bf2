package retry

import (
	"math"
	"sync"
	"sync/atomic"
	"time"
)

// limits are what a Budget asks of its buckets.
type limits struct {
	window float64 // seconds
	floor  float64 // the least capacity
	ratio  float64 // what a success deposits
}

// A bucket is the budget of one authority.
type bucket struct {
	authority authority
	pending   atomic.Int64 // successes since counted

	mu       sync.Mutex
	level    float64   // the share of the capacity that is there: 0 <= level, and <= 1 once advanced
	advanced time.Time // when level was true
	rate     float64   // of successes, a second, averaged over Window: rate >= 0
	counted  time.Time // when rate was true
}

// count adds a success, and reports whether k is due to be advanced: every 64th time.
func (k *bucket) count() bool { return k.pending.Add(1)%samples == 0 }

// balance returns what is in the bucket at now.
func (k *bucket) balance(l limits, now time.Time) float64 {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.level * k.advance(l, now)
}

// add puts n in, up to the capacity, or takes -n out if there is that much; else it reports false.
func (k *bucket) add(l limits, n float64, now time.Time) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	capacity := k.advance(l, now)
	if n < 0 {
		n = max(n, -max(capacity, 1)) // a full bucket that holds 1 pays for any retry
	}
	level := k.level + n/capacity
	// A level computed from many small deposits is off by a rounding error, which must not cost a retry.
	if level < -1e-9 {
		return false
	}
	k.level = max(level, 0) // and at most 1 by the next advance
	return true
}

// loss returns how far k is from a new bucket, in retries: those that were spent, and the capacity that was earned.
func (k *bucket) loss(l limits, now time.Time) float64 {
	k.mu.Lock()
	defer k.mu.Unlock()
	capacity := k.advance(l, now)
	return capacity*(1-k.level) + capacity - l.floor
}

// asNew reports whether k is what a new bucket would be: full, with the least capacity, and with no success lately that
// a rate could grow from.
func (k *bucket) asNew(l limits, now time.Time) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.advance(l, now) <= l.floor && k.level >= 1 && now.Sub(k.counted).Seconds() > l.window
}

// advance brings level and rate up to now, and returns the capacity.
//
// It is the level that is kept, not the number of retries, so that a bucket that is full stays full while its capacity
// grows with the traffic, and a spent one stays spent while its capacity fades.
func (k *bucket) advance(l limits, now time.Time) float64 {
	var gained float64
	idle := now.Sub(k.counted).Seconds()
	rate := faded(k.rate, idle, l.window)
	if k.pending.Load() > 0 {
		successes := float64(k.pending.Swap(0))
		gained = l.ratio * successes
		rate = average(rate, successes, idle, l.window)
		k.rate, k.counted = rate, later(k.counted, now)
	}
	capacity := max(l.window*rate, l.floor)
	if elapsed := now.Sub(k.advanced); elapsed > 0 {
		gained += refill * elapsed.Seconds()
		k.advanced = now
	}
	k.level = min(k.level+gained/capacity, 1)
	return capacity
}

// faded returns what is left of a rate after so many seconds without a success. It holds for one Window and then decays
// over ten, so that in an outage the capacity still reflects the traffic before it.
func faded(rate, idle, window float64) float64 {
	if idle <= window {
		return rate
	}
	return rate * decay((idle-window)/(fadeWindows*window))
}

const (
	fadeWindows = 10

	// atOnce is the share of a Window below which events count as one burst, since n/elapsed has no limit there.
	atOnce = 1e-9
)

// average folds n events of the last elapsed seconds into an exponentially weighted moving rate. With x =
// elapsed/window it is rate' = rate*e^-x + n/elapsed*(1-e^-x).
func average(rate, n, elapsed, window float64) float64 {
	x := elapsed / window
	if x < atOnce {
		return rate + n/window
	}
	if n < rate*elapsed {
		x = min(x, 1) // a single success after a gap does not undo what faded keeps
	}
	kept := decay(x)
	return rate*kept + n/elapsed*(1-kept)
}

// decay is e^-x. Most looks at a bucket follow each other within a thousandth of a Window, where the first three terms
// of its series are right to nine places.
func decay(x float64) float64 {
	if x < 1e-3 {
		return 1 - x + x*x/2
	}
	return math.Exp(-x)
}

func later(t, u time.Time) time.Time {
	if u.After(t) {
		return u
	}
	return t
}
