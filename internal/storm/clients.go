package storm

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

// packaged is a fleet of clients that are package retry: one policy, and a Budget and a Gate for each client.
type packaged struct {
	policy    retry.Policy
	budgets   []retry.Budget // none if the policy has one for all
	apart     []retry.Budget // of requests to the broken endpoint, if those have their own
	gates     []retry.Gate
	deadline  time.Duration
	request   *http.Request
	context   *deadlineContext
	responses map[outcome]*http.Response
}

// epoch is the virtual time zero. It lies in the future, where a reading of the real clock would show.
var epoch = time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)

// deadlineContext is the context of whatever request is being asked about.
type deadlineContext struct {
	context.Context
	deadline time.Time
}

func (c *deadlineContext) Deadline() (time.Time, bool) { return c.deadline, true }

// options are what a fleet of package retry has beside its policy.
type options struct {
	window time.Duration // of the budgets; zero is the default
	floor  float64       // likewise
	ratio  float64       // likewise
	gate   bool
	apart  bool // requests to the broken endpoint have a budget of their own
}

func newPackaged(n int, s Scenario, p retry.Policy, o options, seed uint64) *packaged {
	random := rand.New(rand.NewPCG(seed, 3))
	backoff := s.backoff
	p.Backoff = retry.BackoffFunc(func(n int) time.Duration { return backoff.At(n, random.Float64()) })
	ctx := &deadlineContext{Context: context.Background()}
	u := &url.URL{Scheme: "http", Host: "storm.example", Path: "/"}
	c := &packaged{
		policy:    p,
		deadline:  s.deadline,
		request:   (&http.Request{Method: http.MethodGet, Header: http.Header{}, URL: u}).WithContext(ctx),
		context:   ctx,
		responses: make(map[outcome]*http.Response),
	}
	if p.Budget == nil {
		c.budgets = newBudgets(n, p.MaxAttempts, o)
		if o.apart {
			c.apart = newBudgets(n, p.MaxAttempts, o)
		}
	}
	if o.gate {
		c.gates = make([]retry.Gate, n)
		for i := range c.gates {
			c.gates[i].Rand = random.Float64
		}
	}
	return c
}

// newBudgets are those that Transports of their own would have, or larger ones.
func newBudgets(n, attempts int, o options) []retry.Budget {
	floor := o.floor
	if floor == 0 {
		floor = max(5, 1.5*float64(attempts-1))
	}
	b := make([]retry.Budget, n)
	for i := range b {
		b[i].Window, b[i].Floor, b[i].Ratio = o.window, floor, o.ratio
	}
	return b
}

// at is the policy of r's client, with the deadline of r in the context.
func (c *packaged) at(r request) retry.Policy {
	p := c.policy
	switch {
	case c.apart != nil && r.broken:
		p.Budget = &c.apart[r.client]
	case c.budgets != nil:
		p.Budget = &c.budgets[r.client]
	}
	if c.gates != nil {
		p.Gate = &c.gates[r.client]
	}
	c.context.deadline = epoch.Add(r.start + c.deadline)
	return p
}

func (c *packaged) hold(r request, now time.Duration) (time.Duration, bool) {
	if c.gates == nil {
		return now, true
	}
	p, at := c.at(r), epoch.Add(now)
	d := p.Admit(c.request, epoch.Add(r.since), at)
	if d.Reason != nil {
		p.Abandon(retry.Attempt{Request: c.request}, retry.Decision{Price: r.price}, at)
		return now, false
	}
	return now + d.Delay, true
}

func (c *packaged) outcome(r *request, o outcome, now time.Duration) (time.Duration, bool) {
	a := retry.Attempt{Number: int(r.attempt), Request: c.request, Spent: r.spent}
	if o.answer == timedOut {
		a.Err = os.ErrDeadlineExceeded
	} else {
		a.Response = c.response(o)
	}
	d := c.at(*r).Decide(a, epoch.Add(now))
	r.price = d.Price
	r.spent += d.Price
	return d.Delay, d.Retry
}

var statuses = [answers]int{
	served: http.StatusOK, refused: http.StatusServiceUnavailable, throttled: http.StatusTooManyRequests,
}

// response is the one that has o's status and Retry-After.
func (c *packaged) response(o outcome) *http.Response {
	resp := c.responses[o]
	if resp == nil {
		resp = &http.Response{StatusCode: statuses[o.answer], Header: http.Header{}, Request: c.request}
		if o.wish > 0 {
			resp.Header.Set("Retry-After", strconv.Itoa(int(o.wish/time.Second)))
		}
		c.responses[o] = resp
	}
	return resp
}
