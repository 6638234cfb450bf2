//go:build !race

package storm_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/seed-e3550de8/retry"
	"github.com/seed-e3550de8/retry/internal/storm"
)

// The race detector makes a simulation ten times as long, and finds nothing: each has one goroutine.

func TestTheDefaultsShowWhatTheyHaveTo(t *testing.T) {
	t.Parallel()
	rows := storm.Verdict(10)
	assert.Len(t, rows, 16)
	for _, row := range rows {
		assert.True(t, row.Met, "%s: wanted %s, measured %s", row.What, row.Wanted, row.Measured)
		t.Logf("%s: wanted %s, measured %s", row.What, row.Wanted, row.Measured)
	}
}

func TestAModelWithoutBudgetDoesWhatThePackageDoes(t *testing.T) {
	t.Parallel()
	fleet := storm.Fleet{Clients: 100, Rate: 10}
	unlimited := storm.Package("unlimited", retry.Policy{Budget: retry.Unlimited})
	none := storm.Package("none", retry.Policy{MaxAttempts: 1})
	third := storm.Failing(0.33, 30*time.Second)
	for _, s := range []storm.Scenario{storm.Outage(5 * time.Second), storm.Slow(0.7), third} {
		assert.Equal(t, storm.NoBudget.Run(s, fleet), unlimited.Run(s, fleet), s.Name)
		assert.Equal(t, storm.NoRetries.Run(s, fleet), none.Run(s, fleet), s.Name)
	}
}

func TestTheTablesAndPlotsAreTheSameForTheSameSeed(t *testing.T) {
	t.Parallel()
	told := 0
	once := storm.Run(100, func(done, total int, latest string) {
		told++
		assert.Equal(t, told, done)
		assert.LessOrEqual(t, done, total)
		assert.NotEmpty(t, latest)
	})
	again := storm.Run(100, func(int, int, string) {})
	assert.Equal(t, once, again)
	assert.NotZero(t, told)
	tables := once.Short + once.Long
	assert.Equal(t, 17, strings.Count(tables, "\n\n| "), "tables")
	assert.NotContains(t, tables, "NaN")
	assert.Len(t, once.Figures, 4)
}
