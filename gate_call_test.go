package retry_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-e3550de8/retry"
)

// refusing answers 503 and a Retry-After until it is well.
func refusing(seconds int, well time.Time) reply {
	return func(req *http.Request) (*http.Response, error) {
		if time.Now().Before(well) {
			return bodiless(503, "Retry-After", fmt.Sprint(seconds))(req)
		}
		return bodiless(200)(req)
	}
}

func TestACallWaitsAtItsGateAndAsksAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := play(refusing(10, time.Now().Add(15*time.Second)))
		draw := make(chan float64, 9)
		p := retry.Policy{MaxAttempts: 1, Gate: &retry.Gate{Rand: func() float64 { return <-draw }}}
		held := make(chan time.Duration, 3)
		p.OnAttempt = func(a retry.Attempt, _ retry.Decision) { held <- a.Held }
		rt := retry.New(s, p)
		mustEnd(t, rt, place("POST", ""))
		draw <- 0.2 // until 12s, and is refused again
		var other sync.WaitGroup
		other.Go(func() { mustEnd(t, rt, place("GET", "")) })
		synctest.Wait()
		draw <- 0.4 // until 14s
		draw <- 0.5 // until 22s + 5s
		mustEnd(t, rt, place("PUT", "payload"))
		other.Wait()
		assert.Equal(t, []time.Duration{0, 12 * time.Second, 27 * time.Second}, s.times())
		assert.Equal(t, s.times(), []time.Duration{<-held, <-held, <-held})
	})
}

var errGone = errors.New("the user went away")

var refusedRows = []struct {
	name      string
	policy    retry.Policy // of the call
	end       time.Duration
	want      error
	wantDelay time.Duration
}{
	{"its deadline is before the release", retry.Policy{}, 10 * time.Second, retry.ErrDeadline, 15 * time.Second},
	{"MaxRetryAfter is too short", retry.Policy{MaxRetryAfter: 9 * time.Second}, 0, retry.ErrRetryAfter, 10 * time.Second},
	{"it is cancelled", retry.Policy{}, 3 * time.Second, errGone, 15 * time.Second},
	{"it is cancelled in the longest wait", retry.Policy{MaxRetryAfter: longest}, time.Hour, errGone, longest},
}

func TestAGateEndsARequestAtOnceThatCannotWait(t *testing.T) {
	for _, row := range refusedRows {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancelCause(retry.WithPolicy(t.Context(), row.policy))
			begin, retryAfter, took := time.Now(), 10, row.end
			if row.want != errGone {
				var stop context.CancelFunc
				ctx, stop = context.WithTimeout(ctx, row.end+time.Hour*time.Duration(1-min(row.end, 1)))
				defer stop()
				took = 0
			} else {
				time.AfterFunc(row.end, func() { cancel(errGone) })
			}
			if row.wantDelay == longest {
				retryAfter = 9223372036
			}
			s := play(refusing(retryAfter, begin.Add(time.Hour)))
			client := retry.New(s, retry.Policy{Gate: drawing(0.5), MaxRetryAfter: max(row.policy.MaxRetryAfter, time.Minute)})
			mustEnd(t, client, place("POST", ""))
			o := place("PUT", "payload")
			var told []retry.Attempt
			var d, last retry.Decision
			p := retry.Policy{OnAttempt: func(a retry.Attempt, one retry.Decision) { told, d = append(told, a), one }}
			o.under(retry.WithDecision(retry.WithPolicy(ctx, p), &last))

			_, err := client.RoundTrip(o.Request)

			require.ErrorIs(t, err, row.want, row.name)
			assert.Zero(t, err.(*retry.Error).Attempts)
			assert.Equal(t, took, time.Since(begin), row.name)
			assert.Empty(t, s.left(o, nil), "the caller's body is closed, though nothing was sent")
			assert.Equal(t, 1, s.attempts())
			assert.Equal(t, []retry.Attempt{{Request: o.Request, Err: err}}, told, "OnAttempt hears of it once")
			assert.Equal(t, retry.Decision{Class: retry.Transient, Delay: row.wantDelay, FromServer: true, Reason: d.Reason}, d, row.name)
			assert.Equal(t, d, last)
			cancel(nil)
		})
	}
}

// Where time goes by, none of it may be taken for a wait: in a bubble it stands still.
func TestAGateThatIsShutForTooLongSendsNothingWhileTimeGoesBy(t *testing.T) {
	s := play(answer(200))
	_, err := retry.New(s, retry.Policy{Gate: shut(t), MaxRetryAfter: time.Second}).RoundTrip(putting(t, nil))
	assert.ErrorIs(t, err, retry.ErrRetryAfter)
	assert.Zero(t, s.attempts())
}

var heldRows = []struct {
	name    string
	first   reply         // of the call; nil if its first attempt is held itself, for 12s
	again   time.Duration // when somebody else is told to wait for 10s
	within  time.Duration
	want    []time.Duration // attempts
	held    []time.Duration
	wantErr error
}{
	{"a retry", answer(503), 4 * time.Second, time.Hour, []time.Duration{0, 16 * time.Second}, []time.Duration{0, 10 * time.Second}, nil},
	{"a retry, too long", answer(503), 4 * time.Second, 15 * time.Second, []time.Duration{0}, []time.Duration{0}, retry.ErrDeadline},
	{"a held request", nil, 11 * time.Second, time.Hour, []time.Duration{23 * time.Second}, []time.Duration{23 * time.Second}, nil},
	{"a held request, too long", nil, 11 * time.Second, 20 * time.Second, nil, []time.Duration{12 * time.Second}, retry.ErrDeadline},
}

// A retry, and a request that was held, may be held again by what others have been told in the meantime.
func TestACallIsHeldForLongerThanItWasTold(t *testing.T) {
	for _, row := range heldRows {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), row.within)
			defer cancel()
			var held []time.Duration
			var d retry.Decision
			p := retry.Policy{
				Gate: drawing(0.2), Backoff: retry.Constant(6 * time.Second), Budget: new(retry.Budget),
				OnAttempt: func(a retry.Attempt, _ retry.Decision) { held = append(held, a.Held) },
			}
			if row.first == nil {
				row.first = answer(200)
				refused(retry.Policy{Gate: p.Gate}, 10, time.Now())
			}
			time.AfterFunc(row.again, func() { refused(retry.Policy{Gate: p.Gate}, 10, time.Now()) })
			s := play(row.first, answer(200))
			resp, err := retry.New(s, p).RoundTrip(place("GET", "").under(retry.WithDecision(ctx, &d)).Request)
			drop(resp)
			assert.Equal(t, row.want, s.times(), row.name)
			assert.Equal(t, row.held, held, row.name)
			assert.Equal(t, row.wantErr, d.Reason, row.name)
			assert.False(t, d.Retry)
			assert.InDelta(t, 5, p.Budget.Balance(apiURL), 1e-9, row.name)
			if row.wantErr == nil {
				assert.NoError(t, err, row.name)
				return
			}
			whole, ok := errors.AsType[*retry.Error](err)
			require.True(t, ok, row.name)
			assert.Equal(t, len(row.want), whole.Attempts)
			assert.Equal(t, 503*len(row.want), whole.StatusCode, row.name)
			assert.ErrorIs(t, err, row.wantErr)
		})
	}
}
