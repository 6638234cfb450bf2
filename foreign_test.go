package retry_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-e3550de8/retry"
)

// slack is how much later than promised a call may end because of somebody else's code.
const slack = 20 * time.Millisecond

// A hostile body does what a body should not, until the end of the test.
type hostile struct {
	read, close func(end <-chan struct{}) (int, error)
	end         chan struct{}
	reads       atomic.Int64
	closes      atomic.Int64
}

func (h *hostile) Read([]byte) (int, error) {
	h.reads.Add(1)
	return h.read(h.end)
}

func (h *hostile) Close() error {
	h.closes.Add(1)
	_, err := h.close(h.end)
	return err
}

func eof(<-chan struct{}) (int, error)     { return 0, io.EOF }
func nothing(<-chan struct{}) (int, error) { return 0, nil }

func dripping(end <-chan struct{}) (int, error) {
	select {
	case <-time.After(10 * time.Millisecond):
		return 1, nil
	case <-end:
		return 0, io.EOF
	}
}

func blocking(end <-chan struct{}) (int, error) {
	<-end
	return 0, io.EOF
}

var hostileBodies = map[string]*hostile{
	"a Close that blocks":                        {read: eof, close: blocking},
	"a Close that ends no Read that blocks":      {read: blocking, close: nothing},
	"a Close that ends no drip":                  {read: dripping, close: nothing},
	"a Read that returns nothing, for ever":      {read: nothing, close: nothing},
	"both block":                                 {read: blocking, close: blocking},
	"a drip, and a Close that waits for its end": {read: dripping, close: blocking},
}

// eachHostileBody runs f in a bubble with each body, and demands that nobody reads it when f is done with it.
func eachHostileBody(t *testing.T, f func(t *testing.T, body *hostile)) {
	for name, like := range hostileBodies {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				body := &hostile{read: like.read, close: like.close, end: make(chan struct{})}
				defer close(body.end)
				f(t, body)
				time.Sleep(20 * time.Millisecond) // a Read that was pending ends
				reads := body.reads.Load()
				time.Sleep(time.Hour)
				assert.Equal(t, reads, body.reads.Load(), "read on for nobody")
				assert.EqualValues(t, 1, body.closes.Load())
			})
		})
	}
}

// Promise 11: a discarded body makes no retry later than its backoff, or than 10ms; promise 9: nor the end of the call
// later than its deadline.
func TestNoBodyHoldsARetry(t *testing.T) {
	for kind, shape := range map[string]func(*http.Response){
		"HTTP/1": func(r *http.Response) { r.ProtoMajor, r.ContentLength = 1, -1 },
		"HTTP/2": func(r *http.Response) { r.ProtoMajor, r.ContentLength = 2, -1 },
		"408":    func(r *http.Response) { r.ProtoMajor, r.StatusCode = 1, 408 },
	} {
		for _, method := range []string{"GET", "PUT"} {
			for _, wait := range []time.Duration{0, 5 * time.Millisecond, 2 * time.Second} {
				t.Run(fmt.Sprint(kind, " ", method, " ", wait), func(t *testing.T) {
					eachHostileBody(t, func(t *testing.T, body *hostile) {
						first := func(req *http.Request) (*http.Response, error) {
							resp := &http.Response{StatusCode: 503, Header: http.Header{}, Body: body, Request: req}
							shape(resp)
							return resp, nil
						}
						o := place(method, map[string]string{"PUT": "payload"}[method])
						s := play(first, answer(200))
						mustEnd(t, retry.New(s, every(wait)), o)
						require.Equal(t, 2, s.attempts())
						assert.LessOrEqual(t, s.times()[1], max(wait, retry.Grace)+retry.Grace)
						assert.GreaterOrEqual(t, s.times()[1], wait)
					})
				})
			}
		}
	}
}

// Each path on which a response is thrown away, at the end of a call.
func TestNoBodyHoldsTheEndOfACall(t *testing.T) {
	const end = 30 * time.Second // of the context
	for name, row := range map[string]struct {
		takes  time.Duration // the base
		err    error
		policy retry.Policy
		ends   time.Duration
	}{
		"canceled in the wait":      {0, nil, every(time.Minute), end},
		"a response and an error":   {0, errPeerReset, retry.Policy{MaxAttempts: 1}, 0},
		"a panic of a function":     {0, nil, retry.Policy{Classify: func(retry.Attempt) retry.Class { panic("mine") }}, 0},
		"an attempt that timed out": {2 * time.Second, nil, retry.Policy{AttemptTimeout: 1, MaxAttempts: 1}, 2 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			eachHostileBody(t, func(t *testing.T, body *hostile) {
				ctx, cancel := context.WithCancel(t.Context())
				defer time.AfterFunc(end, cancel).Stop()
				base := func(req *http.Request) (*http.Response, error) {
					req.Body.Close()
					time.Sleep(row.takes)
					return &http.Response{StatusCode: 503, ProtoMajor: 1, Body: body, Request: req}, row.err
				}
				begin := time.Now()
				send := func() {
					_, _ = retry.New(roundTripperFunc(base), row.policy).RoundTrip(place("PUT", "payload").under(ctx).Request)
				}
				if row.policy.Classify == nil {
					send()
				} else {
					assert.PanicsWithValue(t, "mine", send)
				}
				assert.LessOrEqual(t, time.Since(begin), row.ends+slack)
			})
		})
	}
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

func TestAGateHoldsForTheRetryAfterWhateverItsRandSays(t *testing.T) {
	for _, u := range []float64{-1, -1e300, 2, 1e300, math.NaN(), math.Inf(1), math.Inf(-1)} {
		synctest.Test(t, func(t *testing.T) {
			p := retry.Policy{MaxAttempts: 1, Gate: &retry.Gate{Rand: func() float64 { return u }}}
			s := play(answer(503, "Retry-After", "10"), answer(200))
			rt := retry.New(s, p)
			mustEnd(t, rt, place("GET", ""))
			mustEnd(t, rt, place("GET", ""))
			assert.GreaterOrEqual(t, s.times()[1], 10*time.Second, u)
			assert.LessOrEqual(t, s.times()[1], 20*time.Second, u)
		})
	}
}
