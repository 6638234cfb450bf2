package retry_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-e3550de8/retry"
)

// The attempts that an inner Transport made count even if it is an outer one's AttemptTimeout that ends them.
func TestAnOuterAttemptTimeoutCountsTheInnerAttempts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sent := 0
		base := roundTripperFunc(func(req *http.Request) (*http.Response, error) {
			if sent++; sent > 2 {
				<-req.Context().Done()
				return nil, req.Context().Err()
			}
			return &http.Response{StatusCode: 503, Body: http.NoBody, Request: req}, nil
		})
		inner := retry.New(base, retry.Policy{Backoff: retry.Constant(0)})
		hurried := retry.Policy{Backoff: retry.Constant(0), AttemptTimeout: 10 * time.Second}

		_, err := retry.New(inner, hurried).RoundTrip(place("GET", "").Request)

		var e *retry.Error
		require.ErrorAs(t, err, &e)
		assert.Equal(t, 4, e.Attempts)
		assert.Equal(t, 4, sent)
		assert.True(t, e.Timeout())

		slow := func(*http.Request) (*http.Response, error) {
			time.Sleep(time.Minute)
			return &http.Response{StatusCode: 503}, nil
		}
		_, err = retry.New(roundTripperFunc(slow), hurried).RoundTrip(place("GET", "").Request)
		require.ErrorAs(t, err, &e)
		assert.Equal(t, 4, e.Attempts, "what comes late and without a Request counts for itself")
	})
}

// What an inner Transport does not send, because it is held, is not worth another attempt of the outer one.
func TestAnOuterTransportLeavesARequestThatIsHeld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := play(answer(200))
		ctx := retry.WithPolicy(t.Context(), retry.Policy{MaxRetryAfter: time.Second})
		inner := retry.New(s, retry.Policy{Gate: shut(t)})
		_, err := retry.New(inner, retry.Policy{}).RoundTrip(putting(t, nil).WithContext(ctx))
		require.ErrorIs(t, err, retry.ErrRetryAfter)
		assert.Zero(t, s.attempts())
		assert.Zero(t, time.Since(s.begin))
	})
}

// A base that is itself a client may have followed a redirect: its dial error says nothing of the request.
func TestADialErrorOfAClientProvesNothing(t *testing.T) {
	_, dial := http.Get("http://127.0.0.1:1/")
	require.ErrorAs(t, dial, new(*url.Error))
	for err, want := range map[error]retry.Class{dial: retry.Transient, errors.Unwrap(dial): retry.Unprocessed} {
		assert.Equal(t, want, retry.Classify(retry.Attempt{Request: place("POST", "").Request, Err: err}))
	}
}

// A middle stands between two Transports, and does to a request what such RoundTrippers do.
var middles = map[string]func(inner http.RoundTripper) http.RoundTripper{
	"none": func(inner http.RoundTripper) http.RoundTripper { return inner },
	"one that clones and adds a header": func(inner http.RoundTripper) http.RoundTripper {
		return roundTripperFunc(func(req *http.Request) (*http.Response, error) {
			req = req.Clone(req.Context())
			req.Header.Add("Authorization", "Bearer token")
			return inner.RoundTrip(req)
		})
	},
	"one that wraps the error": func(inner http.RoundTripper) http.RoundTripper {
		return roundTripperFunc(func(req *http.Request) (*http.Response, error) {
			resp, err := inner.RoundTrip(req)
			if err != nil {
				err = fmt.Errorf("middle: %w", err)
			}
			return resp, err
		})
	},
}

// Promise 13: "Nested Transports retry in one layer: the total stays within one MaxAttempts. A retry's context tells
// the inner one; a response or an error that took several attempts tells the outer one."
func TestPromise13_NestedTransportsRetryInOneLayer(t *testing.T) {
	outcomes := map[string]reply{"503": answer(503), "reset": fail(errPeerReset), "refused": fail(errDialRefused)}
	// From inside out:
	for _, limits := range [][]int{{4, 4}, {4, 2}, {3, 6}, {1, 5}, {3, 1}, {4, 4, 4}, {2, 3, 5}, {5, 3, 2}} {
		for outcome, reply := range outcomes {
			for name, middle := range middles {
				synctest.Test(t, func(t *testing.T) {
					s, want := play(reply), slices.Max(limits)
					rt := middle(s)
					for _, attempts := range limits {
						rt = retry.New(middle(rt), retry.Policy{MaxAttempts: attempts, Budget: retry.Unlimited})
					}
					resp, err := rt.RoundTrip(place("GET", "").Request)
					drop(resp)
					assert.Equal(t, want, s.attempts(), "%v %s %s", limits, outcome, name)
					if resp != nil {
						assert.Equal(t, want, retry.AttemptNumber(resp.Request.Context()))
						return
					}
					var all *retry.Error
					require.ErrorAs(t, err, &all)
					assert.Equal(t, want, all.Attempts, "%v %s %s", limits, outcome, name)
				})
			}
		}
	}
}

func transient404(a retry.Attempt) retry.Class {
	if a.Response.StatusCode == 404 {
		return retry.Transient
	}
	return retry.Classify(a)
}

// Promise 13, again: "A retry's context tells the inner one."
func TestPromise13_TheInnerTransportLeavesAnOutersRetryAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		inner, outer := every(time.Hour), every(time.Second)
		decisions := told(&inner)
		outer.Classify = transient404
		s := play(answer(404), answer(503), answer(503, "Retry-After", "3"), answer(200))
		resp := mustEnd(t, retry.New(retry.New(s, inner), outer), place("GET", ""))
		assert.Equal(t, 200, resp.StatusCode)
		assert.Equal(t, []time.Duration{0, time.Second, 2 * time.Second, 6 * time.Second}, s.times())
		assert.Equal(t, retry.ErrMaxAttempts, (*decisions)[1].Reason)
		assert.Equal(t, retry.ErrMaxAttempts, (*decisions)[2].Reason)
	})
}

// A token that a base fetches under the context of a retry is a request of its own, and has attempts of its own.
func TestATokenThatARetryFetchesIsRetriedToo(t *testing.T) {
	const own = "http://api.example/private/path?token=hush"
	for _, row := range []struct {
		own, method, side string // "" is no URL; own is asked for by GET
		want              int    // attempts at the side
	}{
		{own, "GET", "http://auth.example/private/path?token=hush", 3},
		{own, "GET", "https://api.example/private/path?token=hush", 3},
		{own, "GET", "http://api.example/private/token?token=hush", 3},
		{own, "GET", "http://api.example/private/path?token=other", 3},
		{own, "HEAD", own, 3},
		{"http:one", "GET", "http:two", 3},
		{own, "GET", "", 3},
		{"", "GET", own, 3},
		{"/private", "GET", "", 3},
		{"", "GET", "/private", 3},
		{"", "GET", "", 1},
		{own, "", own, 1}, // the same again
	} {
		synctest.Test(t, func(t *testing.T) {
			asking := func(ctx context.Context, method, url string) *order {
				o := place(method, "").under(ctx)
				if o.URL = nil; url != "" {
					o.URL = at(url)
				}
				return o
			}
			tokens, s := play(answer(503), answer(503), answer(200)), play(answer(503), answer(200))
			fetching := roundTripperFunc(func(req *http.Request) (*http.Response, error) {
				if retry.AttemptNumber(req.Context()) == 2 {
					mustEnd(t, retry.New(tokens, every(time.Second)), asking(req.Context(), row.method, row.side))
				}
				return s.RoundTrip(req)
			})
			mustEnd(t, retry.New(fetching, every(time.Second)), asking(t.Context(), "GET", row.own))
			assert.Equal(t, row.want, tokens.attempts(), "%v", row)
			assert.Equal(t, 2, s.attempts())
		})
	}
}

// The next page, asked for under the context of a response that took several attempts, is a request of its own.
func TestTheNextPageUnderTheContextOfAResponseIsRetried(t *testing.T) {
	for _, url := range []string{"http://api.example.com/orders?page=2", secretURL} {
		for attempt := 2; attempt <= 3; attempt++ { // whose context it has
			synctest.Test(t, func(t *testing.T) {
				s := play(answer(503), answer(503), answer(200), answer(503), answer(503), answer(200))
				client := retry.New(s, every(time.Second))
				mustEnd(t, client, place("GET", ""))
				next := place("GET", "").under(s.sent[attempt-1].req.Context())
				next.URL = at(url)
				resp := mustEnd(t, client, next)
				assert.Equal(t, 200, resp.StatusCode, url)
				assert.Equal(t, 6, s.attempts())
				assert.Equal(t, 3, retry.AttemptNumber(resp.Request.Context()))
			})
		}
	}
}

// What an earlier call has counted, such as a response out of a cache or an error that a mock returns again and again,
// and the error of a side request say nothing of the attempts at a request.
func TestAnOutcomeOfAnotherRequestCountsNoAttempts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		unlimited := retry.Policy{Backoff: retry.Constant(0), Budget: retry.Unlimited}
		side := retry.New(play(fail(errPeerReset)), unlimited)
		_, oldErr := side.RoundTrip(place("GET", "").Request)
		old := mustEnd(t, retry.New(play(answer(503)), unlimited), place("GET", ""))
		require.Equal(t, 4, retry.AttemptNumber(old.Request.Context()))
		for i, outcome := range []reply{ // the latest first
			func(*http.Request) (*http.Response, error) { return old, nil },
			fail(oldErr),
			fail((*retry.Error)(nil)),
			func(req *http.Request) (*http.Response, error) {
				token, _ := http.NewRequestWithContext(req.Context(), "GET", "http://auth.example/token", nil)
				_, err := side.RoundTrip(token)
				return nil, fmt.Errorf("token: %w", err)
			},
		} {
			asked := 0
			counting := func(req *http.Request) (*http.Response, error) { asked++; return outcome(req) }
			resp, _ := retry.New(roundTripperFunc(counting), unlimited).RoundTrip(place("GET", "").Request)
			drop(resp)
			assert.Equal(t, 4, asked, "outcome %d", i+1)
		}
	})
}

func TestAnOutersRetryIsNoSuccessOfItsOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := new(retry.Budget)
		happens(t, b, "1x503")
		outer, inner := every(0), retry.Policy{Budget: b}
		outer.Budget, outer.Classify = b, transient404
		mustEnd(t, retry.New(retry.New(play(answer(404), answer(200)), inner), outer), place("GET", ""))
		assert.InDelta(t, 4.2, b.Balance(apiURL), 1e-9, "the 404 is one to the inner Transport, and the call to the outer")
	})
}
