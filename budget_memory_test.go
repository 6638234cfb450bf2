package retry_test

import (
	"fmt"
	"reflect"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-e3550de8/retry"
)

func TestBudgetForgetsAuthoritiesThatAreAsGoodAsNew(t *testing.T) {
	budget, now := new(retry.Budget), time.Now()
	for i := range 10_000 {
		require.True(t, budget.Spend(fmt.Sprint("host", i), now))
	}
	require.Equal(t, 10_000, budget.Buckets())
	for range 20_000 {
		now = now.Add(500 * time.Millisecond)
		budget.Touch("busy", now)
	}
	assert.Less(t, budget.Buckets(), 100)
}

func TestBudgetRemembersNoMoreThanItsBound(t *testing.T) {
	budget, now := new(retry.Budget), time.Now()
	for i := range retry.MaxBuckets + 1000 {
		require.True(t, budget.Spend(fmt.Sprint("host", i), now))
	}
	assert.Equal(t, retry.MaxBuckets, budget.Buckets())
}

func TestBudgetMustNotBeCopied(t *testing.T) {
	var locks int
	budget := reflect.TypeFor[retry.Budget]()
	for i := range budget.NumField() {
		if budget.Field(i).Type == reflect.TypeFor[sync.Mutex]() {
			locks++
		}
	}
	assert.NotZero(t, locks, "go vet finds a copy by the lock in it")
}

// BenchmarkBudgetAuthorities shows what a million authorities cost, each with a retry that was spent, and what is left
// of it after an hour of traffic with one of them.
func BenchmarkBudgetAuthorities(b *testing.B) {
	const authorities, busy = 1_000_000, 200_000
	for b.Loop() {
		before, budget, now := heap(), new(retry.Budget), time.Now()
		for i := range authorities {
			budget.Spend(fmt.Sprint("host", i, ".example.com"), now)
		}
		grown := heap() - before
		b.ReportMetric(float64(grown)/float64(budget.Buckets()), "B/authority")
		b.ReportMetric(float64(grown)/1e6, "MB")
		for range busy {
			now = now.Add(time.Hour / busy)
			budget.Touch("busy", now)
		}
		b.ReportMetric(float64(budget.Buckets()), "authorities-after")
		b.ReportMetric(max(float64(heap())-float64(before), 0)/1e6, "MB-after")
	}
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
