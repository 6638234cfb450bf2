package retry

import (
	"net/url"
	"time"
)

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

// Touch records a success at host at the time now.
func (b *Budget) Touch(host string, now time.Time) {
	a := authorityOf(&url.URL{Scheme: "http", Host: host})
	k := b.bucket(a, now)
	k.pending.Add(1)
	b.advance(k, now)
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

// Held returns how many authorities the Gate of t holds.
func (t *Transport) Held() int { return t.policy.Gate.Held() }
