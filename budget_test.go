package retry_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-e3550de8/retry"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const budgetAuthority = "http://api.example.com"

var budgetURL = at(budgetAuthority)

// at returns the URL that text is.
func at(text string) *url.URL {
	u, err := url.Parse(text)
	if err != nil {
		panic(err)
	}
	return u
}

// outcomes is a base that has these outcomes in turn, the last one for ever: a status, or 0 for errPeerReset.
func outcomes(statuses ...int) http.RoundTripper {
	var n atomic.Int64
	return roundTripperFunc(func(req *http.Request) (*http.Response, error) {
		status := statuses[min(int(n.Add(1)), len(statuses))-1]
		if status == 0 {
			return nil, errPeerReset
		}
		return &http.Response{StatusCode: status, Header: http.Header{}, Body: http.NoBody, Request: req}, nil
	})
}

func budgetRequest(t testing.TB, method string) *http.Request {
	req, err := http.NewRequestWithContext(t.Context(), method, budgetAuthority+"/orders", nil)
	require.NoError(t, err)
	return req
}

func TestBudgetAccountsForEachOutcome(t *testing.T) {
	for _, tt := range []struct {
		name     string
		method   string
		statuses []int
		want     float64 // of 5, the Floor, after a retry was spent: 4
	}{
		{"a success at the first attempt deposits a tenth", "GET", []int{200}, 4.1},
		{"404 comes from a server that is up", "GET", []int{404}, 4.1},
		{"so does one at a later attempt, which gives back what its retries took", "GET", []int{503, 200}, 4.1},
		{"those that failed too", "GET", []int{503, 503, 429, 200}, 4.1},
		{"an error counts as a status does", "GET", []int{0, 200}, 4.1},
		{"three retries that fail take three", "GET", []int{503}, 1},
		{"each takes one and a half after an attempt without an answer", "GET", []int{0, 0, 503}, 0},
		{"and a fifth after a 429", "GET", []int{429}, 3.4},
		{"a failure that is not retried costs and brings nothing", "POST", []int{503}, 4},
		{"nor does an error that is not retried", "POST", []int{0}, 4},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				budget := new(retry.Budget)
				policy := retry.Policy{Budget: budget, Backoff: retry.Constant(0)}
				spend(t, budget, 1)

				resp, err := retry.New(outcomes(tt.statuses...), policy).RoundTrip(budgetRequest(t, tt.method))
				if err == nil {
					resp.Body.Close()
				}

				assert.InDelta(t, tt.want, budget.Balance(budgetURL), 1e-9)
			})
		})
	}
}

// spend makes n retries that fail.
func spend(t testing.TB, budget *retry.Budget, n int) {
	policy := retry.Policy{Budget: budget, Backoff: retry.Constant(0), MaxAttempts: n + 1}
	resp, err := retry.New(outcomes(503), policy).RoundTrip(budgetRequest(t, "GET"))
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
}

func TestBudgetThatIsSpentEndsTheCallWithWhatIsInHand(t *testing.T) {
	for _, status := range []int{503, 0} {
		t.Run(fmt.Sprint("status ", status), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				budget := new(retry.Budget)
				spend(t, budget, 5)
				var told []retry.Decision
				start := time.Now()

				resp, err := retry.New(outcomes(status), retry.Policy{
					Budget:    budget,
					OnAttempt: func(_ retry.Attempt, d retry.Decision) { told = append(told, d) },
				}).RoundTrip(budgetRequest(t, "GET"))

				if status == 0 {
					require.Equal(t, errPeerReset, err, "after one attempt it is the base's own value")
				} else {
					require.NoError(t, err)
					assert.Equal(t, status, resp.StatusCode)
				}
				assert.Zero(t, time.Since(start), "there is no wait for a retry that is not made")
				require.Len(t, told, 1)
				assert.False(t, told[0].Retry)
				assert.Equal(t, retry.ErrBudget, told[0].Reason)
			})
		})
	}
}

func TestBudgetReasonReachesTheErrorOfLaterAttempts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		budget := new(retry.Budget)
		spend(t, budget, 3)

		_, err := retry.New(outcomes(0), retry.Policy{Budget: budget}).RoundTrip(budgetRequest(t, "GET"))

		require.ErrorIs(t, err, retry.ErrBudget)
		require.ErrorIs(t, err, errPeerReset)
	})
}

func TestBudgetGrowsWithTheRateOfSuccesses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		budget := new(retry.Budget)
		client := retry.New(outcomes(200), retry.Policy{Budget: budget})
		for range 120 * 20 {
			_, err := client.RoundTrip(budgetRequest(t, "GET"))
			require.NoError(t, err)
			time.Sleep(time.Second / 20)
		}
		assert.InDelta(t, 15*20, budget.Balance(budgetURL), 2, "15 s at 20 a second")

		time.Sleep(10 * time.Second)
		assert.Greater(t, budget.Balance(budgetURL), 270.0, "an outage is measured by what went before")

		time.Sleep(time.Hour)
		assert.InDelta(t, 5, budget.Balance(budgetURL), 1e-9, "what was long ago counts no more")
	})
}

func TestBudgetRefillsWithTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		budget := new(retry.Budget)
		spend(t, budget, 5)
		require.InDelta(t, 0, budget.Balance(budgetURL), 1e-9)

		time.Sleep(1000 * time.Second)
		assert.InDelta(t, 1, budget.Balance(budgetURL), 1e-9)
		spend(t, budget, 1)

		time.Sleep(24 * time.Hour)
		assert.InDelta(t, 5, budget.Balance(budgetURL), 1e-9, "never more than the capacity")
	})
}

func TestBudgetIsOnePerAuthority(t *testing.T) {
	budget := new(retry.Budget)
	spend(t, budget, 5)
	assert.Less(t, budget.Balance(budgetURL), 1.0)
	assert.Less(t, budget.Balance(at(budgetAuthority+"/orders?page=2")), 1.0)
	for _, other := range []string{"https://api.example.com", "http://api.example.com:8080", "http://www.example.com", "", "nonsense"} {
		assert.Equal(t, 5.0, budget.Balance(at(other)), other)
	}
}

func TestBudgetMayBeSharedByTransports(t *testing.T) {
	budget := new(retry.Budget)
	spend(t, budget, 3)
	spend(t, budget, 2) // through another Transport
	assert.InDelta(t, 0, budget.Balance(budgetURL), 0.001)
}

func TestTransportHasABudgetOfItsOwn(t *testing.T) {
	base := play(answer(503))
	client := retry.New(base, retry.Policy{Backoff: retry.Constant(0)})
	for range 100 {
		mustEnd(t, client, place("GET", ""))
	}
	assert.Equal(t, 100+5, base.attempts())
}

func TestTheFloorOfATransportPaysForAllAttemptsOfARequest(t *testing.T) {
	for _, attempts := range []int{2, 4, 5, 10, 100} {
		for _, status := range []int{0, 429, 503} {
			synctest.Test(t, func(t *testing.T) {
				n := 0
				_, err := retry.New(outcomes(status), retry.Policy{
					MaxAttempts: attempts, Backoff: retry.Constant(0), OnAttempt: func(retry.Attempt, retry.Decision) { n++ },
				}).RoundTrip(budgetRequest(t, "GET"))
				assert.Equal(t, status == 0, err != nil)
				assert.Equal(t, attempts, n, "%d", status)
			})
		}
	}
}

func TestAFullBudgetPaysForAnyRetry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		budget := &retry.Budget{Floor: 1}
		_, err := retry.New(outcomes(0, 200), retry.Policy{Budget: budget}).RoundTrip(budgetRequest(t, "GET"))
		require.NoError(t, err)
		assert.Equal(t, 1.0, budget.Balance(budgetURL), "never more than the capacity")
	})
}

func TestUnlimitedNeverRunsDry(t *testing.T) {
	base := play(answer(503))
	client := retry.New(base, retry.Policy{Backoff: retry.Constant(0), Budget: retry.Unlimited})
	for range 1000 {
		mustEnd(t, client, place("GET", ""))
	}
	assert.Equal(t, 4000, base.attempts())
	assert.Zero(t, retry.Unlimited.Buckets())
}

func TestBudgetFieldsMeanWhatTheirCommentsSay(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	for _, tt := range []struct {
		budget  *retry.Budget
		full    float64 // at the start
		deposit float64 // by a success, after all was spent
	}{
		{&retry.Budget{}, 5, 0.1},
		{&retry.Budget{Window: -1, Floor: -1, Ratio: -1}, 5, 0.1},
		{&retry.Budget{Floor: nan, Ratio: nan}, 5, 0.1},
		{&retry.Budget{Floor: math.Inf(-1), Ratio: math.Inf(-1)}, 5, 0.1},
		{&retry.Budget{Floor: 2}, 2, 0.1},
		{&retry.Budget{Ratio: 0.5}, 5, 0.5},
		{&retry.Budget{Ratio: 7}, 5, 1},
		{&retry.Budget{Ratio: inf}, 5, 1},
		{&retry.Budget{Window: 1}, 5, 0.1},
		{&retry.Budget{Window: math.MaxInt64}, 5, 0.1},
	} {
		t.Run(fmt.Sprintf("%v %v %v", tt.budget.Window, tt.budget.Floor, tt.budget.Ratio), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				require.Equal(t, tt.full, tt.budget.Balance(budgetURL))
				spend(t, tt.budget, 100)
				require.InDelta(t, 0, tt.budget.Balance(budgetURL), 1e-9)
				_, err := retry.New(outcomes(200), retry.Policy{Budget: tt.budget}).RoundTrip(budgetRequest(t, "GET"))
				require.NoError(t, err)
				assert.InDelta(t, tt.deposit, tt.budget.Balance(budgetURL), 1e-6)
			})
		})
	}
}

func TestBudgetOfInfiniteFloorNeverRunsDry(t *testing.T) {
	budget := &retry.Budget{Floor: math.Inf(1)}
	spend(t, budget, 10_000)
	assert.Equal(t, math.Inf(1), budget.Balance(budgetURL))
}

func TestBudgetBelowOneAllowsNoRetry(t *testing.T) {
	base := play(answer(503))
	mustEnd(t, retry.New(base, retry.Policy{Budget: &retry.Budget{Floor: 0.9}}), place("GET", ""))
	assert.Equal(t, 1, base.attempts())
}

func TestBudgetIsNeverOverdrawn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // where no time passes that could refill it
		base := play(answer(503))
		client := retry.New(base, retry.Policy{Backoff: retry.Constant(0), Budget: &retry.Budget{Floor: 100}})
		const clients, requests = 16, 50
		var wg sync.WaitGroup
		for range clients {
			wg.Go(func() {
				for range requests {
					mustEnd(t, client, place("GET", ""))
				}
			})
		}
		wg.Wait()
		assert.Equal(t, clients*requests+100, base.attempts())
	})
}

func TestBudgetLearnsTheRateOfEachAuthorityInTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		budget := new(retry.Budget)
		client := retry.New(outcomes(200), retry.Policy{Budget: budget})
		hosts := []string{"a.example.com", "b.example.com", "c.example.com", "d.example.com"}
		for range 60 * 20 {
			for _, host := range hosts {
				req := budgetRequest(t, "GET")
				req.URL.Host = host
				_, err := client.RoundTrip(req)
				require.NoError(t, err)
			}
			time.Sleep(time.Second / 20)
		}
		for _, host := range hosts {
			assert.InDelta(t, 15*20, budget.Balance(at("http://"+host)), 10, host)
		}
	})
}

func TestBudgetGivesBackARetryThatWasNotSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		budget := new(retry.Budget)
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		time.AfterFunc(time.Millisecond, cancel)
		client := retry.New(outcomes(503), retry.Policy{Budget: budget, Backoff: retry.Constant(time.Minute)})
		_, err := client.RoundTrip(budgetRequest(t, "GET").WithContext(ctx))
		require.ErrorIs(t, err, context.Canceled)
		assert.Equal(t, 5.0, budget.Balance(budgetURL))
	})
}

func TestBudgetGivesBackNoMoreThanTheRetryThatWasNotSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		budget := new(retry.Budget)
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		time.AfterFunc(90*time.Second, cancel)
		client := retry.New(outcomes(503), retry.Policy{Budget: budget, Backoff: retry.Constant(time.Minute)})
		_, err := client.RoundTrip(budgetRequest(t, "GET").WithContext(ctx))
		require.ErrorIs(t, err, context.Canceled)
		assert.InDelta(t, 4.09, budget.Balance(budgetURL), 1e-9, "the first retry was sent, and 90 seconds deposit")
	})
}

func TestARetryAfterAnAttemptThatReachedNobodyTakesOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		budget := new(retry.Budget)
		base := roundTripperFunc(func(*http.Request) (*http.Response, error) {
			return nil, &net.OpError{Op: "dial", Err: errors.New("connection refused")}
		})
		_, err := retry.New(base, retry.Policy{Budget: budget, Backoff: retry.Constant(0)}).RoundTrip(budgetRequest(t, "GET"))
		require.Error(t, err)
		assert.InDelta(t, 2, budget.Balance(budgetURL), 1e-9)
	})
}

func TestTenWorkersGetThroughARateLimit(t *testing.T) {
	for _, gate := range []*retry.Gate{nil, {}} {
		synctest.Test(t, func(t *testing.T) {
			limit := rateLimit{requests: 10, window: 5 * time.Second}
			client := retry.New(&limit, retry.Policy{
				MaxAttempts: 10, Gate: gate,
				OnAttempt: func(_ retry.Attempt, d retry.Decision) { assert.NotEqual(t, retry.ErrBudget, d.Reason) },
			})
			var wg sync.WaitGroup
			for range 10 {
				wg.Go(func() {
					for range 10 {
						_, err := client.RoundTrip(budgetRequest(t, "GET"))
						assert.NoError(t, err)
					}
				})
			}
			wg.Wait()
		})
	}
}

// rateLimit is a server that serves so many requests in each window, and says to the others when the next one begins.
type rateLimit struct {
	requests int
	window   time.Duration
	mu       sync.Mutex
	start    time.Time
	served   int
}

func (l *rateLimit) RoundTrip(req *http.Request) (*http.Response, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if time.Since(l.start) >= l.window {
		l.start, l.served = time.Now(), 0
	}
	resp := &http.Response{StatusCode: 200, Header: http.Header{}, Body: http.NoBody, Request: req}
	if l.served++; l.served > l.requests {
		resp.StatusCode = 429
		wait := l.window - time.Since(l.start)
		resp.Header.Set("Retry-After", strconv.Itoa(int(math.Ceil(wait.Seconds()))))
	}
	return resp, nil
}

func TestBudgetIsQuietAboutItsAuthority(t *testing.T) {
	_, err := retry.New(outcomes(0), retry.Policy{Budget: &retry.Budget{Floor: 1}, Backoff: retry.Constant(0)}).RoundTrip(budgetRequest(t, "GET"))
	require.ErrorIs(t, err, retry.ErrBudget)
	assert.NotContains(t, err.Error(), "orders")
}

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
