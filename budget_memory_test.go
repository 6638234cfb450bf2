package retry_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-e3550de8/retry"
)

// A bucket is forgotten when a new one would be the same.
func TestABudgetForgetsABucketThatIsAsGoodAsNew(t *testing.T) {
	touch := func(n int) func(*retry.Budget, time.Time) {
		return func(b *retry.Budget, now time.Time) {
			for range n {
				b.Touch("one", now)
			}
		}
	}
	spend := func(b *retry.Budget, now time.Time) { b.Spend("one", now) }
	for name, row := range map[string]struct {
		use  func(*retry.Budget, time.Time)
		kept time.Duration
	}{
		"after a success, a Window":      {touch(1), 15 * time.Second},
		"after a retry, when it is paid": {spend, 999 * time.Second},
		"when its rate has faded":        {touch(150), 525 * time.Second}, // 15s, and 150s ln(150/5)
	} {
		b, now := new(retry.Budget), time.Now()
		row.use(b, now)
		b.Touch("other", now.Add(row.kept))
		assert.Equal(t, 2, b.Buckets(), name)
		b.Touch("other", now.Add(row.kept+2*time.Second))
		assert.Equal(t, 1, b.Buckets(), name)
	}
}

func TestABudgetUsesNoBucketThatItHasForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := new(retry.Budget)
		b.Touch("one", time.Now())
		time.Sleep(16 * time.Second)
		b.Spend("other", time.Now())
		assert.Equal(t, 1, b.Buckets())
		b.Spend("one", time.Now())
		assert.Equal(t, 4.0, b.Balance(at("http://one")))
	})
}

func TestABudgetGivesBackItsMemory(t *testing.T) {
	b, now := new(retry.Budget), time.Now()
	for i := range 10_000 {
		require.True(t, b.Spend(fmt.Sprint("host", i), now))
	}
	require.Equal(t, 10_000, b.Buckets())
	require.Equal(t, 10_000, b.Highest())
	for range 20_000 {
		now = now.Add(500 * time.Millisecond)
		b.Touch("busy", now)
	}
	assert.Equal(t, 1, b.Buckets())
	assert.Less(t, b.Highest(), 8, "each time that there are a quarter of them, the map is made anew")
}

// Beyond the bound, a bucket makes room that a new one is the least different from.
func TestABudgetRemembersNoMoreThanItsBound(t *testing.T) {
	const more = 1000
	b, now := new(retry.Budget), time.Now()
	for i := range retry.MaxBuckets {
		host := fmt.Sprint("host", i)
		b.Spend(host, now)
		if i%3 == 1 {
			for range 3 {
				b.Spend(host, now)
			}
		}
		for range (i % 3) / 2 * 10 {
			b.Touch(host, now)
		}
	}
	require.Equal(t, retry.MaxBuckets, b.Buckets())
	for i := range more {
		b.Spend(fmt.Sprint("more", i), now)
	}
	assert.Equal(t, retry.MaxBuckets, b.Buckets())
	var gone [3]int
	for i := range retry.MaxBuckets {
		if b.Balance(at("http://host"+fmt.Sprint(i))) == 5 {
			gone[i%3]++
		}
	}
	assert.InDelta(t, more, gone[0], 200, "those that have spent one, and not those that have spent four or earned: %v", gone)
}

// later is a time at which no clock here is.
var later = time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)

func TestDecideSettlesAtTheTimeThatItIsGiven(t *testing.T) {
	p := retry.Policy{Budget: new(retry.Budget)}
	for range 64 {
		p.Decide(attempted(1, 200), later)
	}
	assert.Equal(t, 64.0, p.Budget.Balance(apiURL), "at once")
	p.Budget = new(retry.Budget)
	for i := range 640 {
		p.Decide(attempted(1, 200), later.Add(time.Duration(i)*100*time.Millisecond))
	}
	assert.InDelta(t, 150, p.Budget.Balance(apiURL), 10, "15 s of ten successes a second")
}

func TestAbandonGivesBackWhatTheRetryHasTaken(t *testing.T) {
	for status, price := range map[int]float64{503: 1, 429: 0.2, 0: 1.5} {
		p, a := retry.Policy{Budget: new(retry.Budget)}, attempted(1, status)
		d := p.Decide(a, later)
		assert.True(t, d.Retry)
		assert.InDelta(t, 5-price, p.Budget.Balance(apiURL), 1e-9)
		for range 2 {
			p.Abandon(a, d, later)
			assert.InDelta(t, 5, p.Budget.Balance(apiURL), 1e-9, "never more than the capacity")
		}
		assert.NotPanics(t, func() { retry.Policy{}.Abandon(a, d, later) })
	}
}

// The times of two requests may come in either order.
func TestABudgetDoesNotGoBackInTime(t *testing.T) {
	b := new(retry.Budget)
	for range 5 {
		assert.True(t, b.Spend("one", later.Add(time.Hour)))
	}
	assert.False(t, b.Spend("one", later))
	assert.False(t, b.Spend("one", later.Add(time.Hour)), "an hour deposits once")
	assert.True(t, b.Spend("one", later.Add(time.Hour+1000*time.Second+1)))
}
