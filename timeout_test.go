package retry_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-e3550de8/retry"
)

// within is a policy with an attempt timeout.
func within(d time.Duration) retry.Policy {
	return retry.Policy{AttemptTimeout: d, Backoff: retry.Constant(time.Second)}
}

func TestAnAttemptThatTakesTooLongIsRetried(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := place("PUT", "payload")
		s := play(late(time.Minute, answer(200)), late(2*time.Second, answer(200)))
		mustEnd(t, retry.New(s, within(3*time.Second)), o)
		assert.Equal(t, []time.Duration{0, 4 * time.Second}, s.times())
		assert.Equal(t, []string{"payload", "payload"}, s.texts())
		assert.NotSame(t, o.Request, s.sent[0].req, "attempt 1 is a shallow copy too")
		assert.Same(t, o.bodies[0], s.sent[0].body)
		assert.ErrorIs(t, context.Cause(s.sent[0].req.Context()), retry.ErrAttemptTimeout)
	})
}

func TestAnAttemptTimeoutIsATimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := within(time.Second)
		p.MaxAttempts = 1
		_, err := retry.New(play(late(time.Minute, answer(200))), p).RoundTrip(place("POST", "").Request)
		assert.ErrorIs(t, err, context.DeadlineExceeded)
		assert.ErrorIs(t, err, os.ErrDeadlineExceeded)
		assert.NotErrorIs(t, err, context.Canceled)
		assert.True(t, os.IsTimeout(err))
		assert.True(t, err.(interface{ Temporary() bool }).Temporary())
		assert.EqualError(t, err, "retry: attempt timeout")
	})
}

func TestTheBodyOutlivesTheAttemptTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		resp, err := retry.New(play(page(200, drip(time.Minute, 5))), within(time.Second)).RoundTrip(place("GET", "").Request)
		require.NoError(t, err)
		attempt := resp.Request.Context()
		for range 5 {
			n, err := resp.Body.Read(make([]byte, 9))
			assert.Equal(t, 1, n)
			assert.NoError(t, err)
			assert.NoError(t, attempt.Err())
		}
		_, err = resp.Body.Read(make([]byte, 9))
		assert.Equal(t, io.EOF, err)
		assert.Error(t, attempt.Err(), "its context ends with the body")
		drop(resp)
	})
}

func TestClosingTheBodyEndsTheAttemptsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := play(answer(200))
		resp, err := retry.New(s, within(time.Second)).RoundTrip(place("GET", "").Request)
		require.NoError(t, err)
		assert.Same(t, s.sent[0].resp, resp)
		assert.NoError(t, resp.Request.Context().Err())
		drop(resp)
		assert.ErrorIs(t, resp.Request.Context().Err(), context.Canceled)
	})
}

func TestAResponseWithoutABodyEndsTheAttemptsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, body := range []io.ReadCloser{nil, http.NoBody} {
			resp, err := retry.New(roundTripperFunc(func(req *http.Request) (*http.Response, error) {
				return &http.Response{StatusCode: 204, Body: body, Request: req}, nil
			}), within(time.Second)).RoundTrip(place("GET", "").Request)
			require.NoError(t, err)
			assert.Equal(t, body, resp.Body)
			assert.Error(t, resp.Request.Context().Err())
		}
	})
}

func TestAResponseThatComesTooLateIsClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		deaf := func(req *http.Request) (*http.Response, error) {
			time.Sleep(time.Minute) // does not heed its context
			return answer(200)(req)
		}
		s := play(deaf)
		p := within(time.Second)
		p.MaxAttempts = 2
		_, err := retry.New(s, p).RoundTrip(place("GET", "").Request)
		assertError(t, err, retry.Error{Attempts: 2, Reason: retry.ErrMaxAttempts, Err: retry.ErrAttemptTimeout})
		for _, one := range s.sent {
			assert.True(t, one.resp.Body.(*watched).isClosed())
		}
	})
}

func TestTheEndOfTheCallersContextIsNoAttemptTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cause := errors.New("the user went home")
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Second/2, func() { cancel(cause) })
		s := play(late(time.Minute, answer(200)))
		_, err := retry.New(s, within(time.Second)).RoundTrip(place("GET", "").under(ctx).Request)
		assert.Same(t, cause, err, "the base's own")
		assert.Equal(t, 1, s.attempts())

		deadline, cancelDeadline := context.WithTimeout(t.Context(), time.Second/2)
		defer cancelDeadline()
		_, err = retry.New(s, within(time.Second)).RoundTrip(place("GET", "").under(deadline).Request)
		assert.Equal(t, context.DeadlineExceeded, err)
		assert.Equal(t, 2, s.attempts())

		// Also if the base answers when the attempt would have timed out too.
		deaf := func(*http.Request) (*http.Response, error) { time.Sleep(time.Minute); return nil, errPeerReset }
		deadline, cancelDeadline = context.WithTimeout(t.Context(), time.Second/2)
		defer cancelDeadline()
		_, err = retry.New(roundTripperFunc(deaf), within(time.Second)).RoundTrip(place("GET", "").under(deadline).Request)
		assert.Same(t, errPeerReset, err)
	})
}

func TestAnErrorInTimeIsTheBasesOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := within(time.Second)
		p.MaxAttempts = 1
		s := play(late(time.Second/2, fail(errPeerReset)))
		_, err := retry.New(s, p).RoundTrip(place("GET", "").Request)
		assert.Same(t, errPeerReset, err)
		assert.Error(t, s.sent[0].req.Context().Err(), "the attempt's context is over")
	})
}

func TestAPanickingBaseLeavesNoTimer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := newEndable(t)
		assert.PanicsWithValue(t, "base", func() {
			base := roundTripperFunc(func(*http.Request) (*http.Response, error) { panic("base") })
			_, _ = retry.New(base, within(time.Second)).RoundTrip(place("GET", "").under(ctx).Request)
		})
	})
}

func TestAnAttemptTimeoutOfNestedTransportsCountsOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := play(late(time.Minute, answer(200)))
		_, err := retry.New(retry.New(s, within(time.Second)), within(10*time.Second)).RoundTrip(place("GET", "").Request)
		all, ok := errors.AsType[*retry.Error](err)
		require.True(t, ok, "%v", err)
		assert.Equal(t, 4, s.attempts())
		assert.Equal(t, 4, all.Attempts)
	})
}

func TestAnAttemptTimeoutKeepsTheInnerTransportsCount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		// The inner Transport is at its second attempt when the outer one's attempt ends.
		s := play(answer(503), late(time.Minute, answer(200)))
		outer := within(10 * time.Second)
		outer.MaxAttempts = 2
		_, err := retry.New(retry.New(s, every(time.Second)), outer).RoundTrip(place("GET", "").Request)
		all, ok := errors.AsType[*retry.Error](err)
		require.True(t, ok, "%v", err)
		assert.Equal(t, 2, s.attempts())
		assert.Equal(t, 2, all.Attempts)
		assert.ErrorIs(t, err, retry.ErrAttemptTimeout)
		assert.True(t, all.Timeout())

		// And so does a Transport further out.
		s = play(answer(503), late(time.Minute, answer(200)))
		outer.MaxAttempts = 1
		rt := retry.New(retry.New(retry.New(s, every(time.Second)), outer), every(0))
		_, err = rt.RoundTrip(place("GET", "").Request)
		assertError(t, err, retry.Error{Attempts: 4, Reason: retry.ErrMaxAttempts, Err: retry.ErrAttemptTimeout})
		assert.Equal(t, 4, s.attempts())
	})
}

// A Transport inside an attempt does not wait past its end, but hands on what the server asks for.
func TestAnInnerTransportSeesTheEndOfTheAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := play(answer(503, "Retry-After", "4"), answer(200))
		inner := retry.New(s, retry.Policy{Backoff: retry.Constant(0)})
		mustEnd(t, retry.New(inner, retry.Policy{Backoff: retry.Constant(0), AttemptTimeout: time.Second}), place("GET", ""))
		assert.Equal(t, []time.Duration{0, 4 * time.Second}, s.times(), "promise 8 holds through layers")
	})
}

// What a response asks for that comes after its attempt is over is kept.
func TestAResponseThatComesTooLateHasItsRetryAfterKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := func(req *http.Request) (*http.Response, error) {
			time.Sleep(3 * time.Second)
			return answer(503, "Retry-After", "60")(req)
		}
		s := play(slow, answer(200))
		p := within(time.Second)
		decisions := told(&p)
		mustEnd(t, retry.New(s, p), place("GET", ""))
		assert.Equal(t, []time.Duration{0, 64 * time.Second}, s.times())
		assert.True(t, (*decisions)[0].FromServer)
	})
}

// The deadline of an attempt is over with its headers: who asks for the next page under its context has time.
func TestTheDeadlineOfAnAttemptIsTheEarlierOfTwoAndEndsWithIt(t *testing.T) {
	for caller, want := range map[time.Duration]time.Duration{
		0: time.Minute, time.Second: time.Second, time.Hour: time.Minute,
	} {
		synctest.Test(t, func(t *testing.T) {
			until := func(ctx context.Context) time.Duration {
				deadline, ok := ctx.Deadline()
				assert.Equal(t, ok, !deadline.IsZero())
				return max(time.Until(deadline), 0)
			}
			ctx := t.Context()
			if caller > 0 {
				var cancel context.CancelFunc
				ctx, cancel = context.WithTimeout(ctx, caller)
				defer cancel()
			}
			var in time.Duration
			b := roundTripperFunc(func(req *http.Request) (*http.Response, error) {
				in = until(req.Context())
				resp, err := answer(200)(req)
				resp.Request = req // whose context is the attempt's
				return resp, err
			})
			resp, err := retry.New(b, within(time.Minute)).RoundTrip(place("GET", "").under(ctx).Request)
			require.NoError(t, err)
			assert.Equal(t, want, in)
			assert.Equal(t, caller, until(resp.Request.Context()))
			drop(resp)
		})
	}
}
