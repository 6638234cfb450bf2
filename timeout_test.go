package retry_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"sync"
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
	err := retry.ErrAttemptTimeout
	assert.ErrorIs(t, err, context.DeadlineExceeded)
	assert.ErrorIs(t, err, os.ErrDeadlineExceeded)
	assert.NotErrorIs(t, err, context.Canceled)
	assert.True(t, os.IsTimeout(err))
	assert.True(t, err.(interface{ Temporary() bool }).Temporary())
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
		resp := mustAnswer(t, retry.New(s, within(time.Second)), place("GET", ""))
		assert.Same(t, s.sent[0].resp, resp)
		assert.NoError(t, resp.Request.Context().Err())
		drop(resp)
		assert.ErrorIs(t, resp.Request.Context().Err(), context.Canceled)
		for _, none := range []io.ReadCloser{nil, http.NoBody} {
			bare := func(req *http.Request) (*http.Response, error) {
				return &http.Response{StatusCode: 204, Body: none, Request: req}, nil
			}
			resp = mustAnswer(t, retry.New(play(bare), within(time.Second)), place("GET", ""))
			assert.Equal(t, none, resp.Body)
			assert.Error(t, resp.Request.Context().Err())
		}
	})
}

// A Close that has ended a Read leaves a body that can be closed and read like any other.
func TestABodyIsClosedDuringARead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const last = time.Millisecond / 2 // what a Read takes to end
		resp := mustAnswer(t, retry.New(play(func(req *http.Request) (*http.Response, error) {
			return page(200, readerFunc(func([]byte) (int, error) {
				<-req.Context().Done()
				time.Sleep(last)
				return 0, req.Context().Err()
			}))(req)
		}), within(time.Second)), place("GET", ""))
		var all sync.WaitGroup
		all.Go(func() {
			_, err := io.ReadAll(resp.Body)
			assert.ErrorIs(t, err, context.Canceled)
		})
		synctest.Wait()
		began := time.Now()
		for range 2 {
			all.Go(func() { assert.NoError(t, resp.Body.Close()) })
		}
		all.Wait()
		assert.Equal(t, last, time.Since(began))
		_, err := resp.Body.Read(make([]byte, 1))
		assert.Error(t, err)
	})
}

func TestOnlyAnAttemptThatTakesTooLongFailsByItsTimeout(t *testing.T) {
	cause := errors.New("the user went home")
	neither := func(*http.Request) (*http.Response, error) { return nil, nil }
	const m = time.Minute
	for name, row := range map[string]struct {
		base reply
		ends time.Duration // the caller's context, by the cause
		want string
	}{
		"too late":                     {late(time.Minute, answer(200)), 0, "retry: attempt timeout"},
		"too late, and a response":     {deaf(m, answer(200)), 0, "retry: attempt timeout"},
		"too late, and another error":  {deaf(m, fail(errPeerReset)), 0, "retry: attempt timeout"},
		"too late, and neither":        {deaf(m, neither), 0, "retry: attempt timeout"},
		"an error in time":             {late(time.Second/2, fail(errPeerReset)), 0, errPeerReset.Error()},
		"the caller's end":             {late(time.Minute, answer(200)), time.Second / 2, cause.Error()},
		"the caller's end before both": {deaf(m, fail(errPeerReset)), time.Second / 2, errPeerReset.Error()},
		"the caller's end before both, and two": {deaf(m, both), time.Second / 2,
			"retry: context canceled: the user went home after 1: " + errPeerReset.Error()},
		"the caller's end before a response": {deaf(m, answer(200)), time.Second / 2, "retry: attempt timeout"},
		"the caller's end before neither": {deaf(m, neither), time.Second / 2,
			"retry: the base RoundTripper returned neither a response nor an error"},
		"the caller's end after it": {deaf(m, fail(errPeerReset)), 2 * time.Second, "retry: attempt timeout"},
	} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancelCause(t.Context())
			defer cancel(nil)
			if row.ends > 0 {
				time.AfterFunc(row.ends, func() { cancel(cause) })
			}
			p, s := within(time.Second), play(row.base)
			p.MaxAttempts = 1
			_, err := retry.New(s, p).RoundTrip(place("GET", "").under(ctx).Request)
			assert.EqualError(t, err, row.want, name)
			assert.Error(t, s.sent[0].req.Context().Err(), "%s: the attempt's context is over", name)
			assert.Empty(t, s.left(place("GET", ""), nil), name)
		})
	}
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

// The attempts of a Transport further in are not lost with what it returned.
func TestAnAttemptTimeoutOfNestedTransportsCountsEachAttemptOnce(t *testing.T) {
	slow, bad := late(time.Minute, answer(200)), answer(503)
	short, long, exhausted := within(time.Second), within(10*time.Second), retry.ErrMaxAttempts
	once, twice := long, long
	once.MaxAttempts, twice.MaxAttempts = 1, 2
	for name, row := range map[string]struct {
		replies []reply
		layers  []retry.Policy // from the innermost
		want    int
		reason  error
	}{
		"each of the inner":       {[]reply{slow}, []retry.Policy{short, long}, 4, exhausted},
		"the second of the inner": {[]reply{bad, slow}, []retry.Policy{every(time.Second), twice}, 2, nil},
		"and one that is far out": {[]reply{bad, slow}, []retry.Policy{every(time.Second), once, every(0)}, 4, exhausted},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := play(row.replies...)
			var rt http.RoundTripper = s
			for _, p := range row.layers {
				rt = retry.New(rt, p)
			}
			_, err := rt.RoundTrip(place("GET", "").Request)
			assertError(t, err, retry.Error{Attempts: row.want, Reason: row.reason, Err: retry.ErrAttemptTimeout})
			assert.Equal(t, row.want, s.attempts(), name)
		})
	}
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
