package retry

import (
	"math"
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
//   - its capacity is Window times the rate of first attempts that succeed there, but at least Floor;
//   - a retry withdraws 1, and a retry that succeeds gives it back;
//   - a success at the first attempt deposits Ratio; a failure deposits nothing;
//   - time deposits 0.001 a second, so that nobody is starved for good.
//
// A success is a response whose class is [Final], whatever its status: 404 comes from a server that is up. A retry that
// finds less than 1 is not made: the call ends with the response or the error in hand, and the reason is [ErrBudget].
//
// The zero Budget is ready to use. It may be shared by many Transports and used by many goroutines at once, and must
// not be copied after its first use. Set the fields before that. A bucket that is full and whose rate has faded takes
// no memory; no more than 65,536 authorities have one, beyond which one of the fuller buckets makes room and starts
// full again.
//
// Funding retries by successes is what lets an overloaded server recover as if nobody retried; see docs/overload.md.
type Budget struct {
	// Window is the time whose successes make the capacity, and over which their rate is averaged.
	// Zero or negative means 15s.
	Window time.Duration

	// Floor is the least capacity. Zero, negative and NaN mean 5. Below 1, a client of few requests has no retries.
	// +Inf never runs dry.
	Floor float64

	// Ratio is what a success at the first attempt deposits, in retries. Zero, negative and NaN mean 0.1; above 1
	// means 1.
	Ratio float64

	mu      sync.Mutex
	buckets map[authority]*bucket  // at most maxBuckets
	highest int                    // the most buckets since the map was made
	last    atomic.Pointer[bucket] // the one that was settled last: for most clients, the only one
	recent  [slots]atomic.Pointer[bucket]
}

// Unlimited is the Budget that never runs dry. It keeps no record, and its fields and Balance are of no interest.
var Unlimited = &Budget{Floor: math.Inf(1)}

const (
	maxBuckets  = 1 << 16
	maxOwnFloor = 101 // attempts that the Floor of a Transport's own budget provides for
	slots       = 64
	refill      = 0.001 // retries a second; ten times as much keeps an overloaded server down, see docs/overload.md

	// samples is how many successes go by between two looks at the clock: a power of two.
	samples = 64
)

// An authority is the server that a request goes to (RFC 3986 section 3.2), as its URL has it. A scheme other than https
// counts as http: comparing one string less is a third of what a success costs.
type authority struct {
	secure bool
	host   string
}

func authorityOf(u *url.URL) authority {
	if u == nil {
		return authority{}
	}
	return authority{u.Scheme == "https", u.Host}
}

// slot is where recent keeps the bucket of a, if two authorities do not share it. It takes the host in words of eight
// bytes, because hash/maphash would cost as much as the rest of a success.
func (a authority) slot() uint64 {
	const prime = 0x9e3779b97f4a7c15 // of the golden ratio, whose products have their best bits on top
	n := len(a.host)
	h := uint64(n)
	if a.secure {
		h = ^h
	}
	for i := 0; i+8 < n; i += 8 {
		h = (h ^ word(a.host[i:i+8])) * prime
	}
	if n >= 8 {
		h = (h ^ word(a.host[n-8:])) * prime
	}
	for i := 0; n < 8 && i < n; i++ {
		h = (h ^ uint64(a.host[i])) * prime
	}
	return h >> 58 // below slots
}

func word(s string) uint64 {
	_ = s[7] // one bounds check, and then one load
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
		uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
}

// Balance returns how many retries the bucket of an authority holds now. The authority is https://host or
// https://host:port, or the same with http, as it stands in the requests' URLs: in the same case, and with a port only
// if they have one. One that is not known has a full bucket.
func (b *Budget) Balance(authority string) float64 {
	a := parseAuthority(authority)
	b.mu.Lock()
	k := b.buckets[a]
	b.mu.Unlock()
	if k == nil {
		return b.floor()
	}
	return k.balance(b, time.Now())
}

func parseAuthority(s string) authority {
	host, secure := strings.CutPrefix(s, "https://")
	host = strings.TrimPrefix(host, "http://")
	return authority{secure, strings.TrimSuffix(host, "/")}
}

// success records a first attempt that succeeded: one load and one addition, and once in 64 times a look at the clock.
func (b *Budget) success(u *url.URL) {
	// The parts are compared without making an authority of them, because nearly always that is all there is to do.
	k := b.last.Load()
	if k == nil || u == nil || k.authority.host != u.Host || k.authority.secure != (u.Scheme == "https") {
		k = b.find(authorityOf(u))
	}
	if k.count() {
		b.settle(k, time.Now())
	}
}

// settle folds what has been counted into k, and lets old buckets go.
func (b *Budget) settle(k *bucket, now time.Time) {
	k.balance(b, now)
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.buckets[k.authority] == k {
		b.last.Store(k)
	}
	if len(b.buckets) > 1 {
		b.sweep(now)
	}
}

// withdraw takes 1 for a retry, if there is that much.
func (b *Budget) withdraw(a authority, now time.Time) bool {
	return b == Unlimited || b.bucket(a, now).add(b, -1, now)
}

// refund gives back what a retry that succeeded has taken.
func (b *Budget) refund(a authority, now time.Time) {
	if b != Unlimited {
		b.bucket(a, now).add(b, 1, now)
	}
}

// find returns the bucket of a. It does not need the clock, nor the lock, if two authorities do not share a slot.
func (b *Budget) find(a authority) *bucket {
	if k := b.recent[a.slot()].Load(); k != nil && k.authority == a {
		return k
	}
	return b.bucket(a, time.Now())
}

// bucket returns the bucket of a, which is made if need be.
func (b *Budget) bucket(a authority, now time.Time) *bucket {
	if k := b.recent[a.slot()].Load(); k != nil && k.authority == a {
		return k
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	k := b.buckets[a]
	if k == nil {
		k = b.insert(a, now)
	}
	b.recent[a.slot()].Store(k)
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
	// The host is a part of the URL's text, which must not stay in memory for it.
	a.host = strings.Clone(a.host)
	k := &bucket{authority: a, level: 1, counted: now, settled: now}
	b.buckets[a] = k
	b.highest = max(b.highest, len(b.buckets))
	return k
}

// sweep looks at a few buckets, at random as a map's order is, and drops those that are as good as new. Every insertion
// and every settled sample does so, which is often enough for all of them to be seen.
func (b *Budget) sweep(now time.Time) {
	looks := 4
	for a, k := range b.buckets {
		if looks--; looks < 0 {
			break
		}
		if k.asNew(b, now) {
			b.drop(a, k)
		}
	}
	// A map keeps the room that it once had.
	if b.highest > 1024 && len(b.buckets) < b.highest/4 {
		smaller := make(map[authority]*bucket, len(b.buckets))
		for a, k := range b.buckets {
			smaller[a] = k
		}
		b.buckets, b.highest = smaller, len(smaller)
	}
}

// evict drops the bucket that loses the least by it, of a few.
func (b *Budget) evict(now time.Time) {
	var least *bucket
	loss, looks := math.Inf(1), 8
	for _, k := range b.buckets {
		if one := k.loss(b, now); one < loss {
			least, loss = k, one
		}
		if looks--; looks == 0 {
			break
		}
	}
	if least != nil {
		b.drop(least.authority, least)
	}
}

func (b *Budget) drop(a authority, k *bucket) {
	delete(b.buckets, a)
	b.last.CompareAndSwap(k, nil)
	b.recent[a.slot()].CompareAndSwap(k, nil)
}

func (b *Budget) window() float64 { return orDefault(b.Window, 15*time.Second).Seconds() }

func (b *Budget) floor() float64 { return positiveOr(b.Floor, 5) }

func (b *Budget) ratio() float64 { return min(positiveOr(b.Ratio, 0.1), 1) }

// positiveOr returns f, or byDefault for zero, negative and NaN.
func positiveOr(f, byDefault float64) float64 {
	if f > 0 {
		return f
	}
	return byDefault
}
