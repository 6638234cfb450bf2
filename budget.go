package retry

import (
	"iter"
	"maps"
	"math"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// A Budget bounds the retries to each authority by what the server has lately made of the requests, so that a server
// which is down or overloaded is not kept there by those who ask again. Backoff only spreads load; a budget reduces it.
//
// Each authority has a bucket, counted in retries, which starts full:
//
//   - its capacity is Window times the rate of requests that succeed there, but at least Floor;
//   - a retry withdraws 1; 1.5 after an attempt without an answer, which the server may still be at work on; and 0.2
//     after a 429 Too Many Requests, which comes from a server that is up and refuses at little cost;
//   - a request that succeeds in the end gives back all that its retries withdrew, and deposits Ratio;
//   - a request that fails gives back and deposits nothing;
//   - time deposits 0.001 a second, one retry in about 17 minutes, so that nobody is starved for good.
//
// A success is a response whose class is [Final], whatever its status: 404 comes from a server that is up. A retry that
// finds less than it withdraws is not made, unless the bucket is full and holds 1: the call ends with the response or
// the error in hand, and the reason is [ErrBudget].
//
// The zero Budget is ready to use. It may be shared by many Transports and used by many goroutines at once, and must
// not be copied after its first use. Set the fields before that. A bucket that is full and whose rate has faded is
// forgotten as others are used; no more than 65,536 authorities have one, beyond which one of the fuller buckets makes
// room and starts full again. Memory shrinks as buckets are forgotten, and does not while nothing is sent.
//
// Funding retries by successes is what lets an overloaded server recover as if nobody retried; see docs/overload.md.
type Budget struct {
	// Window is the time whose successes make the capacity, and over which their rate is averaged.
	// Zero or negative means 15s.
	Window time.Duration

	// Floor is the least capacity. Zero, negative and NaN mean 5. Below 1, a client of few requests has no retries but
	// after a 429. +Inf never runs dry, and keeps no record.
	Floor float64

	// Ratio is what a success deposits, in retries. Zero, negative and NaN mean 0.1; above 1 means 1. With 0.1 and four
	// attempts, retries go on for as long as fewer than 42 % of the attempts fail; with 0.2, than 50 %.
	Ratio float64

	// Store is asked for each retry that the Budget has enough for, so that many processes share one. Nil means none.
	// While it cannot say, the Budget decides alone. It is not asked if Floor is +Inf.
	Store Store

	mu      sync.Mutex
	buckets map[authority]*bucket  // at most maxBuckets
	highest int                    // the most buckets since the map was made
	last    atomic.Pointer[bucket] // the one that was settled last: for most clients, the only one
}

// Unlimited is a Budget that never runs dry: one whose Floor is +Inf. Do not change it.
var Unlimited = &Budget{Floor: math.Inf(1)}

const (
	maxBuckets     = 1 << 16
	maxOwnAttempts = 101   // that the Floor of a Transport's own Budget provides for
	refill         = 0.001 // retries a second; ten times as much keeps an overloaded server down, see docs/overload.md

	// What a retry withdraws that does not withdraw 1. A call of four attempts that all time out is paid for by the
	// Floor.
	late      = 1.5
	throttled = 0.2

	// samples is how many successes go by between two looks at the clock: a power of two.
	samples = 64
)

// ownFloor is the Floor of a Transport's own Budget, by which one request can make all its attempts.
func ownFloor(attempts int) float64 { return late * float64(min(max(attempts, 1), maxOwnAttempts)-1) }

// price is what a retry after a, of that class, withdraws.
func price(a *Attempt, class Class) float64 {
	switch {
	case a.Request != nil && a.Response == nil && a.lost == nil && class == Transient:
		return late
	case a.Response != nil && a.Response.StatusCode == http.StatusTooManyRequests:
		return throttled
	}
	return 1
}

// Balance returns how many retries the bucket of u's authority holds now. An authority is a scheme and a host as they
// stand in the requests' URLs: in the same case, and with a port only if they have one. One that is not known has a
// full bucket. A nil u is an authority of its own. What a Store has is not counted.
func (b *Budget) Balance(u *url.URL) float64 {
	b.mu.Lock()
	k := b.buckets[authorityOf(u)]
	b.mu.Unlock()
	if k == nil {
		return b.limits(0).floor
	}
	return k.balance(b.limits(0), time.Now())
}

// success records a request that succeeded: one load and one addition, and once in 64 times the bucket is brought up to
// now. A zero now is looked up only then.
func (b *Budget) success(u *url.URL, now time.Time) {
	k := b.last.Load()
	if k == nil || !k.authority.is(u) {
		k = b.bucket(u, now)
	}
	if !k.count() {
		return
	}
	if now.IsZero() {
		now = time.Now()
	}
	b.advance(k, now)
}

// advance folds what has been counted into k, and lets old buckets go.
func (b *Budget) advance(k *bucket, now time.Time) {
	k.balance(b.limits(0), now)
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.buckets[k.authority] == k {
		b.last.Store(k)
	}
	if len(b.buckets) > 1 {
		b.sweep(now)
	}
}

// withdraw takes n for a retry, if there is that much, of a bucket whose capacity is at least floor.
func (b *Budget) withdraw(u *url.URL, n, floor float64, now time.Time) bool {
	return b.unlimited() || b.bucket(u, now).add(b.limits(floor), -n, now)
}

// repay gives back n, which the retries of a request have taken that has succeeded, and records the success.
func (b *Budget) repay(u *url.URL, n, floor float64, now time.Time) {
	k := b.bucket(u, now)
	k.add(b.limits(floor), n, now)
	if k.count() {
		b.advance(k, now)
	}
}

// refund gives back n, which retries have taken.
func (b *Budget) refund(u *url.URL, n, floor float64, now time.Time) {
	if !b.unlimited() {
		b.bucket(u, now).add(b.limits(floor), n, now)
	}
}

// bucket returns the bucket of u's authority, which is made if need be. A zero now is looked up only then.
func (b *Budget) bucket(u *url.URL, now time.Time) *bucket {
	if k := b.last.Load(); k != nil && k.authority.is(u) {
		return k
	}
	a := authorityOf(u)
	b.mu.Lock()
	defer b.mu.Unlock()
	k := b.buckets[a]
	if k == nil {
		if now.IsZero() {
			now = time.Now()
		}
		k = b.insert(a, now)
	}
	return k
}

func (b *Budget) insert(a authority, now time.Time) *bucket {
	b.sweep(now)
	if len(b.buckets) >= maxBuckets {
		b.evict(now)
	}
	if b.buckets == nil {
		b.buckets = make(map[authority]*bucket)
	}
	a.host = strings.Clone(a.host) // a part of the URL's text, which must not stay in memory for it
	k := &bucket{authority: a, level: 1, counted: now, advanced: now}
	b.buckets[a] = k
	b.highest = max(b.highest, len(b.buckets))
	b.last.CompareAndSwap(nil, k)
	return k
}

// few yields n of the buckets, at random as a map's order is.
func (b *Budget) few(n int) iter.Seq2[authority, *bucket] {
	return func(yield func(authority, *bucket) bool) {
		for a, k := range b.buckets {
			if n--; n < 0 || !yield(a, k) {
				return
			}
		}
	}
}

// sweep drops those of a few buckets that are as good as new. Every insertion and every settled sample does so, which
// is often enough for all of them to be seen.
func (b *Budget) sweep(now time.Time) {
	for _, k := range b.few(4) {
		if k.asNew(b.limits(0), now) {
			b.drop(k)
		}
	}
	b.shrink()
}

// shrink makes a smaller map, because a map keeps the room that it once had.
func (b *Budget) shrink() {
	if len(b.buckets) < b.highest/4 {
		b.buckets, b.highest = maps.Collect(maps.All(b.buckets)), len(b.buckets)
	}
}

// evict drops the bucket that loses the least by it, of a few. There is one.
func (b *Budget) evict(now time.Time) {
	var least *bucket
	for _, k := range b.few(8) {
		if least == nil || k.loss(b.limits(0), now) < least.loss(b.limits(0), now) {
			least = k
		}
	}
	b.drop(least)
}

func (b *Budget) drop(k *bucket) {
	delete(b.buckets, k.authority)
	b.last.CompareAndSwap(k, nil)
}

func (b *Budget) unlimited() bool { return b.Floor > math.MaxFloat64 }

// limits returns what b asks of a bucket whose capacity is at least floor.
func (b *Budget) limits(floor float64) limits {
	return limits{
		window: orDefault(b.Window, 15*time.Second).Seconds(),
		floor:  max(positiveOr(b.Floor, 5), floor),
		ratio:  min(positiveOr(b.Ratio, 0.1), 1),
	}
}

// positiveOr returns f, or byDefault for zero, negative and NaN.
func positiveOr(f, byDefault float64) float64 {
	if f > 0 {
		return f
	}
	return byDefault
}
