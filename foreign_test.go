package retry_test

import (
	"context"
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

// ends are what ends a request in a minute.
var ends = map[string]struct {
	end  func(*order)
	want error
}{
	"a deadline": {func(o *order) {
		ctx, cancel := context.WithTimeout(o.Context(), time.Minute)
		time.AfterFunc(time.Hour, cancel)
		o.under(ctx)
	}, context.DeadlineExceeded},
	"a cancel": {func(o *order) {
		ctx, cancel := context.WithCancel(o.Context())
		time.AfterFunc(time.Minute, cancel)
		o.under(ctx)
	}, context.Canceled},
	"a Cancel channel": {func(o *order) {
		gone := make(chan struct{})
		o.Cancel = gone
		time.AfterFunc(time.Minute, func() { close(gone) })
	}, context.Canceled},
}

// What comes late is closed, and its panics end nobody.
func TestAGetBodyThatBlocksHoldsNoRequestPastItsEnd(t *testing.T) {
	for name, row := range ends {
		for _, first := range []reply{answer(503), fail(errPeerReset)} {
			for _, late := range []*hostile{
				{read: eof, close: nothing},
				{read: eof, close: func(<-chan struct{}) (int, error) { panic("late") }},
				nil,
			} {
				synctest.Test(t, func(t *testing.T) {
					o, s := place("PUT", "payload"), play(first)
					row.end(o)
					o.GetBody = func() (io.ReadCloser, error) {
						time.Sleep(time.Hour)
						if late == nil {
							panic("late")
						}
						return late, nil
					}
					_, err := retry.New(s, every(time.Second)).RoundTrip(o.Request)
					require.ErrorIs(t, err, row.want, name)
					assert.LessOrEqual(t, time.Since(s.begin), time.Minute+slack, name)
					assert.Equal(t, 1, s.attempts(), name)
					time.Sleep(2 * time.Hour)
					assert.Empty(t, s.left(o, nil), name)
					if late != nil {
						assert.EqualValues(t, 1, late.closes.Load(), name)
					}
				})
			}
		}
	}
}
