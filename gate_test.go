package retry_test

import (
	"context"
	"fmt"
	"math"
	"slices"
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

// tenTimes is one wish after the other.
func tenTimes(seconds int) []int { return slices.Repeat([]int{seconds}, 10) }

var gateRows = []struct {
	name        string
	closed      []int // by these, one after the other
	u           float64
	longest     time.Duration // MaxRetryAfter
	at, waited  time.Duration
	within      time.Duration // until its deadline; 0 for none, and -1 for one that is past
	served      int           // successes since
	wantDelay   time.Duration
	want        error
	wantNoHolds bool
}{
	{name: "nobody asked", u: 1},
	{name: "from its end", closed: []int{10}, wantDelay: 10 * s},
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
	{name: "just waited for", closed: []int{10}, u: 1, longest: 10 * s, wantDelay: 15 * s},
	{name: "not waited for", closed: []int{10}, u: 1, longest: 10*s - 1, wantDelay: 10 * s, want: retry.ErrRetryAfter},
	{name: "never waited for", closed: []int{10}, longest: -1, at: 10*s - 1, wantDelay: 1, want: retry.ErrRetryAfter},
	{name: "within its deadline", closed: []int{10}, within: 10*s + 1, wantDelay: 10 * s},
	{name: "beyond it", closed: []int{10}, at: 10*s - 1, within: 1, wantDelay: 1, want: retry.ErrDeadline},
	{name: "a deadline that is past is not the gate's business", within: -1},

	{name: "again, for the last time", closed: []int{10}, u: 1, waited: 50 * s, wantDelay: 15 * s},
	{name: "tired", closed: []int{10}, u: 1, waited: 50*s + 1},
	{name: "tired at once", closed: []int{10}, u: 1, waited: 1, longest: 10 * s},
	{name: "the server is up", closed: []int{10}, u: 1, waited: 1, served: 2},
	{name: "for those that have waited", closed: []int{10}, u: 1, served: 2, wantDelay: 20 * s},
	{name: "for half of them", closed: []int{10}, u: 1, waited: 1, served: 1, wantDelay: 20 * s},
	{name: "old answers count half", closed: tenTimes(9), u: 1, waited: 1, served: 8, wantDelay: 18 * s},
	{name: "and new ones whole", closed: tenTimes(9), u: 1, waited: 1, served: 9},
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
		now, ctx := begin.Add(row.at), t.Context()
		if row.within != 0 {
			var cancel context.CancelFunc
			ctx, cancel = context.WithDeadline(ctx, now.Add(row.within))
			defer cancel()
		}
		have := p.Admit(place("GET", "").under(ctx).Request, now.Add(-row.waited), now)
		want := retry.Decision{Class: retry.Transient, Delay: row.wantDelay, FromServer: row.wantDelay > 0, Reason: row.want}
		assert.Equal(t, want, have, row.name)
		held := row.closed != nil && !row.wantNoHolds && row.closed[0] < 61
		assert.Equal(t, held, p.Gate.Held() == 1, row.name)
		assert.Equal(t, retry.Decision{}, retry.Policy{}.Admit(place("GET", "").Request, now, now), "without a gate")
		for _, url := range []string{
			"https://api.example", "http://API.example", "http://api.example:80", "http://other.example",
		} {
			other := place("GET", "").Request
			other.URL, other.Host = at(url), apiURL.Host
			assert.Zero(t, p.Admit(other, now, now).Delay, "it is of one authority, and not %s", url)
		}
	}
}

func TestAGateHoldsRetriesToo(t *testing.T) {
	now, asking := time.Now(), []string{"Retry-After", "10"}
	for _, row := range []struct {
		name       string
		closed     int // by what another request was told
		header     []string
		backoff    time.Duration
		longest    time.Duration // MaxRetryAfter
		within     time.Duration
		wantDelay  time.Duration
		fromServer bool
		want       error
	}{
		{"the backoff after the wish", 0, asking, 6 * s, 0, time.Hour, 16 * s, true, nil},
		{"just within the deadline", 0, asking, 0, 0, 15*s + 1, 15 * s, true, nil},
		{"beyond it", 0, asking, 0, 0, 15 * s, 15 * s, true, retry.ErrDeadline},
		{"nobody asked", 0, nil, s, 0, time.Hour, s, false, nil},
		{"another was asked", 10, nil, 15*s - 1, 0, time.Hour, 15 * s, true, nil},
		{"which makes no difference", 10, nil, 15 * s, 0, time.Hour, 15 * s, false, nil},
		{"which is too long", 10, nil, 0, 9 * s, time.Hour, 10 * s, true, retry.ErrRetryAfter},
	} {
		ctx, cancel := context.WithDeadline(t.Context(), now.Add(row.within))
		defer cancel()
		p := retry.Policy{Gate: drawing(0.5), Backoff: retry.Constant(row.backoff), MaxRetryAfter: row.longest}
		refused(retry.Policy{Gate: p.Gate}, row.closed, now)
		a := attempted(1, 503, row.header...)
		a.Request = a.Request.WithContext(ctx)
		want := retry.Decision{Class: retry.Transient, Delay: row.wantDelay, FromServer: row.fromServer, Reason: row.want}
		if row.want == nil {
			want.Retry, want.Price = true, 1
		}
		assert.Equal(t, want, p.Decide(a, now), row.name)
	}
}

func TestAGateDrawsAnewForEachRequest(t *testing.T) {
	p, now := retry.Policy{Gate: new(retry.Gate)}, time.Now()
	refused(p, 10, now)
	least, greatest, different := spread(retry.BackoffFunc(func(int) time.Duration {
		return p.Admit(place("GET", "").Request, now, now).Delay
	}), 1)
	assert.Greater(t, different, draws/2)
	assert.True(t, 10*s <= least && least < 11*s, least)
	assert.True(t, 19*s < greatest && greatest < 20*s, greatest)
}

func TestAGateForgetsWhatIsOverAndRemembersNoMoreThanItsBound(t *testing.T) {
	begin, p := time.Now(), retry.Policy{Gate: drawing(0)}
	hold := func(first, n, seconds int, at time.Duration) {
		for host := first; host < first+n; host++ {
			a := attempted(1, 503, "Retry-After", fmt.Sprint(seconds))
			a.Request.URL.Host = fmt.Sprint("host", host)
			p.Decide(a, begin.Add(at))
		}
	}
	held := func(first, n int, at time.Duration) (held int) {
		for host := first; host < first+n; host++ {
			req := place("GET", "").Request
			req.URL.Host = fmt.Sprint("host", host)
			if p.Admit(req, begin.Add(at), begin.Add(at)).Delay > 0 {
				held++
			}
		}
		return held
	}
	hold(0, 20, 10, 0)
	hold(0, 1, 0, 20*s-1)
	assert.Equal(t, 19, p.Gate.Held(), "none is over but that which was asked for 0s")
	hold(20, 1, 10, 30*s)
	assert.Equal(t, 19-4+1, p.Gate.Held(), "four of those that are over make room for one")

	const more = retry.MaxHolds // the first that there is no room for
	p.Gate = drawing(0)
	hold(0, 10, 1, 0)
	hold(10, more-10, 60, 0)
	hold(more, 1, 60, 3*s/2)
	assert.Equal(t, retry.MaxHolds, p.Gate.Held())
	assert.Zero(t, held(more, 1, 3*s/2), "the gate fails open")
	hold(more, 10, 60, 2*s)
	assert.Less(t, held(more, 10, 2*s), 5, "ten are over, but all are looked at once a second")
	hold(more, 10, 60, 5*s/2)
	assert.Equal(t, 10, held(more, 10, 5*s/2))
	assert.Equal(t, retry.MaxHolds, p.Gate.Held())
	hold(20, 1, 60, 59*s)
	assert.Equal(t, 1, held(20, 1, 60*s), "who is held already may be held for longer")
}
