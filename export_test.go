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

// Touch records a success at host at the time now.
func (b *Budget) Touch(host string, now time.Time) {
	a := authorityOf(&url.URL{Scheme: "http", Host: host})
	k := b.bucket(a, now)
	k.pending.Add(1)
	b.advance(k, now)
}

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
	return b.withdraw(authorityOf(&url.URL{Scheme: "http", Host: host}), 1, 0, now)
}

// SpendOn withdraws n at the authority of u now.
func (b *Budget) SpendOn(u *url.URL, n float64) bool {
	return b.withdraw(authorityOf(u), n, 0, time.Now())
}
