package retry

import (
	"math"
	"sync"
	"sync/atomic"
	"time"
)

// A bucket is the budget of one authority.
type bucket struct {
	authority authority
	pending   atomic.Int64 // successes at the first attempt since counted

	mu      sync.Mutex
	level   float64   // the share of the capacity that is there: 0 <= level <= 1
	settled time.Time // when level was true
	rate    float64   // of successes at the first attempt, a second, averaged over Window: rate >= 0
	counted time.Time // when rate was true
}

// count adds a success at the first attempt, and reports whether that is one that k is to be settled after.
func (k *bucket) count() bool { return k.pending.Add(1)%samples == 0 }

// balance returns what is in the bucket at now.
func (k *bucket) balance(b *Budget, now time.Time) float64 {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.level * k.settle(b, now)
}

// add puts n in, up to the capacity, or takes -n out if there is that much; else it reports false.
func (k *bucket) add(b *Budget, n float64, now time.Time) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	capacity := k.settle(b, now)
	if math.IsInf(capacity, 1) {
		return true
	}
	level := k.level + n/capacity
	// A level computed from many small deposits is off by a rounding error, which must not cost a retry.
	if level < -1e-9 {
		return false
	}
	k.level = min(max(level, 0), 1)
	return true
}

// loss returns how far k is from a new bucket, in retries: those that were spent, and the capacity that was earned.
func (k *bucket) loss(b *Budget, now time.Time) float64 {
	k.mu.Lock()
	defer k.mu.Unlock()
	capacity := k.settle(b, now)
	return capacity*(1-k.level) + capacity - b.floor()
}

// asNew reports whether k is what a new bucket would be: full, with the least capacity, and with no success lately that
// a rate could grow from.
func (k *bucket) asNew(b *Budget, now time.Time) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.settle(b, now) <= b.floor() && k.level >= 1 && now.Sub(k.counted).Seconds() > b.window()
}

// settle brings level and rate up to now, and returns the capacity.
//
// It is the level that is kept, not the number of retries, so that a bucket that is full stays full while its capacity
// grows with the traffic, and a spent one stays spent while its capacity fades.
func (k *bucket) settle(b *Budget, now time.Time) float64 {
	successes := float64(k.pending.Swap(0))
	if successes > 0 {
		k.rate = average(k.faded(b, now), successes, now.Sub(k.counted).Seconds(), b.window())
		k.counted = later(k.counted, now)
	}
	capacity := max(b.window()*k.faded(b, now), b.floor())
	elapsed := max(now.Sub(k.settled).Seconds(), 0)
	k.settled = later(k.settled, now)
	k.level = min(k.level+(b.ratio()*successes+refill*elapsed)/capacity, 1)
	return capacity
}

// faded returns the rate after the time without a success. It stands for a Window and then fades over ten of them: it is
// what the client did before an outage that its retries in the outage are measured by.
func (k *bucket) faded(b *Budget, now time.Time) float64 {
	idle := now.Sub(k.counted).Seconds() - b.window()
	if idle <= 0 {
		return k.rate
	}
	return k.rate * math.Exp(-idle/(10*b.window()))
}

// average folds n events of the last elapsed seconds into an exponentially weighted moving rate.
func average(rate, n, elapsed, window float64) float64 {
	x := elapsed / window
	if x < 1e-9 {
		return rate + n/window
	}
	if n < rate*elapsed {
		x = min(x, 1) // a single success after a gap does not undo what faded keeps
	}
	kept := math.Exp(-x)
	return rate*kept + n/elapsed*(1-kept)
}

func later(t, u time.Time) time.Time {
	if u.After(t) {
		return u
	}
	return t
}
