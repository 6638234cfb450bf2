package retry_test

import (
	"fmt"
	"math"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/seed-e3550de8/retry"
)

// at returns the URL that text is.
func at(text string) *url.URL {
	u, err := url.Parse(text)
	if err != nil {
		panic(err)
	}
	return u
}

var apiURL = at("http://api.example") // where place sends

// What happens to a budget, in words: "150x200" are so many successes, "2x503" so many retries that fail, "2x0" those
// after a connection was lost, "3s" is time that goes by, "=" a look at the balance, which must not matter.
func happens(t *testing.T, b *retry.Budget, events string) {
	p := retry.Policy{Budget: b, MaxAttempts: math.MaxInt}
	for event := range strings.FieldsSeq(events) {
		n, code := 1, 200
		if d, err := time.ParseDuration(event); err == nil {
			time.Sleep(d)
		} else if event == "=" {
			b.Balance(apiURL)
		} else if _, err := fmt.Sscanf(event, "%dx%d", &n, &code); assert.NoError(t, err, event) {
			for range n {
				retried := p.Decide(attempted(1, code), time.Now()).Retry
				assert.Equal(t, code != 200 && code != 404, retried, "%s in %s", event, events)
			}
		}
	}
}

var bucketRows = []struct {
	name   string
	budget *retry.Budget
	events string
	want   float64
}{
	{"is full at first", &retry.Budget{}, "", 5},
	{"a retry takes 1", &retry.Budget{}, "1x503", 4},
	{"1.5 after an attempt without an answer", &retry.Budget{}, "2x0", 2},
	{"a fifth after a 429", &retry.Budget{}, "3x429", 4.4},
	{"small ones add up", &retry.Budget{}, "25x429", 0},
	{"each success deposits a tenth", &retry.Budget{}, "5x503 3x200", 0.3},
	{"so does a 404", &retry.Budget{}, "5x503 3x404", 0.3},
	{"never more than the capacity", &retry.Budget{}, "1x429 4x200", 5},
	{"time deposits one in 1000s", &retry.Budget{}, "5x503 1000s", 1},
	{"without end", &retry.Budget{}, "5x503 100h", 5},

	{"a burst is as much in a Window", &retry.Budget{}, "150x200", 150},
	{"and stays for one", &retry.Budget{}, "150x200 = 15s", 150},
	{"then fades over ten", &retry.Budget{}, "150x200 = 165s", 150 * math.Exp(-1)},
	{"but no further than the Floor", &retry.Budget{}, "150x200 = 24h", 5},
	{"a steady rate stays", &retry.Budget{}, "150x200 = 3s 30x200", 150},
	{"a higher one", &retry.Budget{}, "150x200 = 3s 60x200", 150*math.Exp(-0.2) + 300*(1-math.Exp(-0.2))},
	{"a lower one", &retry.Budget{}, "150x200 = 3s 1x200", 150*math.Exp(-0.2) + 5*(1-math.Exp(-0.2))},
	{"soon after", &retry.Budget{}, "150x200 = 12ms 30x200", 150*math.Exp(-0.0008) + 37500*(1-math.Exp(-0.0008))},
	{"after a gap, many", &retry.Budget{}, "30x200 = 30s 60x200", 30*math.Exp(-2.1) + 30*(1-math.Exp(-2))},
	{"after a gap, one", &retry.Budget{}, "150x200 = 60s 1x200", 150*math.Exp(-1.3) + 0.25*(1-math.Exp(-1))},
	{"what is spent stays so while it fades", &retry.Budget{}, "150x200 = 75x503 165s", 75*math.Exp(-1) + 0.165},
	{"what was earned before counts", &retry.Budget{}, "5x503 = 10x200 10x200", 2},
	{"a sample is settled under the Floor", &retry.Budget{Floor: 0.5, Window: time.Second, Ratio: 1e-9},
		"1x429 63x200 100s 1x200", 0.6*0.64 + 0.1},

	{"negative fields are defaults", &retry.Budget{Window: -1, Floor: -1, Ratio: -1}, "5x503 1x200", 0.1},
	{"NaN too", &retry.Budget{Floor: math.NaN(), Ratio: math.NaN()}, "5x503 1x200", 0.1},
	{"a Window", &retry.Budget{Window: time.Minute}, "600x200 = 660s", 600 * math.Exp(-1)},
	{"a tiny Window", &retry.Budget{Window: 1}, "5x503 1x200", 0.1},
	{"a huge Window", &retry.Budget{Window: math.MaxInt64}, "5x503 1x200", 0.1},
	{"a Floor", &retry.Budget{Floor: 2}, "", 2},
	{"a Ratio", &retry.Budget{Ratio: 0.5}, "5x503 1x200", 0.5},
	{"a Ratio above 1", &retry.Budget{Ratio: 7}, "5x503 1x200", 1},
	{"an infinite Floor", &retry.Budget{Floor: math.Inf(1)}, "1000x503", math.Inf(1)},
	{"a full one pays for any retry", &retry.Budget{Floor: 1.2}, "1x0", 0},
}

func TestABucketHoldsWhatTheServerHasMadeOfTheRequests(t *testing.T) {
	for _, row := range bucketRows {
		synctest.Test(t, func(t *testing.T) {
			b := &retry.Budget{Window: row.budget.Window, Floor: row.budget.Floor, Ratio: row.budget.Ratio}
			happens(t, b, row.events)
			have := b.Balance(apiURL)
			if row.want != have { // of which two may be infinite
				assert.InDelta(t, row.want, have, 1e-7+1e-7*row.want, row.name)
			}
		})
	}
}

func TestABucketThatHoldsLessThanARetryTakesPaysForNone(t *testing.T) {
	for _, row := range []struct {
		floor  float64
		events string
		code   int
		want   bool
	}{
		{5, "5x503", 503, false},
		{5, "4x503", 503, true},
		{5, "4x503", 0, false}, // takes 1.5
		{5, "4x503 5x200", 0, true},
		{5, "25x429", 429, false},
		{0.9, "", 503, false}, // even if it is full
		{0.9, "", 429, true},
		{1, "", 0, true},
		{1.2, "1x429", 0, false},
		{1.2, "1x429", 503, true},
	} {
		synctest.Test(t, func(t *testing.T) {
			p := retry.Policy{Budget: &retry.Budget{Floor: row.floor}, Backoff: retry.Constant(time.Second)}
			happens(t, p.Budget, row.events)
			before := p.Budget.Balance(apiURL)
			d := p.Decide(attempted(1, row.code), time.Now())
			want := retry.Decision{Class: retry.Transient, Delay: time.Second, Reason: retry.ErrBudget}
			if row.want {
				price := map[int]float64{0: 1.5, 429: 0.2, 503: 1}[row.code]
				want = retry.Decision{Retry: true, Class: retry.Transient, Delay: time.Second, Price: price}
			}
			assert.Equal(t, want, d, "%v", row)
			assert.InDelta(t, max(before-want.Price, 0), p.Budget.Balance(apiURL), 1e-9, "%v", row)
		})
	}
}

func TestTheDecayOfARateIsRightToNinePlaces(t *testing.T) {
	for _, x := range []float64{0, 1e-12, 7e-4, 9.99e-4} {
		assert.InDelta(t, math.Exp(-x), retry.Decay(x), 5e-10, x)
		assert.InDelta(t, 1-x+x*x/2, retry.Decay(x), 1e-14, "%v needs no exponential", x)
	}
	for _, x := range []float64{1e-3, 1.9e-3, 0.1, 1, 800} {
		assert.InDelta(t, math.Exp(-x), retry.Decay(x), 1e-14, x)
	}
}

// Below a billionth of a Window the quotients lose their digits.
func TestEventsOfOneMomentAreABurst(t *testing.T) {
	assert.Equal(t, 1+3.0, retry.Average(1, 3, 0, 1))
	assert.Equal(t, 1+3.0, retry.Average(1, 3, 0.7e-9, 1))
	for _, x := range []float64{1e-9, 1.5e-9, 1} {
		kept := retry.Decay(x)
		assert.InDelta(t, kept+3/x*(1-kept), retry.Average(1, 3, x, 1), 1e-9, x)
	}
}

func TestARoundingErrorCostsNoRetry(t *testing.T) {
	for more, want := range map[float64]bool{0: true, 0.7e-9: true, 1.5e-9: false} { // than there is, as a share of it
		b := new(retry.Budget)
		assert.True(t, b.SpendOn(apiURL, 1, later))
		assert.Equal(t, want, b.SpendOn(apiURL, 4+5*more, later), more)
	}
}

// later is a time at which no clock here is.
var later = time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)

// The times of two requests may come in either order.
func TestABudgetDoesNotGoBackInTime(t *testing.T) {
	b := new(retry.Budget)
	for range 5 {
		assert.True(t, b.Spend("one", later.Add(time.Hour)))
	}
	assert.False(t, b.Spend("one", later))
	assert.False(t, b.Spend("one", later.Add(time.Hour)), "an hour deposits once")
	assert.True(t, b.Spend("one", later.Add(time.Hour+1000*time.Second+1)))
}

func TestABudgetLearnsTheRateOfEachAuthorityInTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := new(retry.Budget)
		rt := retry.New(roundTripperFunc(bodiless(200)), retry.Policy{Budget: b})
		hosts := []string{"http://a.example", "https://a.example", "http://a.example:8080"}
		for range 60 * 20 {
			for _, host := range hosts {
				o := place("GET", "")
				o.URL = at(host + "/orders")
				mustEnd(t, rt, o)
			}
			time.Sleep(time.Second / 20)
		}
		for _, host := range hosts {
			assert.InDelta(t, 15*20, b.Balance(at(host+"/?page=2")), 10, host)
		}
		for range 64 {
			mustEnd(t, rt, place("GET", ""))
		}
		assert.Equal(t, 64.0, b.Balance(apiURL), "at once")
		for _, other := range []string{"http://b.example", "", "nonsense"} {
			assert.Equal(t, 5.0, b.Balance(at(other)), other)
		}
		assert.Equal(t, 5.0, b.Balance(nil))
	})
}
