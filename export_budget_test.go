package retry

import (
	"net/url"
	"time"
)

// MaxBuckets is the most authorities that a Budget remembers.
const MaxBuckets = maxBuckets

// MaxHolds is the most authorities that a Transport holds.
const MaxHolds = maxHolds

// Buckets returns how many authorities b remembers.
func (b *Budget) Buckets() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.buckets)
}

// Touch records a success at host at the time now.
func (b *Budget) Touch(host string, now time.Time) {
	a := authorityOf(&url.URL{Scheme: "http", Host: host})
	k := b.bucket(a, now)
	k.pending.Add(1)
	b.settle(k, now)
}

// Held returns how many authorities t holds.
func (t *Transport) Held() int {
	t.holds.mu.Lock()
	defer t.holds.mu.Unlock()
	return len(t.holds.until)
}

// Spend withdraws a retry at host at the time now.
func (b *Budget) Spend(host string, now time.Time) bool {
	return b.withdraw(authorityOf(&url.URL{Scheme: "http", Host: host}), now)
}

// Slot returns which place of the quick look-up host has.
func Slot(host string) uint64 { return authorityOf(&url.URL{Scheme: "http", Host: host}).slot() }
