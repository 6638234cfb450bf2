package retry_test

import (
	"context"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"time"

	"github.com/seed-e3550de8/retry"
)

// stormReal is a fleet of clients that are this package itself: each has a Transport's
// policy, budget and holds of its own. Only sending and waiting are the simulation's.
type stormReal struct {
	clients  *retry.StormClients
	random   *rand.Rand
	deadline time.Duration
	request  *http.Request
	context  *stormContext
	outcomes [3]retry.Attempt // by stormOutcome
	shared   bool             // the policy has ShareRetryAfter
}

// stormEpoch is the virtual time zero. It lies in the future, where a
// reading of the real clock would show.
var stormEpoch = time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)

// stormContext is the context of whatever request is being asked about.
type stormContext struct {
	context.Context
	deadline time.Time
}

func (c *stormContext) Deadline() (time.Time, bool) { return c.deadline, true }

// stormBackoff is an Exponential whose random numbers can be repeated.
type stormBackoff struct {
	retry.Exponential
	random *rand.Rand
}

func (b stormBackoff) Delay(n int) time.Duration {
	return retry.StormDelay(b.Exponential, n, b.random.Float64())
}

// stormBudgetSize is how the clients of a fleet size their budgets; zero is the default.
type stormBudgetSize struct {
	window time.Duration
	floor  float64
}

func newStormReal(n int, s stormScenario, p retry.Policy, size stormBudgetSize, seed uint64) *stormReal {
	random := rand.New(rand.NewPCG(seed, 3))
	p.Backoff = stormBackoff{s.backoff, random}
	u := &url.URL{Scheme: "http", Host: "storm.example", Path: "/"}
	ctx := &stormContext{Context: context.Background()}
	refused := &http.Response{StatusCode: http.StatusServiceUnavailable, Header: http.Header{}}
	if s.retryAfter > 0 {
		refused.Header.Set("Retry-After", strconv.Itoa(int(s.retryAfter/time.Second)))
	}
	request := (&http.Request{Method: http.MethodGet, Header: http.Header{}, URL: u}).WithContext(ctx)
	return &stormReal{
		clients:  retry.NewStormClients(n, p, u, size.window, size.floor, stormEpoch),
		random:   random,
		deadline: s.deadline,
		shared:   p.ShareRetryAfter,
		context:  ctx,
		request:  request,
		outcomes: [3]retry.Attempt{
			stormServed:   {Response: &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Request: request}},
			stormRefused:  {Response: refused},
			stormTimedOut: {Err: os.ErrDeadlineExceeded},
		},
	}
}

func (s *stormReal) hold(r stormRequest, now time.Duration) (time.Duration, bool) {
	if !s.shared {
		return now, true
	}
	s.context.deadline = stormEpoch.Add(r.start + s.deadline)
	since, at := stormEpoch.Add(r.since), stormEpoch.Add(now)
	d, ok := s.clients.Hold(r.client, int(r.attempt), s.request, since, at, s.random.Float64())
	return now + d, ok
}

func (s *stormReal) outcome(r stormRequest, o stormOutcome, now time.Duration) (time.Duration, bool) {
	s.context.deadline = stormEpoch.Add(r.start + s.deadline)
	a := s.outcomes[o]
	a.Number, a.Request = int(r.attempt), s.request
	d := s.clients.Judge(r.client, a, stormEpoch.Add(now), s.random.Float64)
	return d.Delay, d.Retry
}
