package fleet_test

import (
	"context"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-e3550de8/retry"
	"github.com/seed-e3550de8/retry/fleet/internal/bucket"
	"github.com/seed-e3550de8/retry/fleet/internal/ledger"
)

// A step is one thing that happens to a bucket, and what a retry.Budget made of it.
type step struct {
	at       time.Time
	withdraw float64
	success  bool
	refund   float64 // of a success
	granted  bool
	balance  float64
}

// The script is retry.Budget's rules in another language: it must be told apart by nothing.
func TestTheScriptDoesWhatABudgetDoes(t *testing.T) {
	refused := 0
	for seed := range uint64(20) {
		var steps []step
		synctest.Test(t, func(t *testing.T) { steps = walk(rand.New(rand.NewPCG(seed, 0))) })
		m := miniredis.RunT(t)
		c := redis.NewClient(&redis.Options{Addr: m.Addr()})
		for i, want := range steps {
			m.SetTime(want.at)
			granted, balance := replay(t, c, want)
			require.Equal(t, want.granted, granted, "seed %d, step %d: %+v", seed, i, want)
			require.InDelta(t, want.balance, balance, 1e-5*max(1, want.balance), "seed %d, step %d: %+v", seed, i, want)
			if !granted {
				refused++
			}
		}
		require.NoError(t, c.Close())
	}
	assert.NotZero(t, refused)
}

// walk does what chance says to a Budget whose bucket has at least 5.
func walk(random *rand.Rand) (steps []step) {
	b := &retry.Budget{}
	p := retry.Policy{Budget: b, Backoff: retry.Constant(0)}
	var spent float64
	for range 300 {
		// Of a microsecond, as the server's clock is.
		time.Sleep(time.Duration(random.ExpFloat64()*float64(1+random.IntN(3000000))) * time.Microsecond)
		s := step{at: time.Now(), granted: true}
		a := attempt("http://a.example/", 200, "")
		switch random.IntN(4) {
		case 0:
			s.success, s.refund, a.Spent, spent = true, spent, spent, 0
			p.Decide(a, s.at)
		case 1:
			s.success = true
			p.Decide(a, s.at)
		default:
			a = attempt("http://a.example/", []int{503, 429}[random.IntN(2)], "")
			s.withdraw = map[int]float64{503: 1, 429: 0.2}[a.Response.StatusCode]
			d := p.Decide(a, s.at)
			s.granted = d.Retry
			spent += d.Price
		}
		s.balance = b.Balance(a.Request.URL)
		steps = append(steps, s)
	}
	return steps
}

func replay(t *testing.T, c *redis.Client, s step) (granted bool, balance float64) {
	rules := bucket.Rules{Window: 15 * time.Second, Floor: 5, Ratio: 0.1}
	q := ledger.Question{Withdraw: s.withdraw, Refund: s.refund}
	if s.success {
		q.Successes = 1
	}
	values, err := c.Eval(context.Background(), bucket.Script, []string{"key"}, rules.Args(q)...).Slice()
	require.NoError(t, err)
	a, err := bucket.Answer(values)
	require.NoError(t, err)
	return a.Granted, a.Balance
}

func TestAServerWithAnEarlierClockGoesOnFromItsOwn(t *testing.T) {
	m := miniredis.RunT(t)
	c := redis.NewClient(&redis.Options{Addr: m.Addr()})
	defer c.Close()
	rules := bucket.Rules{Window: 15 * time.Second, Floor: 5, Ratio: 0.1}
	ask := func(at time.Time, q ledger.Question) ledger.Answer {
		m.SetTime(at)
		values, err := c.Eval(t.Context(), bucket.Script, []string{"key"}, rules.Args(q)...).Slice()
		require.NoError(t, err)
		a, err := bucket.Answer(values)
		require.NoError(t, err)
		return a
	}
	now := time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)
	ask(now, ledger.Question{Successes: 150, Hold: 5 * time.Second})
	ask(now, ledger.Question{Withdraw: 150})
	earlier := now.Add(-time.Hour)
	a := ask(earlier, ledger.Question{})
	assert.LessOrEqual(t, a.Rest, 5*time.Second, "the hold")
	assert.GreaterOrEqual(t, a.Balance, 0., "time takes nothing")
	assert.InDelta(t, 0.1, ask(earlier.Add(100*time.Second), ledger.Question{}).Balance, 0.05, "and deposits again")
	assert.InDelta(t, 5, ask(earlier.Add(50*time.Minute), ledger.Question{}).Capacity, 0.01, "the rate fades")
}
