package retry

import (
	"net/http"
	"net/url"
	"time"
)

// The doors for tests: only they may ask the policy, the backoff, the budget and the holds at a time of their choosing.
var (
	ErrAttemptTimeout = errAttemptTimeout
	MaxDrain          = int64(maxDrain)
	Grace             = grace
	MaxDrainTime      = maxDrainTime
)

// CloseDrains is true where net/http reads on after a Close.
const CloseDrains = closeDrains

// DefaultBase returns the base of New(nil, Policy{}).
func DefaultBase() *http.Transport { return New(nil, Policy{}).pool().(*http.Transport) }

// InMemory makes a body, if it is a part of it, one that is known to read from memory.
type InMemory struct{}

func (InMemory) cannotDial() bool { return true }

// MaxBuckets is the most authorities that a Budget remembers.
const MaxBuckets = maxBuckets

// MaxHolds is the most authorities that a Gate holds.
const MaxHolds = maxHolds

// Buckets returns how many authorities b remembers.
func (b *Budget) Buckets() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.buckets)
}

// Highest returns the most buckets since b last made a smaller map.
func (b *Budget) Highest() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.highest
}

// Touch records a success at host at the time now, and settles it.
func (b *Budget) Touch(host string, now time.Time) { b.Late(host, now)(now) }

// Late records a success at host at the time now, and returns what settles it: another goroutine may be held up there.
func (b *Budget) Late(host string, now time.Time) (settle func(time.Time)) {
	k := b.bucket(&url.URL{Scheme: "http", Host: host}, now)
	k.pending.Add(1)
	return func(now time.Time) { b.advance(k, now) }
}

// Sweep looks at a few buckets at the time now.
func (b *Budget) Sweep(now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.sweep(now)
}

// Evict makes room for a bucket at the time now.
func (b *Budget) Evict(now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.evict(now)
}

// Known reports whether b remembers host.
func (b *Budget) Known(host string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buckets[authority{host: host}] != nil
}

// Last returns the host that a success is looked up at first, or "".
func (b *Budget) Last() string {
	if k := b.last.Load(); k != nil {
		return k.authority.host
	}
	return ""
}

// Decay is e^-x, as the buckets have it, and Average is how they fold n events into a rate.
func Decay(x float64) float64                          { return decay(x) }
func Average(rate, n, elapsed, window float64) float64 { return average(rate, n, elapsed, window) }

// Override returns p with the fields of q that are not zero.
func (p Policy) Override(q Policy) Policy {
	p.override(&q)
	return p
}

// Held returns how many authorities g holds.
func (g *Gate) Held() int {
	if g == nil {
		return 0
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.until)
}

// Spend withdraws a retry at host at the time now.
func (b *Budget) Spend(host string, now time.Time) bool {
	return b.withdraw(&url.URL{Scheme: "http", Host: host}, 1, 0, now)
}

// SpendOn withdraws n at the authority of u at the time now.
func (b *Budget) SpendOn(u *url.URL, n float64, now time.Time) bool {
	return b.withdraw(u, n, 0, now)
}
