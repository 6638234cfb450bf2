package retry_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-e3550de8/retry"
)

// Where time goes by, none of it may be taken for a wait: in a bubble it stands still.
func TestAGateThatIsShutForTooLongSendsNothingWhileTimeGoesBy(t *testing.T) {
	s := play(answer(200))
	_, err := retry.New(s, retry.Policy{Gate: shut(t), MaxRetryAfter: time.Second}).RoundTrip(putting(t, nil))
	assert.ErrorIs(t, err, retry.ErrRetryAfter)
	assert.Zero(t, s.attempts())
}

// A response that came with an error says when to come back, but not to others if nobody is to ask again.
func TestAGateIsNotClosedByWhatIsFinal(t *testing.T) {
	for class, want := range map[retry.Class]int{retry.Transient: 1, retry.Final: 0} {
		p := retry.Policy{Gate: new(retry.Gate), Classify: func(retry.Attempt) retry.Class { return class }}
		_, err := retry.New(play(both), p).RoundTrip(place("POST", "").Request)
		assert.ErrorIs(t, err, errPeerReset)
		assert.Equal(t, want, p.Gate.Held(), class)
	}
}

// What a gate does not let go within an operation is waited for before the next run.
func TestAnOperationWaitsForAGate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		base, p := play(answer(200)), retry.Policy{Gate: drawing(1), MaxRetryAfter: s}
		refused(retry.Policy{Gate: p.Gate}, 10, time.Now())
		runs := retry.Policy{Backoff: retry.Constant(2 * s), Gate: drawing(1)} // which is for requests
		_, err := retry.Do(t.Context(), runs, func(ctx context.Context) (int, error) {
			return 0, get(ctx, retry.New(base, p), apiURL.String())
		})
		assert.NoError(t, err)
		assert.Equal(t, []time.Duration{12 * s}, base.times())
	})
}

var errGone = errors.New("the user went away")

func TestAGateEndsARequestAtOnceThatCannotWait(t *testing.T) {
	for _, row := range []struct {
		name             string
		retryAfter       int
		longest          time.Duration // MaxRetryAfter of the call
		within, gone     time.Duration // until its deadline, and until it is cancelled; 0 for no deadline
		want             error
		wantDelay, wantT time.Duration
	}{
		{"its deadline is before the release", 10, 0, 10 * s, time.Hour, retry.ErrDeadline, 15 * s, 0},
		{"MaxRetryAfter is too short", 10, 9 * s, 0, time.Hour, retry.ErrRetryAfter, 10 * s, 0},
		{"it is cancelled", 10, 0, 0, 3 * s, errGone, 15 * s, 3 * s},
		{"it is cancelled in the longest wait", 9223372036, longest, 0, time.Hour, errGone, longest, time.Hour},
	} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancelCause(endingIn(t, row.within))
			defer cancel(nil)
			time.AfterFunc(row.gone, func() { cancel(errGone) })
			gate := drawing(0.5)
			refused(retry.Policy{Gate: gate, MaxRetryAfter: max(row.longest, time.Minute)}, row.retryAfter, time.Now())
			var told []retry.Attempt
			var d, last retry.Decision
			p := retry.Policy{Gate: gate, MaxRetryAfter: row.longest}
			p.OnAttempt = func(a retry.Attempt, one retry.Decision) { told, d = append(told, a), one }
			o, s := place("PUT", "payload").under(retry.WithDecision(ctx, &last)), play(answer(200))

			_, err := retry.New(s, p).RoundTrip(o.Request)

			require.ErrorIs(t, err, row.want, row.name)
			assert.Zero(t, err.(*retry.Error).Attempts)
			assert.Equal(t, row.wantT, time.Since(s.begin), row.name)
			assert.Empty(t, s.left(o, nil), "the caller's body is closed, though nothing was sent")
			assert.Zero(t, s.attempts())
			assert.Equal(t, []retry.Attempt{{Request: o.Request, Err: err}}, told, "OnAttempt hears of it once")
			want := retry.Decision{Class: retry.Transient, Delay: row.wantDelay, FromServer: true, Reason: d.Reason}
			assert.Equal(t, []retry.Decision{want, want}, []retry.Decision{d, last}, row.name)
		})
	}
}

var heldRows = []struct {
	name    string
	first   reply         // of the call; nil if its first attempt is held itself, for 12s
	again   time.Duration // when somebody else is told to wait for 10s
	within  time.Duration
	longest time.Duration   // MaxRetryAfter
	want    []time.Duration // attempts
	held    []time.Duration
	wantErr error
}{
	{"a retry", answer(503), 4 * s, time.Hour, 0, []time.Duration{0, 16 * s}, []time.Duration{0, 10 * s}, nil},
	{"a retry that has waited", answer(503), 4 * s, time.Hour, 13 * s, []time.Duration{0, 6 * s}, []time.Duration{0, 0}, nil},
	{"a retry, too long", answer(503), 4 * s, 15 * s, 0, []time.Duration{0}, []time.Duration{0}, retry.ErrDeadline},
	{"a held request", nil, 11 * s, time.Hour, 0, []time.Duration{23 * s}, []time.Duration{23 * s}, nil},
	{"a held request, too long", nil, 11 * s, 20 * s, 0, nil, []time.Duration{12 * s}, retry.ErrDeadline},
}

// A retry, and a request that was held, may be held again by what others have been told in the meantime.
func TestACallIsHeldForLongerThanItWasTold(t *testing.T) {
	for _, row := range heldRows {
		synctest.Test(t, func(t *testing.T) {
			var held []time.Duration
			var d retry.Decision
			p := retry.Policy{Gate: drawing(0.2), Backoff: retry.Constant(6 * s), Budget: new(retry.Budget)}
			p.MaxRetryAfter = row.longest
			spent := 0.0
			p.OnAttempt = func(a retry.Attempt, d retry.Decision) {
				held = append(held, a.Held)
				assert.Equal(t, spent, a.Spent, "by the retries so far: %s", row.name)
				spent += d.Price
			}
			if row.first == nil {
				row.first = answer(200)
				refused(retry.Policy{Gate: p.Gate}, 10, time.Now())
			}
			time.AfterFunc(row.again, func() { refused(retry.Policy{Gate: p.Gate}, 10, time.Now()) })
			s := play(row.first, answer(200))
			o := place("GET", "").under(retry.WithDecision(endingIn(t, row.within), &d))
			resp, err := retry.New(s, p).RoundTrip(o.Request)
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
