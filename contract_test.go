package retry_test

import (
	"context"
	"errors"
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

func TestAPanicOfThePolicyGoesOnAndLeaksNothing(t *testing.T) {
	for name, p := range panicking(func() { panic("stop") }) {
		for outcome, one := range map[string]reply{"503": answer(503), "reset": fail(errPeerReset), "no body": bodiless(503)} {
			for _, timeout := range []time.Duration{0, time.Minute} {
				synctest.Test(t, func(t *testing.T) {
					p.AttemptTimeout = timeout
					o, s := place("PUT", "payload").under(newEndable(t)), play(one)
					assert.PanicsWithValue(t, "stop", func() { _, _ = retry.New(s, p).RoundTrip(o.Request) }, "%s, %s", name, outcome)
					assert.Empty(t, s.left(o, nil), "%s, %s", name, outcome)
				})
			}
		}
	}
}

func TestAGoexitInThePolicyLeaksNothing(t *testing.T) {
	for name, p := range panicking(runtime.Goexit) {
		synctest.Test(t, func(t *testing.T) {
			o, s := place("PUT", "payload"), play(answer(503))
			returned := false
			var wg sync.WaitGroup
			wg.Go(func() {
				_, _ = retry.New(s, p).RoundTrip(o.Request)
				returned = true
			})
			wg.Wait()
			assert.False(t, returned, name)
			assert.Empty(t, s.left(o, nil), name)
		})
	}
}

func TestAPanicAfterASuccessClosesTheResponse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := retry.Policy{OnAttempt: func(retry.Attempt, retry.Decision) { panic("stop") }}
		s := play(answer(200))
		assert.PanicsWithValue(t, "stop", func() { _, _ = retry.New(s, p).RoundTrip(place("GET", "").Request) })
		assert.Empty(t, s.left(place("GET", ""), nil))
	})
}

func bodiless(code int, header ...string) reply {
	return func(*http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: code, Header: headerOf(header...)}, nil
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
		both := func(req *http.Request) (*http.Response, error) {
			resp, _ := answer(200)(req)
			return resp, errPeerReset
		}
		o, s := place("GET", ""), play(both, both, answer(200))
		resp := mustEnd(t, retry.New(s, retry.Policy{}), o)
		assert.Equal(t, 3, s.attempts())
		assert.Empty(t, s.left(o, resp))

		bare := func(*http.Request) (*http.Response, error) { return &http.Response{StatusCode: 200}, errPeerReset }
		resp, err := retry.New(play(bare), retry.Policy{}).RoundTrip(place("POST", "").Request)
		assert.Nil(t, resp)
		assert.Same(t, errPeerReset, err)

		s = play(func(*http.Request) (*http.Response, error) { return &http.Response{StatusCode: 503}, errDialRefused })
		_, err = retry.New(retry.New(s, retry.Policy{}), retry.Policy{}).RoundTrip(place("POST", "").Request)
		assert.Error(t, err)
		assert.Equal(t, 1, s.attempts(), "an error of a dial proves nothing to anybody if there was a response")
	})
}

func TestANilBodyIsTolerated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := play(bodiless(503), bodiless(429), bodiless(200))
		resp := mustEnd(t, retry.New(s, within(time.Minute)), place("GET", ""))
		assert.Equal(t, 3, s.attempts())
		assert.Nil(t, resp.Body)
		resp, err := (&http.Client{Transport: retry.New(play(bodiless(503), bodiless(200)), retry.Policy{})}).Get("http://api.example/")
		require.NoError(t, err)
		drop(resp)
	})
}

func TestAResponseWithoutARequestGetsTheOneThatWasSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		attempts := 0
		resp, err := retry.New(roundTripperFunc(func(*http.Request) (*http.Response, error) {
			attempts++
			return &http.Response{StatusCode: []int{0, 503, 200}[attempts], Body: http.NoBody}, nil
		}), retry.Policy{}).RoundTrip(place("GET", "").Request)
		require.NoError(t, err)
		require.NotNil(t, resp.Request)
		assert.Equal(t, 2, retry.AttemptNumber(resp.Request.Context()))
	})
}

func TestANilRequestURLOrHeaderIsAsWithHTTPTransport(t *testing.T) {
	bare := &http.Transport{}
	assert.Panics(t, func() { _, _ = bare.RoundTrip(nil) })
	assert.Panics(t, func() { _, _ = retry.New(bare, retry.Policy{}).RoundTrip(nil) })
	for name, spoil := range defects {
		for _, p := range []retry.Policy{{}, {AttemptTimeout: time.Minute}, {Gate: new(retry.Gate)}} {
			plain, o := place("PUT", "payload"), place("PUT", "payload")
			spoil(plain.Request)
			spoil(o.Request)
			_, want := bare.RoundTrip(plain.Request)
			_, err := retry.New(bare, p).RoundTrip(o.Request)
			assert.Equal(t, want, err, name)
			assert.True(t, o.bodies[0].isClosed(), name)
		}
	}
	synctest.Test(t, func(t *testing.T) {
		for name, spoil := range defects {
			o := place("PUT", "payload")
			spoil(o.Request)
			nested := retry.New(retry.New(play(answer(503), answer(200)), retry.Policy{}), retry.Policy{})
			assert.NotPanics(t, func() { mustEnd(t, nested, o) }, name)
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

func TestClientTimeoutBoundsTheWholeCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := every(2 * time.Second)
		p.MaxAttempts = 99
		s := play(answer(503))
		resp, err := (&http.Client{Transport: retry.New(s, p), Timeout: 5 * time.Second}).Get("http://api.example/")
		require.NoError(t, err)
		assert.Equal(t, []time.Duration{0, 2 * time.Second, 4 * time.Second}, s.times())
		assert.Equal(t, 4*time.Second, time.Since(s.begin), "the wait would end too late, so the answer is the last response")
		text, err := io.ReadAll(resp.Body)
		assert.NoError(t, err)
		assert.Equal(t, "body of 503", string(text))
		drop(resp)
	})
}

func TestAClientMayBeTheBase(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := play(fail(errPeerReset))
		client := &http.Client{Transport: s}
		_, err := retry.New(roundTripperFunc(func(req *http.Request) (*http.Response, error) {
			again := req.Clone(req.Context())
			again.RequestURI = ""
			return client.Do(again)
		}), retry.Policy{}).RoundTrip(place("GET", "").Request)
		assert.Equal(t, 4, s.attempts())
		assert.True(t, errors.Is(err, errPeerReset))
	})
}

// A mock returns one response for all calls. Nothing is written into it.
func TestABaseMayShareItsResponse(t *testing.T) {
	for name, p := range map[string]retry.Policy{
		"plain": {Backoff: retry.Constant(0)}, "with an attempt timeout": {Backoff: retry.Constant(0), AttemptTimeout: time.Minute},
	} {
		for _, status := range []int{200, 503} {
			one := &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(""))}
			was := *one
			client := retry.New(roundTripperFunc(func(*http.Request) (*http.Response, error) { return one, nil }), p)
			var all sync.WaitGroup
			for range 8 {
				all.Go(func() {
					resp, err := client.RoundTrip(place("GET", "").Request)
					if assert.NoError(t, err) {
						assert.NotNil(t, resp.Request, "who reads AttemptNumber finds a Request")
					}
				})
			}
			all.Wait()
			assert.Equal(t, was, *one, name)
		}
	}
}
