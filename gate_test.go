package retry_test

import (
	"context"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/seed-e3550de8/retry"
)

// drawing is a Gate whose every random number is u.
func drawing(u float64) *retry.Gate { return &retry.Gate{Rand: func() float64 { return u }} }

// refused tells p of a 503 that asks for seconds.
func refused(p retry.Policy, seconds int, now time.Time) {
	p.Decide(attempted(1, 503, "Retry-After", fmt.Sprint(seconds)), now)
}

const s = time.Second

var gateRows = []struct {
	name        string
	closed      []int // by these, one after the other
	u           float64
	longest     time.Duration // MaxRetryAfter
	at, waited  time.Duration
	served      int // successes since
	wantDelay   time.Duration
	wantReason  error
	wantNoHolds bool
}{
	{name: "nobody asked", u: 1},
	{name: "from its end", closed: []int{10}, wantDelay: 10 * s},
	{name: "on", closed: []int{10}, u: 0.5, wantDelay: 15 * s},
	{name: "to twice that", closed: []int{10}, u: 1, wantDelay: 20 * s},
	{name: "a number above 1", closed: []int{10}, u: 7, wantDelay: 20 * s},
	{name: "a number below 0", closed: []int{10}, u: -7, wantDelay: 10 * s},
	{name: "no number", closed: []int{10}, u: math.NaN(), wantDelay: 10 * s},
	{name: "later", closed: []int{10}, u: 0.5, at: 4 * s, wantDelay: 11 * s},
	{name: "at last", closed: []int{10}, u: 0.5, at: 10*s - 1, wantDelay: 5*s + 1},
	{name: "over", closed: []int{10}, u: 0.5, at: 10 * s},
	{name: "forgotten", closed: []int{10}, u: 0.5, at: 20 * s, wantNoHolds: true},
	{name: "zero", closed: []int{0}, u: 0.5, wantNoHolds: true},
	{name: "a shorter one counts less", closed: []int{10, 5}, u: 0.5, wantDelay: 15 * s},
	{name: "a longer one counts", closed: []int{5, 10}, u: 0.5, wantDelay: 15 * s},
	{name: "one that nobody waits for does not count", closed: []int{61}, u: 0.5},

	{name: "no later than MaxRetryAfter", closed: []int{40}, u: 1, wantDelay: 60 * s},
	{name: "nor halfway", closed: []int{40}, u: 0.5, wantDelay: 50 * s},
	{name: "but over half the Retry-After", closed: []int{50}, u: 1, wantDelay: 75 * s},
	{name: "the longest", closed: []int{60}, u: 1, wantDelay: 90 * s},
	{name: "just waited for", closed: []int{10}, u: 1, longest: 10 * s, wantDelay: 15 * s},
	{name: "not waited for", closed: []int{10}, u: 1, longest: 10*s - 1, wantDelay: 10 * s, wantReason: retry.ErrRetryAfter},
	{name: "never waited for", closed: []int{10}, longest: -1, wantDelay: 10 * s, wantReason: retry.ErrRetryAfter},

	{name: "again", closed: []int{10}, u: 1, waited: 45 * s, wantDelay: 15 * s},
	{name: "again, for the last time", closed: []int{10}, u: 1, waited: 50 * s, wantDelay: 15 * s},
	{name: "tired", closed: []int{10}, u: 1, waited: 50*s + 1},
	{name: "tired at once", closed: []int{10}, u: 1, waited: 1, longest: 10 * s},
	{name: "the server is up", closed: []int{10}, u: 1, waited: 1, served: 2},
	{name: "for those that have waited", closed: []int{10}, u: 1, served: 2, wantDelay: 20 * s},
	{name: "for half of them", closed: []int{10}, u: 1, waited: 1, served: 1, wantDelay: 20 * s},
	{name: "old answers count half", closed: []int{9, 9, 9, 9, 9, 9, 9, 9, 9, 9}, u: 1, waited: 1, served: 8, wantDelay: 18 * s},
	{name: "and new ones whole", closed: []int{9, 9, 9, 9, 9, 9, 9, 9, 9, 9}, u: 1, waited: 1, served: 9},
}

func TestAGateHoldsARequestUntilTheRetryAfterIsOver(t *testing.T) {
	begin := time.Now()
	for _, row := range gateRows {
		p := retry.Policy{Gate: drawing(row.u), MaxRetryAfter: row.longest}
		for _, seconds := range row.closed {
			refused(retry.Policy{Gate: p.Gate}, seconds, begin)
		}
		for range row.served {
			p.Decide(attempted(1, 200), begin)
		}
		now := begin.Add(row.at)
		have := p.Admit(place("GET", "").Request, now.Add(-row.waited), now)
		want := retry.Decision{Class: retry.Transient, Delay: row.wantDelay, FromServer: row.wantDelay > 0, Reason: row.wantReason}
		assert.Equal(t, want, have, row.name)
		held := row.closed != nil && !row.wantNoHolds && row.closed[0] < 61
		assert.Equal(t, held, p.Gate.Held() == 1, row.name)
		assert.Equal(t, retry.Decision{}, retry.Policy{}.Admit(place("GET", "").Request, now, now), "without a gate")
		other := place("GET", "").Request
		other.URL = at("https://api.example")
		assert.Zero(t, p.Admit(other, now, now).Delay, "it is of one authority")
	}
}

func TestAGateHoldsRetriesToo(t *testing.T) {
	now := time.Now()
	for _, row := range []struct {
		header       []string
		backoff      time.Duration
		within, want time.Duration
		reason       error
		fromServer   bool
	}{
		{[]string{"Retry-After", "10"}, 0, time.Hour, 15 * time.Second, nil, true},
		{[]string{"Retry-After", "10"}, 6 * time.Second, time.Hour, 16 * time.Second, nil, true},
		{[]string{"Retry-After", "10"}, 0, 15*time.Second + 1, 15 * time.Second, nil, true},
		{[]string{"Retry-After", "10"}, 0, 15 * time.Second, 15 * time.Second, retry.ErrDeadline, true},
		{nil, time.Second, time.Hour, time.Second, nil, false},
	} {
		ctx, cancel := context.WithDeadline(t.Context(), now.Add(row.within))
		defer cancel()
		p := retry.Policy{Gate: drawing(0.5), Backoff: retry.Constant(row.backoff)}
		a := attempted(1, 503, row.header...)
		a.Request = a.Request.WithContext(ctx)
		want := retry.Decision{Retry: row.reason == nil, Class: retry.Transient, Delay: row.want, FromServer: row.fromServer, Reason: row.reason}
		if want.Retry {
			want.Price = 1
		}
		assert.Equal(t, want, p.Decide(a, now))
		if row.header != nil && row.backoff == 0 {
			assert.Equal(t, row.reason, p.Admit(a.Request, now, now).Reason)
		}
	}
}

func TestAGateDrawsAnewForEachRequest(t *testing.T) {
	p, now := retry.Policy{Gate: new(retry.Gate)}, time.Now()
	refused(p, 10, now)
	least, greatest, different := spread(retry.BackoffFunc(func(int) time.Duration {
		return p.Admit(place("GET", "").Request, now, now).Delay
	}), 1)
	assert.Greater(t, different, draws/2)
	assert.True(t, 10*time.Second <= least && least < 11*time.Second, least)
	assert.True(t, 19*time.Second < greatest && greatest < 20*time.Second, greatest)
}

func TestAGateForgetsWhatIsOverAndRemembersNoMoreThanItsBound(t *testing.T) {
	begin := time.Now()
	p := retry.Policy{Gate: drawing(0)}
	hold := func(host int, seconds int, at time.Duration) {
		a := attempted(1, 503, "Retry-After", fmt.Sprint(seconds))
		a.Request.URL.Host = fmt.Sprint("host", host)
		p.Decide(a, begin.Add(at))
	}
	delay := func(host int, at time.Duration) time.Duration {
		req := place("GET", "").Request
		req.URL.Host = fmt.Sprint("host", host)
		return p.Admit(req, begin.Add(at), begin.Add(at)).Delay
	}
	hold(0, 10, 0)
	hold(1, 10, 20*time.Second-1)
	assert.Equal(t, 2, p.Gate.Held())
	hold(1, 10, 20*time.Second)
	assert.Equal(t, 1, p.Gate.Held(), "the first one is over")

	p.Gate = drawing(0)
	for i := range retry.MaxHolds + 1 {
		seconds := 60
		if i < 10 {
			seconds = 1
		}
		hold(i, seconds, 0)
	}
	assert.Equal(t, retry.MaxHolds, p.Gate.Held())
	assert.Zero(t, delay(retry.MaxHolds, 0), "the gate fails open")
	hold(20, 60, time.Second)
	assert.Equal(t, 60*time.Second, delay(20, time.Second), "who is held already may be held for longer")
	for i := range 11 {
		hold(-1-i, 60, 10*time.Second)
	}
	assert.Equal(t, retry.MaxHolds, p.Gate.Held())
	assert.Equal(t, 60*time.Second, delay(-10, 10*time.Second), "what is over makes room for what is new")
	assert.Zero(t, delay(-11, 10*time.Second))
}
