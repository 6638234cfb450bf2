package retry_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-e3550de8/retry"
)

func TestACallSettlesWithItsBudget(t *testing.T) {
	dial := fail(&net.OpError{Op: "dial", Err: errors.New("connection refused")})
	for _, row := range []struct {
		name, method string
		replies      []reply
		within       time.Duration // when the caller gives up; 0: never
		want         float64       // of 4
	}{
		{"a success deposits a tenth", "GET", []reply{answer(200)}, 0, 4.1},
		{"404 comes from a server that is up", "GET", []reply{answer(404)}, 0, 4.1},
		{"one at a later attempt gives back what its retries took", "GET", []reply{answer(503), answer(200)}, 0, 4.1},
		{"those that failed too", "GET", []reply{answer(503), fail(errPeerReset), answer(429), answer(200)}, 0, 4.1},
		{"three retries that fail take three", "GET", []reply{answer(503)}, 0, 1},
		{"an attempt that reached nobody costs one", "GET", []reply{dial, dial, answer(503)}, 0, 1},
		{"a response that came with an error costs one", "GET", []reply{both}, 0, 1.03},
		{"a failure that is not retried costs and brings nothing", "POST", []reply{answer(503)}, 0, 4},
		{"nor does an error", "POST", []reply{fail(errPeerReset)}, 0, 4},
		{"a retry that is not sent is given back", "GET", []reply{answer(503)}, time.Second, 4.001},
		{"no more than that", "GET", []reply{fail(errPeerReset)}, 90 * time.Second, 2.59},
	} {
		synctest.Test(t, func(t *testing.T) {
			p := retry.Policy{Budget: new(retry.Budget), Backoff: retry.Constant(0)}
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			if row.within > 0 {
				p.Backoff = retry.Constant(time.Minute)
				time.AfterFunc(row.within, cancel)
			}
			happens(t, p.Budget, "1x503")
			resp, _ := retry.New(play(row.replies...), p).RoundTrip(place(row.method, "").under(ctx).Request)
			drop(resp)
			assert.InDelta(t, row.want, p.Budget.Balance(apiURL), 1e-9, row.name)
		})
	}
}

func TestDecideSettlesAtTheTimeThatItIsGiven(t *testing.T) {
	p := retry.Policy{Budget: new(retry.Budget)}
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

func TestATransportHasABudgetOfItsOwnThatPaysForAllAttemptsOfARequest(t *testing.T) {
	for _, row := range []struct{ attempts, code, first, second int }{
		{2, 0, 2, 2}, {4, 0, 4, 1}, {5, 503, 5, 3}, {10, 429, 10, 10}, {101, 0, 101, 1}, {200, 0, 101, 1},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := play(fail(errPeerReset))
			if row.code != 0 {
				s = play(bodiless(row.code))
			}
			rt := retry.New(s, retry.Policy{Backoff: retry.Constant(0), MaxAttempts: row.attempts})
			for _, want := range []int{row.first, row.second} {
				before := s.attempts()
				_, _ = rt.RoundTrip(place("GET", "").Request)
				assert.Equal(t, want, s.attempts()-before, "%v", row)
			}
		})
	}
}

// The Transport's own Budget has room for the attempts of a WithPolicy, and gives back in the same measure.
func TestWhatIsGivenBackToABudgetOfItsOwnIsNoMoreThanWasTaken(t *testing.T) {
	for name, getBody := range map[string]error{"a success": nil, "a retry that is not made": errFileGone} {
		synctest.Test(t, func(t *testing.T) {
			ctx := retry.WithPolicy(t.Context(), retry.Policy{MaxAttempts: 8})
			s := play(append(slices.Repeat([]reply{bodiless(503)}, 9), bodiless(200), bodiless(503))...)
			if getBody != nil {
				s = play(bodiless(503))
			}
			rt := retry.New(s, noWait)
			mustEnd(t, rt, place("GET", "").under(ctx))
			o := place("PUT", "payload").under(ctx)
			if getBody != nil {
				o.GetBody = func() (io.ReadCloser, error) { return nil, getBody }
			}
			_, _ = rt.RoundTrip(o.Request)
			before := s.attempts()
			mustEnd(t, rt, place("GET", "").under(ctx))
			assert.Equal(t, 1+3, s.attempts()-before, "of 10.5 seven were taken: %s", name)
		})
	}
}

func TestUnlimitedNeverRunsDryAndKeepsNoRecord(t *testing.T) {
	p := retry.Policy{Backoff: retry.Constant(0), Budget: retry.Unlimited}
	s := play(bodiless(503), bodiless(503), bodiless(503), bodiless(503), bodiless(503), bodiless(200))
	mustEnd(t, retry.New(s, p), place("GET", ""))
	mustEnd(t, retry.New(s, p), place("GET", ""))
	assert.Equal(t, 6, s.attempts())
	a := attempted(1, 503)
	p.Abandon(a, p.Decide(a, time.Now()), time.Now())
	assert.Zero(t, retry.Unlimited.Buckets())
	p.Budget = &retry.Budget{Floor: math.MaxFloat64}
	p.Decide(a, time.Now())
	assert.Equal(t, 1, p.Budget.Buckets(), "less than that is a number as any")
}

func TestABudgetIsNeverOverdrawn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // where no time passes that could refill it
		const requests = 800
		s := play(bodiless(503))
		rt := retry.New(s, retry.Policy{Backoff: retry.Constant(0), Budget: &retry.Budget{Floor: 100}})
		var all sync.WaitGroup
		for range requests {
			all.Go(func() { mustEnd(t, rt, place("GET", "")) })
		}
		all.Wait()
		assert.Equal(t, requests+100, s.attempts())
	})
}

// A bucket is forgotten when a new one would be the same.
func TestABudgetForgetsABucketThatIsAsGoodAsNew(t *testing.T) {
	for _, row := range []struct {
		name           string
		floor          float64
		spent, touches int
		kept           float64 // seconds
	}{
		{"after a success, a Window", 5, 0, 1, 15},
		{"after a retry, when it is paid", 5, 1, 0, 999},
		{"when its rate has faded", 5, 0, 150, 15 + 150*math.Log(150/5)},
		{"to a Floor below 1", 0.5, 0, 1, 15 + 150*math.Log(1/0.5)},
	} {
		b, now := &retry.Budget{Floor: row.floor}, later
		for range row.spent {
			b.Spend("one", now)
		}
		for range row.touches {
			b.Touch("one", now)
		}
		now = now.Add(time.Duration(row.kept * float64(time.Second)))
		b.Touch("other", now)
		assert.Equal(t, 2, b.Buckets(), row.name)
		b.Touch("other", now.Add(2*time.Second))
		assert.Equal(t, 1, b.Buckets(), row.name)
	}
}

func TestABudgetUsesNoBucketThatItHasForgotten(t *testing.T) {
	b, now := new(retry.Budget), later
	settle := b.Late("one", now)
	assert.Equal(t, "one", b.Last())
	b.Touch("other", now.Add(time.Second))
	assert.Equal(t, "other", b.Last(), "the one that was settled last is looked at first")
	b.Touch("one", now.Add(2*time.Second))
	b.Touch("other", now.Add(18*time.Second))
	assert.Equal(t, 1, b.Buckets())
	settle(now.Add(18 * time.Second))
	assert.Equal(t, "other", b.Last())
	b.Spend("third", now.Add(34*time.Second))
	assert.Equal(t, "third", b.Last(), "not that which has just been forgotten")
	b.Spend("one", now.Add(34*time.Second))
	assert.InDelta(t, 4, b.Balance(at("http://one")), 1e-9)
	b.Spend("fourth", now.Add(2000*time.Second))
	assert.Equal(t, 1, b.Buckets(), "a new one lets go of the old ones, too")
}

// Four buckets are looked at each time, and a map that has less than a quarter of what it once had is made anew.
func TestABudgetGivesBackItsMemory(t *testing.T) {
	for most, highest := range map[int][]int{16: {16, 16, 16, 0}, 20: {20, 20, 20, 4, 0}} {
		b := new(retry.Budget)
		for i := range most {
			b.Spend(fmt.Sprint("host", i), later)
		}
		for i, want := range highest {
			b.Sweep(later.Add(1001 * time.Second))
			assert.Equal(t, most-4*i-4, b.Buckets())
			assert.Equal(t, want, b.Highest(), "%d of %d", b.Buckets(), most)
		}
	}
	b := new(retry.Budget)
	for i := range retry.MaxBuckets + 1 {
		require.True(t, b.Spend(fmt.Sprint("host", i), later))
	}
	assert.Equal(t, retry.MaxBuckets, b.Buckets(), "one has made room")
}

// Beyond the bound, of eight buckets that one makes room which a new one is the least different from.
func TestABudgetEvictsTheBucketThatLosesTheLeast(t *testing.T) {
	type host struct {
		spent  float64
		earned int // the capacity
	}
	for floor, order := range map[float64][]host{
		5:   {{0, 5}, {0.2, 0}, {0, 6}, {1.5, 0}, {3, 0}, {4, 0}, {0, 10}, {2, 11}},
		0.5: {{0.1, 0}, {0.2, 0}, {0.3, 0}, {0.4, 0}, {0.45, 0}},
	} {
		for range 20 { // in the order of a map
			b := &retry.Budget{Floor: floor}
			for i, h := range order {
				for range h.earned {
					b.Touch(fmt.Sprint(i), later)
				}
				require.True(t, b.SpendOn(at("http://"+fmt.Sprint(i)), h.spent, later))
			}
			for i := range order {
				b.Evict(later)
				assert.False(t, b.Known(fmt.Sprint(i)), "%v", order[i])
			}
		}
	}
}
