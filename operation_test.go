package retry_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-e3550de8/retry"
)

// get makes a request and turns a bad status into an error, as operations do.
func get(ctx context.Context, client http.RoundTripper, url string) error {
	req, err := http.NewRequestWithContext(ctx, "GET", url, nil)
	if err != nil {
		return err
	}
	resp, err := client.RoundTrip(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != 200 {
		return fmt.Errorf("status %d", resp.StatusCode)
	}
	return nil
}

// Transports within an operation collapse with it into one layer.
func TestTheRequestsOfAnOperationStayWithinOneMaxAttempts(t *testing.T) {
	urls := []string{"http://a.example/", "http://b.example/", "http://c.example/"}
	for _, limits := range []struct{ do, transport, want, wantRuns int }{
		{4, 4, 4, 1}, {0, 0, 4, 1}, {4, 2, 2, 1}, {3, 10, 3, 1}, {4, 1, 4, 4}, {1, 4, 1, 1},
	} {
		for outcome, reply := range map[string]reply{"503": answer(503), "reset": fail(errPeerReset)} {
			for _, spoilt := range urls {
				synctest.Test(t, func(t *testing.T) {
					asked, runs := map[string]int{}, 0
					b := roundTripperFunc(func(req *http.Request) (*http.Response, error) {
						if asked[req.URL.String()]++; req.URL.String() == spoilt {
							return reply(req)
						}
						return answer(200)(req)
					})
					client := retry.New(b, retry.Policy{MaxAttempts: limits.transport, Budget: retry.Unlimited})
					p := retry.Policy{MaxAttempts: limits.do}
					_, err := retry.Do(t.Context(), p, func(ctx context.Context) (_ int, err error) {
						runs++
						for i := 0; i < len(urls) && err == nil; i++ {
							err = get(ctx, client, urls[i])
						}
						return 0, err
					})
					require.Error(t, err)
					assert.Equal(t, limits.want, asked[spoilt], "%v, %s at %s", limits, outcome, spoilt)
					assert.Equal(t, limits.wantRuns, runs, "%v, %s at %s", limits, outcome, spoilt)
					assert.LessOrEqual(t, asked[urls[0]], limits.want, "%v, %s at %s", limits, outcome, spoilt)
				})
			}
		}
	}
}

var (
	bad, good, asking = answer(503), answer(200), answer(503, "Retry-After", "10")
	askingMuch        = answer(503, "Retry-After", "90")
	spent             = retry.Policy{Budget: &retry.Budget{Floor: 0.5}}
	final             = classified(retry.Final)
)

// both is a response that asks for 10s, and an error.
func both(req *http.Request) (*http.Response, error) {
	resp, _ := bodiless(200, "Retry-After", "10")(req)
	return resp, errPeerReset
}

var wishRows = []struct {
	name       string
	method     string
	first      reply
	client     retry.Policy
	longest    time.Duration // MaxRetryAfter of the Do, which waits 1s by itself
	within     time.Duration // 0 for no deadline
	want       time.Duration // when run 2 begins; 0 for no run 2
	wantReason error
}{
	{name: "a POST", method: "POST", first: asking, want: 11 * s},
	{name: "a response that was classified Final", method: "GET", first: asking, client: final, want: 11 * s},
	{name: "a response that came with an error", method: "POST", first: both, want: 11 * s},
	{name: "which was classified Final", method: "POST", first: both, client: final, want: 11 * s},
	{name: "not that of a success", method: "GET", first: answer(202, "Retry-After", "10"), client: final, want: s},
	{name: "one of nothing", method: "POST", first: answer(503, "Retry-After", "0"), want: s},
	{name: "an error that was classified Final", method: "GET", first: fail(errPeerReset), client: final, want: s},
	{name: "none", method: "POST", first: fail(errPeerReset), want: s},
	{name: "too long for the Transport", method: "GET", first: askingMuch, longest: time.Hour, want: 91 * s},
	{name: "too long for both", method: "GET", first: askingMuch, wantReason: retry.ErrRetryAfter},
	{name: "too long for the deadline", method: "POST", first: asking, within: 9 * s, wantReason: retry.ErrDeadline},
	{name: "a Budget that is spent ends it", method: "GET", first: asking, client: spent, wantReason: retry.ErrBudget},
	{name: "by an error too", method: "GET", first: fail(errPeerReset), client: spent, wantReason: retry.ErrBudget},
}

// A Retry-After that a Transport met and did not wait for is waited for before the next run.
func TestAnOperationKeepsTheWishesThatItMet(t *testing.T) {
	for _, row := range wishRows {
		synctest.Test(t, func(t *testing.T) {
			base, p := play(row.first, answer(200)), every(s)
			p.MaxRetryAfter = row.longest
			client := retry.New(base, row.client)
			op := func(ctx context.Context) (int, error) {
				resp, err := client.RoundTrip(place(row.method, "").under(ctx).Request)
				drop(resp)
				if err == nil && resp.StatusCode == 200 {
					return 0, nil
				}
				return 0, errDecode
			}
			decisions := told(&p)
			_, _ = retry.Do(endingIn(t, row.within), p, op)
			d := (*decisions)[0]
			assert.Equal(t, row.wantReason, d.Reason, row.name)
			assert.Equal(t, d.Delay > s, d.FromServer, row.name)
			want := []time.Duration{0, row.want}
			if row.want == 0 {
				want = want[:1]
			}
			assert.Equal(t, want, base.times(), row.name)
		})
	}
}

var countedRows = []struct {
	name    string
	runs    [][]string // what each run asks for
	replies []reply
	want    int // runs
}{
	{"another method", [][]string{{"GET /a"}, {"HEAD /a"}}, []reply{bad, bad, good, bad, bad, good}, 2},
	{"another URL", [][]string{{"GET /a"}, {"GET /b"}}, []reply{bad, bad, good, bad, bad, good}, 2},
	{"the second of its kind", [][]string{{"GET /a", "GET /a"}}, []reply{bad, bad, good, bad, bad, good}, 1},
	{"the second again", [][]string{{"GET /a", "GET /a"}, {"GET /a", "GET /a"}},
		[]reply{bad, bad, good, bad, good, good, bad, good}, 2},
	{"the same again", [][]string{{"GET /a"}, {"GET /a"}}, []reply{bad, bad, good, bad}, 2},
	{"the same, in the end good", [][]string{{"GET /a"}, {"GET /a"}, {"GET /a"}}, []reply{bad, bad, good, good}, 2},
	{"the same without a URL", [][]string{{"GET"}, {"GET"}}, []reply{bad, bad, good, bad}, 2},
}

// The requests of a run are counted by method, URL and place, each over all runs.
func TestAnOperationCountsEachOfItsRequests(t *testing.T) {
	for _, row := range countedRows {
		for _, limits := range [][]int{{4}, {4, 4}, {2, 4}} { // from inside out
			synctest.Test(t, func(t *testing.T) {
				s := play(row.replies...)
				client := http.RoundTripper(s)
				for _, attempts := range limits {
					client = retry.New(client, retry.Policy{MaxAttempts: attempts, Budget: retry.Unlimited})
				}
				runs := 0
				_, _ = retry.Do(t.Context(), every(0), func(ctx context.Context) (int, error) {
					runs++
					for _, ask := range row.runs[runs-1] {
						o := place("GET", "").under(ctx)
						if n, _ := fmt.Sscanf(ask, "%s %s", &o.Method, &o.URL.Path); n == 1 {
							o.URL = nil
						}
						mustEnd(t, client, o)
					}
					if runs < len(row.runs) {
						return 0, errDecode
					}
					return 0, nil
				})
				assert.Equal(t, row.want, runs, row.name)
				assert.Equal(t, len(row.replies), s.attempts(), "%s, %v", row.name, limits)
			})
		}
	}
}

// What has been found out first about the requests of a run ends the operation, whatever becomes of the others.
func TestAnOperationEndsForTheFirstReason(t *testing.T) {
	ask := func(p retry.Policy) func(context.Context) {
		return func(ctx context.Context) { _ = get(ctx, retry.New(play(bad), p), "http://a.example/") }
	}
	poor, stubborn := ask(spent), ask(retry.Policy{Budget: retry.Unlimited})
	for name, row := range map[string]struct {
		asks []func(context.Context)
		want error
	}{
		"a spent budget": {[]func(context.Context){poor, stubborn}, retry.ErrBudget},
		"attempts":       {[]func(context.Context){stubborn, poor}, retry.ErrMaxAttempts},
	} {
		synctest.Test(t, func(t *testing.T) {
			p := every(0)
			decisions := told(&p)
			_, err := retry.Do(t.Context(), p, func(ctx context.Context) (int, error) {
				for _, ask := range row.asks {
					ask(ctx)
				}
				return 0, errDecode
			})
			assert.ErrorIs(t, err, errDecode, name)
			assert.Equal(t, []retry.Decision{{Class: retry.Transient, Reason: row.want}}, *decisions, name)
		})
	}
}

// MaxAttempts of 1 disables retries, also in an operation, which makes them; more of them are the most at one request
// in all runs of the operation, also if what makes it run again is no failure of the request.
func TestATransportInAnOperationMakesNoMoreThanItsAttempts(t *testing.T) {
	for limit, want := range map[int]int{-1: 4, 1: 4, 2: 2, 3: 3, 9: 4} {
		for _, first := range []reply{answer(503), answer(200)} {
			synctest.Test(t, func(t *testing.T) {
				s := play(first)
				rt := retry.New(s, retry.Policy{MaxAttempts: limit})
				_, err := retry.Do(t.Context(), every(0), func(ctx context.Context) (int, error) {
					mustEnd(t, rt, place("GET", "").under(ctx))
					return 0, errors.New("not now")
				})
				require.Error(t, err)
				assert.Equal(t, want, s.attempts(), limit)
			})
		}
	}
}
