package retry_test

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-e3550de8/retry"
)

// A ledger is a Store that says what it is told to, and remembers what it was asked.
type ledger struct {
	refuses      bool
	err          error
	rest, length time.Duration

	withdrawn, refunded, deposited []float64
	holds                          []time.Duration
	authorities                    map[string]int
}

func (l *ledger) note(authority string) {
	if l.authorities == nil {
		l.authorities = map[string]int{}
	}
	l.authorities[authority]++
}

func (l *ledger) Withdraw(_ context.Context, authority string, n float64) (bool, error) {
	l.note(authority)
	l.withdrawn = append(l.withdrawn, n)
	return l.err == nil && !l.refuses, l.err
}

func (l *ledger) Refund(_ context.Context, authority string, n float64) {
	l.note(authority)
	l.refunded = append(l.refunded, n)
}

func (l *ledger) Deposit(_ context.Context, authority string, n float64) {
	l.note(authority)
	l.deposited = append(l.deposited, n)
}

func (l *ledger) Hold(_ context.Context, authority string, d time.Duration) {
	l.note(authority)
	l.holds = append(l.holds, d)
}

func (l *ledger) Held(_ context.Context, authority string) (time.Duration, time.Duration) {
	l.note(authority)
	return l.rest, l.length
}

var storeTime = time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)

// answered is an attempt that a server answered with that status, and perhaps with a Retry-After.
func answered(ctx context.Context, url string, status int, retryAfter string) retry.Attempt {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		panic(err)
	}
	resp := &http.Response{StatusCode: status, Header: http.Header{}, Request: req}
	if retryAfter != "" {
		resp.Header.Set("Retry-After", retryAfter)
	}
	return retry.Attempt{Number: 1, Request: req, Response: resp}
}

func TestAStoreDecidesOnARetryThatTheBudgetHasEnoughFor(t *testing.T) {
	away := errors.New("away")
	const url, secure = "http://a.example/p?q", "https://u:p@a.example:8443/p"
	asked := map[string]int{"http://a.example": 1}
	for _, c := range []struct {
		name        string
		store       ledger
		floor       float64
		url         string
		wantReason  error
		wantError   error
		wantBalance float64
		wantAsked   map[string]int
	}{
		{"it has enough", ledger{}, 5, url, nil, nil, 4, asked},
		{"of a port", ledger{}, 5, secure, nil, nil, 4, map[string]int{"https://a.example:8443": 1}},
		{"it refuses", ledger{refuses: true}, 5, url, retry.ErrBudget, nil, 5, asked},
		{"it cannot say", ledger{err: away}, 5, url, nil, away, 4, asked},
		{"the budget has not enough", ledger{}, 0.5, url, retry.ErrBudget, nil, 0.5, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			budget := &retry.Budget{Floor: c.floor, Store: &c.store}
			a := answered(t.Context(), c.url, 503, "")
			d := retry.Policy{Budget: budget}.Decide(a, time.Now())
			assert.Equal(t, c.wantReason == nil, d.Retry)
			assert.ErrorIs(t, d.Reason, c.wantReason)
			assert.Equal(t, c.wantError, d.StoreError)
			assert.Equal(t, c.wantReason == nil, d.Price > 0, "a refused retry has no price")
			assert.InDelta(t, c.wantBalance, budget.Balance(a.Request.URL), 0.01)
			assert.Equal(t, c.wantAsked, c.store.authorities)
		})
	}
}

func TestAStoreIsNotAskedWhereThereIsNothingToShare(t *testing.T) {
	store := &ledger{rest: time.Second, length: time.Second}
	for name, c := range map[string]struct {
		policy  retry.Policy
		attempt retry.Attempt
	}{
		"a budget that never runs dry": {
			retry.Policy{Budget: &retry.Budget{Floor: retry.Unlimited.Floor, Store: store}},
			answered(t.Context(), "http://a.example/", 503, ""),
		},
		"no request": {
			retry.Policy{Budget: &retry.Budget{Store: store}, Gate: &retry.Gate{Store: store}},
			retry.Attempt{Number: 1, Err: retry.Mark(errors.New("broken"), retry.Transient)},
		},
		"a success without a host": {
			retry.Policy{Budget: &retry.Budget{Store: store}},
			retry.Attempt{Number: 1, Request: &http.Request{URL: &url.URL{}}, Response: &http.Response{StatusCode: 200}},
		},
		"a retry that is refused here": {
			retry.Policy{Budget: &retry.Budget{Floor: 0.5, Store: store}, Gate: &retry.Gate{Store: store}},
			answered(t.Context(), "http://a.example/", 503, ""),
		},
		"no host": {
			retry.Policy{Budget: &retry.Budget{Store: store}, Gate: &retry.Gate{Store: store}},
			retry.Attempt{Number: 1, Request: &http.Request{URL: &url.URL{}}, Response: &http.Response{StatusCode: 500}},
		},
	} {
		d := c.policy.Decide(c.attempt, storeTime)
		c.policy.Abandon(c.attempt, d, storeTime)
		assert.Empty(t, store.authorities, name)
	}
}

func TestAStoreGetsBackWhatARequestNeedNotHaveTaken(t *testing.T) {
	store := &ledger{}
	p := retry.Policy{Budget: &retry.Budget{Store: store}}
	failed := answered(t.Context(), "http://a.example/", 503, "")
	d := p.Decide(failed, storeTime)
	p.Abandon(failed, d, storeTime)
	p.Abandon(failed, retry.Decision{}, storeTime)
	assert.Equal(t, []float64{1}, store.refunded, "of nothing, nothing")

	served := answered(t.Context(), "http://a.example/", 200, "")
	served.Number, served.Spent = 2, 1
	assert.False(t, p.Decide(served, storeTime).Retry)
	assert.Equal(t, []float64{1}, store.deposited)
	assert.Equal(t, []float64{1}, store.refunded, "a success is told of once")
}

// Whatever else a Policy has, or the request: nearly all successes are first attempts under none of that.
func TestAStoreIsToldOfEachSuccess(t *testing.T) {
	for name, p := range map[string]retry.Policy{
		"plain": {}, "observed": new(trail).eager(4), "a gate": {Gate: new(retry.Gate)},
	} {
		store, own := &ledger{}, &ledger{}
		p.Budget = &retry.Budget{Store: store}
		tr := retry.New(play(answer(200), answer(404), answer(200)), p)
		mustEnd(t, tr, place("GET", ""))
		mustEnd(t, tr, place("GET", ""))
		assert.Equal(t, []float64{0, 0}, store.deposited, name)
		other := retry.WithPolicy(t.Context(), retry.Policy{Budget: &retry.Budget{Store: own}})
		mustEnd(t, tr, place("GET", "").under(other))
		assert.Equal(t, []float64{0}, own.deposited, name)
	}
}

func TestAGatePassesOnARetryAfter(t *testing.T) {
	store := &ledger{}
	for _, wish := range []time.Duration{7 * time.Second, time.Minute + 1, 0, 1} {
		p := retry.Policy{Gate: &retry.Gate{Store: store}, MaxRetryAfter: time.Minute}
		p.RetryAfter = func(*http.Response, time.Time) (time.Duration, bool) { return wish, true }
		p.Decide(answered(t.Context(), "http://a.example/", 503, ""), storeTime)
	}
	assert.Equal(t, []time.Duration{7 * time.Second, 1}, store.holds, "what is too long or nothing holds nobody")
}

func TestAGateHeedsWhatOthersWereAsked(t *testing.T) {
	soon, cancel := context.WithDeadline(t.Context(), storeTime.Add(3*time.Second))
	defer cancel()
	for _, c := range []struct {
		name         string
		ctx          context.Context
		rest, length time.Duration
		wantReason   error
		want         time.Duration // the wait, and that of the next request
	}{
		{"a wait", t.Context(), 5 * time.Second, 10 * time.Second, nil, 10 * time.Second},
		{"a length less than its rest", t.Context(), 5 * time.Second, 0, nil, 7500 * time.Millisecond},
		{"a huge length", t.Context(), 5 * time.Second, 1 << 62, nil, 32500 * time.Millisecond},
		{"the shortest wait", t.Context(), 1, 1, nil, 1},
		{"no wait", t.Context(), 0, time.Hour, nil, 0},
		{"a negative one", t.Context(), -1 << 63, -1 << 63, nil, 0},
		{"the longest that a server may ask", t.Context(), time.Minute, time.Minute, nil, 75 * time.Second},
		{"a longer one than any server may ask", t.Context(), 61 * time.Second, time.Hour, nil, 0},
		{"a longer one than there is", soon, 5 * time.Second, 10 * time.Second, retry.ErrDeadline, 10 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			store := &ledger{rest: c.rest, length: c.length}
			p := retry.Policy{
				Backoff: retry.Constant(0), MaxRetryAfter: time.Minute,
				Budget: &retry.Budget{Store: store},
				Gate:   &retry.Gate{Store: store, Rand: func() float64 { return 0.5 }},
			}
			a := answered(c.ctx, "http://a.example/", 503, "")
			d := p.Decide(a, storeTime)
			assert.Equal(t, c.wantReason, d.Reason)
			assert.Equal(t, c.want, d.Delay)
			assert.Equal(t, c.want > 0, p.Gate.Held() > 0)
			assert.Equal(t, c.wantReason != nil, len(store.refunded) > 0)
			assert.Equal(t, c.wantReason == nil, d.Price > 0)
			next, err := http.NewRequest(http.MethodGet, "http://a.example/", nil)
			require.NoError(t, err)
			assert.Equal(t, c.want, p.Admit(next, storeTime, storeTime).Delay)
		})
	}
}
