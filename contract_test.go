package retry_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-e3550de8/retry"
)

// panicking has one function of the policy panic, or end its goroutine.
func panicking(stop func()) map[string]retry.Policy {
	return map[string]retry.Policy{
		"OnAttempt":  {OnAttempt: func(retry.Attempt, retry.Decision) { stop() }},
		"Classify":   {Classify: func(retry.Attempt) retry.Class { stop(); return retry.Final }},
		"Idempotent": {Idempotent: func(*http.Request) bool { stop(); return false }},
		"Backoff":    {Backoff: retry.BackoffFunc(func(int) time.Duration { stop(); return 0 })},
	}
}

// ending tells how f ends: by a return, a panic, or the end of its goroutine.
func ending(f func()) (way string) {
	var running sync.WaitGroup
	running.Go(func() {
		way = "Goexit"
		defer func() {
			if v := recover(); v != nil {
				way = fmt.Sprint("panic: ", v)
			}
		}()
		f()
		way = "return"
	})
	running.Wait()
	return way
}

func TestAPolicyThatPanicsOrEndsItsGoroutineLeaksNothing(t *testing.T) {
	for way, stop := range map[string]func(){"panic: stop": func() { panic("stop") }, "Goexit": runtime.Goexit} {
		for name, p := range panicking(stop) {
			for outcome, one := range map[string]reply{
				"503": answer(503), "reset": fail(errPeerReset), "no body": bodiless(503), "200": answer(200),
			} {
				if outcome == "200" && (name == "Idempotent" || name == "Backoff") {
					continue // it is not asked
				}
				for _, timeout := range []time.Duration{0, time.Minute} {
					synctest.Test(t, func(t *testing.T) {
						p.AttemptTimeout = timeout
						o, s := place("PUT", "payload").under(newEndable(t)), play(one)
						assert.Equal(t, way, ending(func() { _, _ = retry.New(s, p).RoundTrip(o.Request) }), "%s, %s", name, outcome)
						assert.Empty(t, s.left(o, nil), "%s, %s", name, outcome)
					})
				}
			}
		}
	}
}

func bodiless(code int, header ...string) reply {
	return func(*http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: code, Header: headerOf(header...)}, nil
	}
}

// together is one with an error, which no base should return.
func together(one reply, err error) reply {
	return func(req *http.Request) (*http.Response, error) {
		resp, _ := one(req)
		return resp, err
	}
}

func TestABaseThatReturnsNothingIsAnError(t *testing.T) {
	for _, p := range []retry.Policy{{}, {AttemptTimeout: time.Minute}} {
		s := play(func(*http.Request) (*http.Response, error) { return nil, nil })
		var told []retry.Attempt
		p.OnAttempt = func(a retry.Attempt, _ retry.Decision) { told = append(told, a) }
		resp, err := retry.New(s, p).RoundTrip(place("GET", "").Request)
		assert.Nil(t, resp)
		require.EqualError(t, err, "retry: the base RoundTripper returned neither a response nor an error")
		assert.Equal(t, 1, s.attempts(), "it would only do so again")
		require.Len(t, told, 1)
		assert.Equal(t, err, told[0].Err)
	}
}

func TestOfAResponseWithAnErrorTheErrorCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		both := together(answer(200, "Retry-After", "9"), errPeerReset)
		o, s := place("GET", ""), play(both, fail(errPeerReset), both, answer(200))
		resp := mustEnd(t, retry.New(s, every(time.Second)), o)
		assert.Equal(t, []time.Duration{0, 10 * time.Second, 11 * time.Second, 21 * time.Second}, s.times())
		assert.Empty(t, s.left(o, resp))
		bare := play(together(bodiless(200), errPeerReset))
		resp, err := retry.New(bare, retry.Policy{}).RoundTrip(place("POST", "").Request)
		assert.Nil(t, resp)
		assert.Same(t, errPeerReset, err)
	})
}

// Promises 7 and 8, through nested Transports: what a dial says proves nothing to anybody if there was a response.
func TestAnOuterTransportLearnsOfAResponseThatCameWithAnError(t *testing.T) {
	for _, row := range []struct {
		method string
		header []string
		times  []time.Duration
	}{
		{"POST", nil, []time.Duration{0}},
		{"POST", []string{"Retry-After", "10"}, []time.Duration{0}},
		{"GET", []string{"Retry-After", "10"}, []time.Duration{0, 10 * time.Second}},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := play(together(answer(503, row.header...), errDialRefused), answer(200))
			resp, err := retry.New(retry.New(s, retry.Policy{MaxAttempts: 1}), every(0)).RoundTrip(place(row.method, "").Request)
			drop(resp)
			assert.Equal(t, row.times, s.times(), row)
			if len(row.times) == 1 {
				assert.ErrorIs(t, err, errDialRefused)
			}
		})
	}
}

func TestANilBodyIsTolerated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := play(bodiless(503), bodiless(429), bodiless(200))
		resp := mustEnd(t, retry.New(s, within(time.Minute)), place("GET", ""))
		assert.Equal(t, 3, s.attempts())
		assert.Nil(t, resp.Body)
	})
}

func TestANilRequestURLOrHeaderIsAsWithHTTPTransport(t *testing.T) {
	bare := &http.Transport{}
	assert.Panics(t, func() { _, _ = bare.RoundTrip(nil) })
	assert.Panics(t, func() { _, _ = retry.New(bare, retry.Policy{}).RoundTrip(nil) })
	for _, d := range atOnce {
		for _, p := range []retry.Policy{{}, {AttemptTimeout: time.Minute}, {Gate: new(retry.Gate)}} {
			plain, o := place("PUT", "payload"), place("PUT", "payload")
			d.spoil(plain.Request)
			d.spoil(o.Request)
			_, want := bare.RoundTrip(plain.Request)
			_, err := retry.New(bare, p).RoundTrip(o.Request)
			assert.Equal(t, want, err, d.name)
			assert.True(t, o.bodies[0].isClosed(), d.name)
		}
	}
	synctest.Test(t, func(t *testing.T) {
		for _, d := range atOnce {
			o := place("PUT", "payload")
			d.spoil(o.Request)
			nested := retry.New(retry.New(play(answer(503), answer(200)), retry.Policy{}), retry.Policy{})
			assert.NotPanics(t, func() { mustEnd(t, nested, o) }, d.name)
		}
	})
}

func TestRequestCancelEndsTheWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, gone := place("GET", ""), make(chan struct{})
		o.Cancel = gone
		time.AfterFunc(time.Second, func() { close(gone) })
		s := play(answer(503, "Retry-After", "9"))
		_, err := retry.New(s, retry.Policy{}).RoundTrip(o.Request)
		assert.ErrorIs(t, err, context.Canceled)
		assert.Equal(t, time.Second, time.Since(s.begin))
		assert.Empty(t, s.left(o, nil))

		s = play(answer(503))
		mustEnd(t, retry.New(s, retry.Policy{}), o)
		assert.Equal(t, 1, s.attempts(), "canceled before the decision: the response is returned")
	})
}

// A mock returns one response for all calls, and leaves its Request nil. Nothing is written into it, and who reads
// AttemptNumber finds the request that was sent.
func TestABaseMayShareItsResponse(t *testing.T) {
	for _, timeout := range []time.Duration{0, time.Minute} {
		for status, attempts := range map[int]int{200: 1, 503: 4} {
			one := &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(""))}
			was := *one
			client := retry.New(roundTripperFunc(func(*http.Request) (*http.Response, error) { return one, nil }),
				retry.Policy{Backoff: retry.Constant(0), Budget: retry.Unlimited, AttemptTimeout: timeout})
			var all sync.WaitGroup
			for range 8 {
				all.Go(func() {
					resp, err := client.RoundTrip(place("GET", "").Request)
					if assert.NoError(t, err) && assert.NotNil(t, resp.Request) {
						assert.Equal(t, attempts, retry.AttemptNumber(resp.Request.Context()))
					}
				})
			}
			all.Wait()
			assert.Equal(t, was, *one, "status %d, AttemptTimeout %v", status, timeout)
		}
	}
}

func TestWhoLooksForTheTransportInsideFindsIt(t *testing.T) {
	base := &http.Transport{}
	tr := retry.New(base, retry.Policy{})
	for _, rt := range []http.RoundTripper{tr, tr.PlainErrors()} {
		wrapper, ok := rt.(interface{ WrappedRoundTripper() http.RoundTripper })
		require.True(t, ok)
		assert.Same(t, base, wrapper.WrappedRoundTripper())
		_, ok = rt.(interface{ CloseIdleConnections() })
		assert.True(t, ok)
	}
	_, ok := new(retry.Transport).WrappedRoundTripper().(*http.Transport)
	assert.True(t, ok, "the zero Transport's own base")
}

func TestASuccessTellsTheDecisionAndTheBudget(t *testing.T) {
	other := new(retry.Budget)
	for name, row := range map[string]struct {
		p          retry.Policy // in the context
		own, other float64
	}{
		"of the Transport":      {retry.Policy{}, 4.1, 4},
		"with other attempts":   {retry.Policy{MaxAttempts: 2}, 4.1, 4},
		"with another Budget":   {retry.Policy{Budget: other}, 4, 4.1},
		"and with a read ahead": {retry.Policy{ReadAhead: 1}, 4.1, 4},
	} {
		synctest.Test(t, func(t *testing.T) {
			own, told := new(retry.Budget), retry.Decision{Retry: true, Reason: io.EOF}
			*other = retry.Budget{}
			o := place("GET", "").under(retry.WithPolicy(t.Context(), row.p))
			require.True(t, own.Spend(o.URL.Host, time.Now()) && other.Spend(o.URL.Host, time.Now()))
			rt := retry.New(play(answer(200)), retry.Policy{Budget: own})
			mustEnd(t, rt, o)
			assert.InDelta(t, row.own, own.Balance(o.URL), 1e-9, name)
			assert.InDelta(t, row.other, other.Balance(o.URL), 1e-9, name)
			mustEnd(t, rt, o.under(retry.WithDecision(o.Context(), &told)))
			assert.Equal(t, retry.Decision{}, told, name)
		})
	}
}
