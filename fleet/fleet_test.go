package fleet_test

import (
	"context"
	"errors"
	"math"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-e3550de8/retry"
	"github.com/seed-e3550de8/retry/fleet"
)

// patient leaves a store on a busy machine time enough to answer.
var patient = fleet.Options{Timeout: time.Second, Share: 1}

// join returns a process's own part in a fleet.
func join(t testing.TB, s *store, o fleet.Options) *fleet.Fleet {
	f, err := fleet.New(s.client(t), o)
	require.NoError(t, err)
	return f
}

func policy(f *fleet.Fleet) retry.Policy {
	return retry.Policy{Budget: f.Budget, Gate: f.Gate, Backoff: retry.Constant(0)}
}

// attempt is one that a server answered.
func attempt(url string, status int, retryAfter string) retry.Attempt {
	req, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		panic(err)
	}
	resp := &http.Response{StatusCode: status, Header: http.Header{}, Request: req}
	if retryAfter != "" {
		resp.Header.Set("Retry-After", retryAfter)
	}
	return retry.Attempt{Number: 1, Request: req, Response: resp}
}

const api = "http://api.example/v1?key=secret"

func TestProcessesThatHaveJustBeenBornShareOneBudget(t *testing.T) {
	everyStore(t, func(t *testing.T, s *store) {
		retries := 0
		for range 20 {
			d := policy(join(t, s, patient)).Decide(attempt(api, 503, ""), time.Now())
			require.NoError(t, d.StoreError)
			if d.Retry {
				retries++
			} else {
				assert.Equal(t, retry.ErrBudget, d.Reason)
			}
		}
		assert.Equal(t, 5, retries, "the Floor")
	})
}

func TestManyAtOnceDoNotOverdrawTheBudget(t *testing.T) {
	everyStore(t, func(t *testing.T, s *store) {
		var retries atomic.Int32
		var all sync.WaitGroup
		for range 8 {
			p := policy(join(t, s, patient))
			all.Go(func() {
				for range 4 {
					d := p.Decide(attempt(api, 503, ""), time.Now())
					if d.Retry && d.StoreError == nil {
						retries.Add(1)
					}
				}
			})
		}
		all.Wait()
		assert.LessOrEqual(t, retries.Load(), int32(5))
	})
}

func TestASuccessPaysForTheRetriesOfOthers(t *testing.T) {
	everyStore(t, func(t *testing.T, s *store) {
		spent := policy(join(t, s, patient))
		for spent.Decide(attempt(api, 503, ""), time.Now()).Retry {
		}
		for range 11 {
			policy(join(t, s, patient)).Decide(attempt(api, 200, ""), time.Now())
		}
		assert.True(t, policy(join(t, s, patient)).Decide(attempt(api, 503, ""), time.Now()).Retry)
		assert.False(t, policy(join(t, s, patient)).Decide(attempt(api, 503, ""), time.Now()).Retry)
	})
}

func TestARequestThatSucceedsInTheEndGivesBackWhatItTook(t *testing.T) {
	everyStore(t, func(t *testing.T, s *store) {
		told := patient
		told.Share = 1e-6 // of the successes: next to none
		p := policy(join(t, s, told))
		for range 20 {
			d := p.Decide(attempt(api, 503, ""), time.Now())
			require.True(t, d.Retry)
			served := attempt(api, 200, "")
			served.Number, served.Spent = 2, d.Price
			p.Decide(served, time.Now())
		}
	})
}

func TestARetryThatIsNotMadeIsGivenBackByTheNextQuestion(t *testing.T) {
	everyStore(t, func(t *testing.T, s *store) {
		p := policy(join(t, s, patient))
		for range 20 {
			a := attempt(api, 503, "")
			d := p.Decide(a, time.Now())
			require.True(t, d.Retry)
			p.Abandon(a, d, time.Now())
		}
	})
}

func TestARetryAfterHoldsTheRetriesOfOthers(t *testing.T) {
	everyStore(t, func(t *testing.T, s *store) {
		first, second := policy(join(t, s, patient)), policy(join(t, s, patient))
		require.True(t, first.Decide(attempt(api, 503, "30"), time.Now()).Retry)
		d := second.Decide(attempt(api, 503, ""), time.Now())
		require.True(t, d.Retry)
		assert.Greater(t, d.Delay, 25*time.Second)
		assert.LessOrEqual(t, d.Delay, 60*time.Second)
		now := time.Now()
		assert.NotZero(t, second.Admit(attempt(api, 0, "").Request, now, now).Delay, "first attempts too, from then on")
	})
}

func TestAGateIsSharedWithoutABudget(t *testing.T) {
	everyStore(t, func(t *testing.T, s *store) {
		first, second := policy(join(t, s, patient)), policy(join(t, s, patient))
		first.Budget, second.Budget = nil, nil
		require.True(t, first.Decide(attempt(api, 503, "30"), time.Now()).Retry)
		assert.Greater(t, second.Decide(attempt(api, 503, ""), time.Now()).Delay, 25*time.Second)
	})
}

func TestAKeyHasTheHostAndThePortAndAnEnd(t *testing.T) {
	everyStore(t, func(t *testing.T, s *store) {
		o := patient
		o.Prefix = "prod/retry:"
		p := policy(join(t, s, o))
		urls := []string{
			"https://user:password@API.example/v1?key=secret", "http://api.example/", "http://[::1]/",
			"https://[::1]:8443/",
		}
		for _, u := range urls {
			p.Decide(attempt(u, 503, "3"), time.Now())
		}
		c := s.client(t)
		keys, err := c.Keys(t.Context(), "*").Result()
		require.NoError(t, err)
		assert.ElementsMatch(t, []string{
			"prod/retry:api.example:443", "prod/retry:api.example:80", "prod/retry:[::1]:80", "prod/retry:[::1]:8443",
		}, keys)
		for _, k := range keys {
			ttl, err := c.TTL(t.Context(), k).Result()
			require.NoError(t, err)
			assert.Positive(t, ttl)
			assert.LessOrEqual(t, ttl, 70*time.Minute)
		}
	})
}

func TestOptionsThatMakeNoSenseAreAnError(t *testing.T) {
	s := embedded(t)
	for want, o := range map[string]fleet.Options{
		"Prefix":  {Prefix: "my fleet"},
		"Window":  {Window: -1},
		"Floor":   {Floor: math.Inf(1)},
		"Ratio":   {Ratio: math.NaN()},
		"Timeout": {Timeout: time.Hour},
		"Share":   {Share: -0.1},
	} {
		_, err := fleet.New(s.client(t), o)
		assert.ErrorContains(t, err, want)
	}
	for _, o := range []fleet.Options{
		{Prefix: "a\n"}, {Prefix: "\xff"}, {Prefix: string(make([]byte, 101))}, {Window: math.MaxInt64}, {Floor: -1},
		{Floor: math.NaN()}, {Ratio: 2}, {Timeout: -1}, {Share: 1.1}, {Share: math.NaN()},
	} {
		_, err := fleet.New(s.client(t), o)
		assert.Error(t, err, "%+v", o)
	}
	_, err := fleet.New(s.client(t), fleet.Options{})
	assert.NoError(t, err)
}

func TestAProgramThatAttendsNeverWaitsForTheStoreInASuccess(t *testing.T) {
	s := embedded(t)
	f := join(t, s, patient)
	ctx, cancel := context.WithCancelCause(t.Context())
	var attends sync.WaitGroup
	attends.Go(func() { f.Run(ctx) })
	time.Sleep(50 * time.Millisecond) // until it does
	s.stop()
	start := time.Now()
	for range 100 {
		policy(f).Decide(attempt(api, 200, ""), time.Now())
	}
	assert.Less(t, time.Since(start), time.Second)
	cancel(errors.New("the end"))
	attends.Wait()
}
