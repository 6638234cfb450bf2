package retry_test

import (
	"bytes"
	"context"
	"io"
	"math"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/seed-e3550de8/retry"
)

// A silentContext is done, and does not say so.
type silentContext struct{ context.Context }

func (silentContext) Err() error { return nil }

// Promises 8 and 9 do not depend on whether a context's Err agrees with its Done.
func TestAContextThatIsDoneWithoutAnErrorLetsNothingBeSentEarly(t *testing.T) {
	for name, gate := range map[string]*retry.Gate{"the wait": nil, "the gate": new(retry.Gate)} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(time.Second, cancel)
			s := play(answer(503, "Retry-After", "9"), answer(200))
			_, err := retry.New(s, retry.Policy{Gate: gate}).RoundTrip(place("GET", "").under(silentContext{ctx}).Request)
			assert.ErrorIs(t, err, context.Canceled, name)
			assert.Equal(t, 1, s.attempts(), name)
			assert.Equal(t, time.Second, time.Since(s.begin), name)
		})
	}
}

// A group of requests is canceled with the error of the one that failed, which is the end of that one alone.
func TestTheCauseOfARunsContextIsNotTheEndOfTheOperation(t *testing.T) {
	spent := &retry.Error{Attempts: 4, Reason: retry.ErrBudget}
	for name, cause := range map[string]error{"a Budget elsewhere": spent, "lying": lying{}, "panicking": panics{}} {
		synctest.Test(t, func(t *testing.T) {
			runs := 0
			_, err := retry.Do(t.Context(), every(time.Second), func(ctx context.Context) (int, error) {
				if runs++; runs > 1 {
					return 0, nil
				}
				ctx, cancel := context.WithCancelCause(ctx)
				time.AfterFunc(time.Second, func() { cancel(cause) })
				return 0, get(ctx, retry.New(play(bad), every(time.Minute)), "http://a.example/")
			})
			assert.NoError(t, err, name)
			assert.Equal(t, 2, runs, name)
		})
	}
}

type lying struct{}

func (lying) Error() string { return "lying" }
func (lying) Is(error) bool { return true }

type panics struct{}

func (panics) Error() string { return "panics" }
func (panics) Is(error) bool { panic("Is") }

// A panic that comes as a retry is given up, or before anything is sent, leaks no more than any other.
func TestAPanicAtTheEdgesOfACallLeaksNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, s, asked := place("PUT", "payload"), play(answer(503)), 0
		o.GetBody = func() (io.ReadCloser, error) { return nil, errFileGone }
		p := every(time.Second)
		p.RetryAfter = func(*http.Response, time.Time) (time.Duration, bool) {
			if asked++; asked == 2 {
				panic("asked again")
			}
			return 0, false
		}
		assert.PanicsWithValue(t, "asked again", func() {
			_, _ = retry.Do(t.Context(), p, func(ctx context.Context) (int, error) {
				_, err := retry.New(s, p).RoundTrip(o.under(ctx).Request)
				return 0, err
			})
		})
		assert.Empty(t, s.left(o, nil))
	})
	synctest.Test(t, func(t *testing.T) {
		s, gate := play(answer(503, "Retry-After", "9")), &retry.Gate{Rand: func() float64 { panic("Rand") }}
		p := retry.Policy{MaxAttempts: 1, Gate: gate}
		mustEnd(t, retry.New(s, p), place("GET", ""))
		o := place("PUT", "payload")
		assert.PanicsWithValue(t, "Rand", func() { _, _ = retry.New(s, p).RoundTrip(o.Request) })
		assert.Empty(t, s.left(o, nil))
		v := &vault{text: bytes.NewReader([]byte("text"))}
		assert.PanicsWithValue(t, "Rand", func() { _, _ = retry.New(s, p).RoundTrip(putting(t, v)) })
		assert.True(t, v.over(t)(), "a file too")
	})
}

func TestAbandonWithoutAPriceGivesNothingBack(t *testing.T) {
	for _, price := range []float64{math.NaN(), -1, 0, math.Inf(-1)} {
		b := new(retry.Budget)
		assert.True(t, b.SpendOn(apiURL, 3, time.Now()))
		retry.Policy{Budget: b}.Abandon(attempted(1, 503), retry.Decision{Price: price}, time.Now())
		assert.InDelta(t, 2, b.Balance(apiURL), 0.01, "%v", price)
	}
}

// A Transport without retries has a Budget like any other, for the requests that bring a policy of their own.
func TestTheFewestAttemptsMakeNoLargerFloor(t *testing.T) {
	for _, n := range []int{1, -1, math.MinInt} {
		synctest.Test(t, func(t *testing.T) {
			s := play(answer(503))
			rt, ctx := retry.New(s, retry.Policy{MaxAttempts: n}), retry.WithPolicy(t.Context(), every(0))
			ctx = retry.WithPolicy(ctx, retry.Policy{MaxAttempts: 4})
			for range 9 {
				mustEnd(t, rt, place("GET", "").under(ctx))
			}
			assert.Equal(t, 9+5, s.attempts(), n)
		})
	}
}

func TestTheLargestSizeIsOneThatIsDeclared(t *testing.T) {
	req := newRequest(t, "PUT", "http://api.example/", "")
	retry.SetBody(req, strings.NewReader("text"), math.MaxInt64)
	_, err := io.ReadAll(req.Body)
	assert.ErrorIs(t, err, io.ErrUnexpectedEOF)
	assert.NoError(t, req.Body.Close())
}
