package retry_test

import (
	"context"
	"errors"
	"io"
	"math"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-e3550de8/retry"
)

// Promise 4, also if it is the body's own panic that ends the call.
func TestABodyThatPanicsIsClosedOnceAndSoIsTheBodyOfTheNextAttempt(t *testing.T) {
	panicking := func(<-chan struct{}) (int, error) { panic("mine") }
	for name, body := range map[string]*hostile{
		"Read":  {read: panicking, close: nothing},
		"Close": {read: eof, close: panicking},
		"both":  {read: panicking, close: panicking},
	} {
		synctest.Test(t, func(t *testing.T) {
			first := func(req *http.Request) (*http.Response, error) {
				return &http.Response{StatusCode: 503, ProtoMajor: 1, ContentLength: -1, Body: body, Request: req}, nil
			}
			o, s := place("PUT", "payload"), play(first, answer(200))
			func() {
				defer func() { _ = recover() }()
				drop(mustEnd(t, retry.New(s, every(time.Second)), o))
			}()
			assert.EqualValues(t, 1, body.closes.Load(), name)
			assert.Empty(t, s.left(o, nil), name)
		})
	}
}

func TestABodyThatComesTooLateAndPanicsEndsNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := place("PUT", "payload")
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		o.under(ctx)
		late := &hostile{read: eof, close: func(<-chan struct{}) (int, error) { panic("late") }}
		o.GetBody = func() (io.ReadCloser, error) { time.Sleep(time.Hour); return late, nil }
		_, err := retry.New(play(answer(503)), every(time.Second)).RoundTrip(o.Request)
		require.Error(t, err)
		time.Sleep(2 * time.Hour)
		assert.EqualValues(t, 1, late.closes.Load())
	})
}

func TestAGateHoldsForTheRetryAfterWhateverItsRandSays(t *testing.T) {
	for _, u := range []float64{-1, -1e300, 2, 1e300, math.NaN(), math.Inf(1), math.Inf(-1)} {
		synctest.Test(t, func(t *testing.T) {
			p := retry.Policy{MaxAttempts: 1, Gate: &retry.Gate{Rand: func() float64 { return u }}}
			s := play(answer(503, "Retry-After", "10"), answer(200))
			rt := retry.New(s, p)
			drop(mustEnd(t, rt, place("GET", "")))
			drop(mustEnd(t, rt, place("GET", "")))
			assert.GreaterOrEqual(t, s.times()[1], 10*time.Second, u)
			assert.LessOrEqual(t, s.times()[1], 20*time.Second, u)
		})
	}
}

func TestPeekEndsWithTheCancelChannel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		body := &hostile{read: blocking, close: nothing, end: make(chan struct{})}
		defer close(body.end)
		cancel := make(chan struct{})
		time.AfterFunc(time.Second, func() { close(cancel) })
		begin := time.Now()
		//lint:ignore SA1019 it must go on working
		req := &http.Request{Cancel: cancel}
		_, err := retry.Peek(&http.Response{StatusCode: 503, Body: body, Request: req}, 10)
		require.Error(t, err)
		assert.LessOrEqual(t, time.Since(begin), time.Second+slack)
	})
}

// Promises 7 and 8, through nested Transports, if a base breaks the contract of RoundTrippers.
func TestAnOuterTransportLearnsOfAResponseThatCameWithAnError(t *testing.T) {
	for method, attempts := range map[string]int{"POST": 1, "GET": 2} {
		synctest.Test(t, func(t *testing.T) {
			both := func(req *http.Request) (*http.Response, error) {
				resp, _ := answer(503, "Retry-After", "10")(req)
				return resp, errDialRefused
			}
			s := play(both, answer(200))
			rt := retry.New(retry.New(s, retry.Policy{MaxAttempts: 1}), every(0))
			resp, err := rt.RoundTrip(place(method, "").Request)
			drop(resp)
			assert.Equal(t, method == "POST", errors.Is(err, errDialRefused))
			require.Equal(t, attempts, s.attempts(), method)
			assert.GreaterOrEqual(t, s.times()[attempts-1], time.Duration(attempts-1)*10*time.Second)
		})
	}
}

func TestReadAheadEndsWithTheRequestWhateverTheResponseSaysItIsOf(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		body := &hostile{read: blocking, close: nothing, end: make(chan struct{})}
		defer close(body.end)
		s := play(func(*http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: 200, ContentLength: -1, Body: body, Request: &http.Request{}}, nil
		})
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		begin := time.Now()
		resp, _ := retry.New(s, retry.Policy{ReadAhead: 10}).RoundTrip(place("GET", "").under(ctx).Request)
		drop(resp)
		assert.LessOrEqual(t, time.Since(begin), time.Minute+slack)
	})
}

// MaxAttempts of 1 disables retries, also in an operation, which makes them.
func TestATransportWithoutRetriesLeavesThemToDo(t *testing.T) {
	for _, attempts := range []int{1, -1} {
		synctest.Test(t, func(t *testing.T) {
			s := play(answer(503), answer(503), answer(503), answer(503), answer(503))
			rt, runs := retry.New(s, retry.Policy{MaxAttempts: attempts}), 0
			_, err := retry.Do(t.Context(), every(0), func(ctx context.Context) (int, error) {
				runs++
				resp, err := rt.RoundTrip(place("GET", "").under(ctx).Request)
				require.NoError(t, err)
				drop(resp)
				return 0, errors.New("not now")
			})
			require.Error(t, err)
			assert.Equal(t, 4, runs)
			assert.Equal(t, 4, s.attempts())
		})
	}
}

// Promise 8, through operations, if a retry is announced and cannot be made, and if Classify gives the request up.
func TestAnOperationWaitsForTheRetryAfterOfACallThatGaveUp(t *testing.T) {
	giveUp := retry.Policy{Classify: func(retry.Attempt) retry.Class { return retry.Final }}
	both := func(req *http.Request) (*http.Response, error) {
		resp, _ := answer(200, "Retry-After", "10")(req)
		return resp, errPeerReset
	}
	for name, row := range map[string]struct {
		first  reply
		policy retry.Policy
	}{
		"GetBody fails":                                  {answer(503, "Retry-After", "10"), every(0)},
		"Final, a response and an error":                 {both, giveUp},
		"Final, a response that the status says to pass": {answer(503, "Retry-After", "10"), giveUp},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := play(row.first, answer(200))
				rt := retry.New(s, row.policy)
				_, _ = retry.Do(t.Context(), every(0), func(ctx context.Context) (int, error) {
					o := place("PUT", "payload").under(ctx)
					o.GetBody = func() (io.ReadCloser, error) { return nil, errFileGone }
					resp, err := rt.RoundTrip(o.Request)
					defer drop(resp)
					if err == nil && resp.StatusCode != 200 {
						err = errors.New("not now")
					}
					return 0, err
				})
				require.Equal(t, 2, s.attempts())
				assert.GreaterOrEqual(t, s.times()[1], 10*time.Second)
			})
		})
	}
}
