package retry_test

import (
	"context"
	"errors"
	"fmt"
	"io"
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
		"HTTP/1":            func(r *http.Response) { r.ProtoMajor, r.ContentLength = 1, -1 },
		"HTTP/2":            func(r *http.Response) { r.ProtoMajor, r.ContentLength = 2, -1 },
		"408":               func(r *http.Response) { r.ProtoMajor, r.StatusCode = 1, 408 },
		"Connection: close": func(r *http.Response) { r.ProtoMajor, r.Close = 1, true },
		"1 MiB":             func(r *http.Response) { r.ProtoMajor, r.ContentLength = 1, 1<<20 },
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
	const at = time.Second
	respond := func(body io.ReadCloser, err error) reply {
		return func(req *http.Request) (*http.Response, error) {
			req.Body.Close()
			return &http.Response{StatusCode: 503, ProtoMajor: 1, Header: http.Header{}, Body: body, Request: req}, err
		}
	}
	for name, row := range map[string]struct {
		err    error
		policy retry.Policy
		end    func(cancel context.CancelFunc)
		wait   time.Duration // from the beginning to the end
		panics bool
	}{
		"canceled in the wait": {nil, every(time.Minute), func(c context.CancelFunc) { time.AfterFunc(at, c) }, at, false},
		"canceled in OnAttempt": {nil, retry.Policy{Backoff: retry.Constant(time.Minute)}, func(c context.CancelFunc) {
			time.AfterFunc(at, c)
		}, at, false},
		"a response and an error":   {errPeerReset, retry.Policy{MaxAttempts: 1}, nil, 0, false},
		"a panic of a function":     {nil, retry.Policy{Classify: func(retry.Attempt) retry.Class { panic("mine") }}, nil, 0, true},
		"an attempt that timed out": {nil, retry.Policy{AttemptTimeout: at, MaxAttempts: 1}, nil, 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			eachHostileBody(t, func(t *testing.T, body *hostile) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				answer := respond(body, row.err)
				if row.policy.AttemptTimeout > 0 {
					answer = func(req *http.Request) (*http.Response, error) {
						time.Sleep(2 * at)
						return respond(body, nil)(req)
					}
					row.wait = 2 * at
				}
				begin := time.Now()
				if row.end != nil {
					row.end(cancel)
				}
				send := func() {
					_, _ = retry.New(roundTripperFunc(answer), row.policy).RoundTrip(place("PUT", "payload").under(ctx).Request)
				}
				if row.panics {
					assert.PanicsWithValue(t, "mine", send)
				} else {
					send()
				}
				assert.LessOrEqual(t, time.Since(begin), row.wait+slack)
			})
		})
	}
}

// What a slow OnAttempt takes is a part of the wait, and not added to the drain.
func TestATimeThatIsSpentIsNotSpentTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := every(time.Second)
		p.OnAttempt = func(_ retry.Attempt, d retry.Decision) {
			if d.Retry {
				time.Sleep(time.Second)
			}
		}
		s := play(page(503, drip(time.Millisecond, -1)), answer(200))
		mustEnd(t, retry.New(s, p), place("GET", ""))
		assert.LessOrEqual(t, s.times()[1], time.Second+retry.Grace)
	})
}

func TestAGetBodyThatBlocksHoldsNoRequestPastItsDeadline(t *testing.T) {
	for name, end := range map[string]func(context.Context) (context.Context, context.CancelFunc){
		"a deadline": func(ctx context.Context) (context.Context, context.CancelFunc) {
			return context.WithTimeout(ctx, time.Minute)
		},
		"a cancel": func(ctx context.Context) (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancel(ctx)
			time.AfterFunc(time.Minute, cancel)
			return ctx, cancel
		},
	} {
		for outcome, first := range map[string]reply{"503": answer(503), "reset": fail(errPeerReset)} {
			t.Run(name+" after a "+outcome, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					ctx, cancel := end(t.Context())
					defer cancel()
					o := place("PUT", "payload").under(ctx)
					late := watch("a body that comes late", http.NoBody)
					free := make(chan struct{})
					o.GetBody = func() (io.ReadCloser, error) { <-free; return late, nil }
					s := play(first)
					begin := time.Now()
					_, err := retry.New(s, every(time.Second)).RoundTrip(o.Request)
					require.ErrorIs(t, err, ctx.Err())
					assert.LessOrEqual(t, time.Since(begin), time.Minute+slack)
					assert.Equal(t, 1, s.attempts())
					assert.Empty(t, s.left(o, nil))
					close(free)
					synctest.Wait()
					assert.True(t, late.isClosed(), "the body that nobody waits for any more")
				})
			})
		}
	}
}

func TestAPanicThatComesTooLateEndsNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := place("PUT", "payload")
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		o.under(ctx)
		o.GetBody = func() (io.ReadCloser, error) { time.Sleep(time.Hour); panic("late") }
		_, err := retry.New(play(answer(503)), every(time.Second)).RoundTrip(o.Request)
		require.Error(t, err)
		time.Sleep(2 * time.Hour)
	})
}

var errFileGone = errors.New("the file is gone")

// The caller is never left with less than without this package.
func TestAGetBodyThatFailsLeavesTheResponseInHand(t *testing.T) {
	for name, getBody := range map[string]func() (io.ReadCloser, error){
		"an error":              func() (io.ReadCloser, error) { return nil, errFileGone },
		"an error and a body":   func() (io.ReadCloser, error) { return watch("useless", http.NoBody), errFileGone },
		"neither":               func() (io.ReadCloser, error) { return nil, nil },
		"an error after a wait": func() (io.ReadCloser, error) { time.Sleep(time.Second); return nil, errFileGone },
	} {
		synctest.Test(t, func(t *testing.T) {
			o := place("PUT", "payload")
			o.GetBody = getBody
			var d retry.Decision
			o.under(retry.WithDecision(t.Context(), &d))
			b := new(retry.Budget)
			s := play(answer(503, "X-Why", "quota"))
			resp, err := retry.New(s, retry.Policy{Backoff: retry.Constant(time.Second), Budget: b}).RoundTrip(o.Request)
			require.NoError(t, err, name)
			assert.Same(t, s.sent[0].resp, resp, name)
			text, err := io.ReadAll(resp.Body)
			require.NoError(t, err)
			assert.Equal(t, "body of 503", string(text), "unread")
			drop(resp)
			assert.ErrorIs(t, d.Reason, retry.ErrNotReplayable, "and the reason can be had")
			assert.False(t, d.Retry)
			assert.GreaterOrEqual(t, b.Balance(o.URL), 5.0, "a retry that was not made costs nothing")
		})
	}
}
