package retry_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/seed-e3550de8/retry"
)

// A ledger is a Store that says what it is told to, and remembers what it was asked.
type ledger struct {
	refuses      bool
	err          error
	rest, length time.Duration
	asked        []string
}

func (l *ledger) note(all ...any) { l.asked = append(l.asked, strings.TrimSpace(fmt.Sprintln(all...))) }

func (l *ledger) Withdraw(_ context.Context, authority string, n float64) (bool, error) {
	l.note("withdraw", authority, n)
	return l.err == nil && !l.refuses, l.err
}

func (l *ledger) Refund(_ context.Context, authority string, n float64) {
	l.note("refund", authority, n)
}

func (l *ledger) Deposit(_ context.Context, authority string, n float64) {
	l.note("deposit", authority, n)
}

func (l *ledger) Hold(_ context.Context, authority string, d time.Duration) {
	l.note("hold", authority, d)
}

func (l *ledger) Held(_ context.Context, authority string) (time.Duration, time.Duration) {
	l.note("held", authority)
	return l.rest, l.length
}

func TestAStoreDecidesOnARetryThatTheBudgetHasEnoughFor(t *testing.T) {
	away := errors.New("away")
	const secure = "https://u:p@a.example:8443/p"
	once := []string{"withdraw http://api.example 1"}
	for _, c := range []struct {
		name        string
		store       ledger
		floor       float64
		url         string
		wantReason  error
		wantError   error
		wantBalance float64
		wantAsked   []string
	}{
		{"it has enough", ledger{}, 5, secretURL, nil, nil, 4, once},
		{"of a port", ledger{}, 5, secure, nil, nil, 4, []string{"withdraw https://a.example:8443 1"}},
		{"it refuses", ledger{refuses: true}, 5, secretURL, retry.ErrBudget, nil, 5, once},
		{"it cannot say", ledger{err: away}, 5, secretURL, nil, away, 4, once},
		{"the budget has not enough", ledger{}, 0.5, secretURL, retry.ErrBudget, nil, 0.5, nil},
	} {
		budget := &retry.Budget{Floor: c.floor, Store: &c.store}
		a := attempted(1, 503)
		a.Request.URL = at(c.url)
		want := retry.Decision{Class: retry.Transient, StoreError: c.wantError, Reason: c.wantReason}
		if c.wantReason == nil {
			want.Retry, want.Price = true, 1
		}
		assert.Equal(t, want, retry.Policy{Budget: budget, Backoff: retry.Constant(0)}.Decide(a, later), c.name)
		assert.InDelta(t, c.wantBalance, budget.Balance(a.Request.URL), 1e-9, c.name)
		assert.Equal(t, c.wantAsked, c.store.asked, c.name)
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
			attempted(1, 503),
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
			attempted(1, 503),
		},
		"no host": {
			retry.Policy{Budget: &retry.Budget{Store: store}, Gate: &retry.Gate{Store: store}},
			retry.Attempt{Number: 1, Request: &http.Request{URL: &url.URL{}}, Response: &http.Response{StatusCode: 500}},
		},
	} {
		d := c.policy.Decide(c.attempt, later)
		c.policy.Abandon(c.attempt, d, later)
		assert.Empty(t, store.asked, name)
	}
}

func TestAStoreGetsBackWhatARequestNeedNotHaveTaken(t *testing.T) {
	store := &ledger{}
	p := retry.Policy{Budget: &retry.Budget{Store: store}}
	failed, served := attempted(1, 503), attempted(1, 200)
	p.Abandon(failed, p.Decide(failed, later), later)
	p.Abandon(failed, retry.Decision{}, later) // of nothing, nothing
	served.Number, served.Spent = 2, 1
	assert.False(t, p.Decide(served, later).Retry)
	want := []string{"withdraw http://api.example 1", "refund http://api.example 1", "deposit http://api.example 1"}
	assert.Equal(t, want, store.asked)
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
		other := retry.WithPolicy(t.Context(), retry.Policy{Budget: &retry.Budget{Store: own}})
		mustEnd(t, tr, place("GET", "").under(other))
		assert.Equal(t, []string{"deposit http://api.example 0", "deposit http://api.example 0"}, store.asked, name)
		assert.Equal(t, []string{"deposit http://api.example 0"}, own.asked, name)
	}
}

func TestAGatePassesOnARetryAfter(t *testing.T) {
	store := &ledger{}
	for _, wish := range []time.Duration{7 * time.Second, time.Minute + 1, 0, 1} {
		p := retry.Policy{Gate: &retry.Gate{Store: store}, MaxRetryAfter: time.Minute, MaxAttempts: 1}
		p.RetryAfter = func(*http.Response, time.Time) (time.Duration, bool) { return wish, true }
		p.Decide(attempted(1, 503), later)
	}
	want := []string{"hold http://api.example 7s", "hold http://api.example 1ns"}
	assert.Equal(t, want, store.asked, "what is too long or nothing holds nobody")
}

func TestAGateHeedsWhatOthersWereAsked(t *testing.T) {
	soon, cancel := context.WithDeadline(t.Context(), later.Add(3*time.Second))
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
			a := attempted(1, 503)
			a.Request = a.Request.WithContext(c.ctx)
			d := p.Decide(a, later)
			assert.Equal(t, c.wantReason, d.Reason)
			assert.Equal(t, c.want, d.Delay)
			assert.Equal(t, c.want > 0, p.Gate.Held() > 0)
			assert.Equal(t, c.wantReason != nil, slices.Contains(store.asked, "refund http://api.example 1"))
			assert.Equal(t, c.wantReason == nil, d.Price > 0)
			assert.Equal(t, c.want, p.Admit(place("POST", "").Request, later, later).Delay)
		})
	}
}
