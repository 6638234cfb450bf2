package retry_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-e3550de8/retry"
)

func TestTheTextOfAnErrorTellsAttemptsStatusErrorAndReason(t *testing.T) {
	leaky := &url.Error{Op: "Get", URL: secretURL, Err: errors.New("no route")}
	for _, row := range []struct {
		err  retry.Error
		want string
	}{
		{retry.Error{}, "retry: failed, not sent"},
		{retry.Error{Attempts: 1, Reason: context.Canceled, StatusCode: 503}, "retry: context canceled after 1: status 503 Service Unavailable"},
		{retry.Error{Attempts: 4, Reason: retry.ErrMaxAttempts, Err: io.EOF}, "retry: attempts exhausted after 4: EOF"},
		{retry.Error{Attempts: 2, Err: io.EOF}, "retry: failed after 2: EOF"},
		{retry.Error{Attempts: 2, Reason: context.Canceled, Err: context.Canceled}, "retry: context canceled after 2: context canceled"},
		{retry.Error{Attempts: 1, Reason: retry.ErrBudget, StatusCode: 599}, "retry: retry budget spent after 1: status 599"},
		{retry.Error{Attempts: 3, Err: leaky}, "retry: failed after 3: no route"},
		{retry.Error{Attempts: 3, Err: fmt.Errorf("log in: %w", leaky)}, "retry: failed after 3: no route"},
		{retry.Error{Attempts: 3, Err: &url.Error{Op: "Get", URL: secretURL}}, "retry: failed after 3: Get"},
		{retry.Error{Attempts: 3, Err: errors.Join(io.EOF, leaky)}, "retry: failed after 3: no route"},
		{retry.Error{Attempts: 1, Reason: retry.ErrNotIdempotent, Err: io.EOF},
			"retry: request not idempotent after 1: EOF"},
		{retry.Error{Attempts: 1, Reason: retry.ErrNotReplayable, Err: io.EOF},
			"retry: request body not replayable after 1: EOF"},
		{retry.Error{Attempts: 1, Reason: retry.ErrRetryAfter, Err: io.EOF}, "retry: Retry-After too long after 1: EOF"},
		{retry.Error{Attempts: 1, Reason: retry.ErrDeadline, Err: io.EOF},
			"retry: deadline before the end of the wait after 1: EOF"},
		{retry.Error{Attempts: 3, Err: &retry.Error{Attempts: 2, Err: leaky}}, "retry: failed after 3: retry: failed after 2: no route"},
	} {
		assert.EqualError(t, &row.err, row.want)
	}
}

func TestAnErrorMatchesWhatIsInIt(t *testing.T) {
	err := error(&retry.Error{Attempts: 4, Reason: retry.ErrMaxAttempts, Err: fmt.Errorf("sign: %w", errPeerReset)})
	assert.ErrorIs(t, err, retry.ErrMaxAttempts)
	assert.ErrorIs(t, err, errPeerReset)
	op, ok := errors.AsType[*net.OpError](err)
	assert.True(t, ok)
	assert.Same(t, errPeerReset, op)
	for _, other := range []error{retry.ErrBudget, retry.ErrDeadline, retry.ErrRetryAfter, retry.ErrNotIdempotent, retry.ErrNotReplayable, io.EOF} {
		assert.NotErrorIs(t, err, other)
	}
	assert.Empty(t, new(retry.Error).Unwrap())
	assert.Equal(t, []error{io.EOF}, (&retry.Error{Err: io.EOF}).Unwrap())
	assert.Equal(t, []error{io.EOF}, (&retry.Error{Reason: io.EOF}).Unwrap())
}

func TestAnErrorIsATimeoutIfTheLastAttemptOrTheContextIs(t *testing.T) {
	slow := &net.OpError{Op: "read", Err: os.ErrDeadlineExceeded}
	for _, row := range []struct {
		err                error
		timeout, temporary bool
	}{
		{&retry.Error{}, false, false},
		{&retry.Error{Err: io.EOF, Reason: retry.ErrMaxAttempts}, false, false},
		{&retry.Error{Err: slow, Reason: retry.ErrMaxAttempts}, true, true},
		{&retry.Error{Err: fmt.Errorf("wrapped: %w", slow)}, true, true},
		{&retry.Error{Err: errPeerReset, Reason: context.DeadlineExceeded}, true, false},
		{&retry.Error{Reason: context.DeadlineExceeded}, true, false},
		{&retry.Error{Err: errPeerReset, Reason: retry.ErrDeadline}, true, false},
		{&retry.Error{Err: errPeerReset, Reason: context.Canceled}, false, false},
	} {
		wrapped := &url.Error{Op: "Get", URL: "http://api.example/", Err: row.err}
		assert.Equal(t, row.timeout, wrapped.Timeout(), "%v", row.err)
		assert.Equal(t, row.temporary, wrapped.Temporary(), "%v", row.err)
	}
}

func TestAClientsErrorTellsOfTheTimeout(t *testing.T) {
	for name, row := range map[string]struct {
		reply  reply
		policy retry.Policy
		client time.Duration
		reason error
	}{
		"attempt timeouts": {late(time.Minute, answer(200)), retry.Policy{AttemptTimeout: time.Second}, 0, retry.ErrMaxAttempts},
		"Client.Timeout in the second attempt": {
			func(req *http.Request) (*http.Response, error) {
				if retry.AttemptNumber(req.Context()) == 1 {
					return nil, errPeerReset
				}
				return late(time.Minute, answer(200))(req)
			}, every(time.Second), 9 * time.Second, context.DeadlineExceeded,
		},
		"no time for the wait": {fail(errPeerReset), retry.Policy{Backoff: retry.BackoffFunc(func(n int) time.Duration { return time.Duration(n*n) * time.Second })}, 3 * time.Second, retry.ErrDeadline},
	} {
		synctest.Test(t, func(t *testing.T) {
			client := &http.Client{Transport: retry.New(play(row.reply), row.policy), Timeout: row.client}
			begin := time.Now()
			_, err := client.Get("http://api.example/")
			timeout, ok := errors.AsType[net.Error](err)
			require.True(t, ok, name)
			assert.True(t, timeout.Timeout(), "%s: %v", name, err)
			assert.ErrorIs(t, err, row.reason, name)
			if row.client > 0 {
				assert.LessOrEqual(t, time.Since(begin), row.client, name)
			}
		})
	}
}

func TestAnErrorOfOneAttemptIsTheBasesOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, row := range errorRows {
			_, err := retry.New(play(fail(row.err)), retry.Policy{MaxAttempts: 1}).RoundTrip(place("GET", "").Request)
			assert.True(t, err == row.err, row.name)
			_, err = retry.New(play(fail(row.err)), retry.Policy{Budget: retry.Unlimited}).RoundTrip(place("POST", "").Request)
			if row.want != retry.Unprocessed && row.on == nil {
				assert.True(t, err == row.err, row.name)
			}
		}
	})
}

func TestAFinalErrorAfterARetryHasNoReason(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, err := retry.New(play(answer(503), fail(http.ErrSkipAltProtocol)), retry.Policy{}).RoundTrip(place("GET", "").Request)
		assertError(t, err, retry.Error{Attempts: 2, Err: http.ErrSkipAltProtocol})
	})
}

func TestTheContextsErrorAndCauseMatchWhereverItEnds(t *testing.T) {
	cause := &url.Error{Op: "Get", URL: secretURL, Err: errors.New("the user went home")}
	for name, row := range map[string]struct {
		base  reply
		cause error
		text  string
	}{
		"in the wait":    {fail(io.EOF), cause, ": the user went home after 6: EOF"},
		"in an attempt":  {late(3*time.Second, fail(io.EOF)), cause, ": the user went home after 2: the user went home"},
		"after a status": {answer(503), cause, ": the user went home after 6: status 503 Service Unavailable"},
		"without a word": {fail(io.EOF), context.Canceled, " after 6: EOF"},
	} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancelCause(t.Context())
			defer cancel(nil)
			time.AfterFunc(5500*time.Millisecond, func() { cancel(row.cause) })
			p := every(time.Second)
			p.MaxAttempts, p.Budget = 99, retry.Unlimited
			_, err := retry.New(play(row.base), p).RoundTrip(place("GET", "").under(ctx).Request)
			assert.ErrorIs(t, err, context.Canceled, name)
			assert.ErrorIs(t, err, row.cause, name)
			assert.EqualError(t, err, "retry: context canceled"+row.text, name)
		})
	}
}

// Promise 6: "An error after one attempt is the base's own value, unwrapped. After more, or when the context ended a
// wait, it is an *Error that matches the last attempt's error, the reason, and the context's error and cause, and that
// has Timeout and Temporary."
func TestPromise06_ErrorsTellTheWholeStory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		own := fmt.Errorf("a base's own: %w", errPeerReset)
		_, err := retry.New(play(fail(own)), retry.Policy{}).RoundTrip(place("POST", "").Request)
		assert.Same(t, own, err)

		late := fmt.Errorf("a base's own: %w", &net.OpError{Op: "read", Net: "tcp", Err: os.ErrDeadlineExceeded})
		_, err = retry.New(play(fail(own), fail(late)), retry.Policy{}).RoundTrip(place("GET", "").Request)
		assertError(t, err, retry.Error{Attempts: 4, Reason: retry.ErrMaxAttempts, Err: late})
		assert.ErrorIs(t, err, os.ErrDeadlineExceeded)
		assert.True(t, err.(net.Error).Timeout())
		assert.True(t, err.(interface{ Temporary() bool }).Temporary(), "a timeout says so of itself")

		cause := errors.New("the user went home")
		ctx, cancel := context.WithCancelCause(t.Context())
		defer time.AfterFunc(time.Second, func() { cancel(cause) }).Stop()
		_, err = retry.New(play(answer(503, "Retry-After", "5")), retry.Policy{}).RoundTrip(place("GET", "").under(ctx).Request)
		gone, _ := errors.AsType[*retry.Error](err)
		require.NotNil(t, gone)
		assertError(t, err, retry.Error{Attempts: 1, Reason: gone.Reason, StatusCode: 503})
		assert.ErrorIs(t, err, cause)
		assert.ErrorIs(t, err, context.Canceled)
		assert.False(t, err.(net.Error).Timeout())
	})
}

// assertError demands that err is want, and matches what is in it.
func assertError(t *testing.T, err error, want retry.Error) {
	t.Helper()
	got, ok := err.(*retry.Error)
	require.True(t, ok, "%T: %v", err, err)
	assert.Equal(t, want, retry.Error{Attempts: got.Attempts, Reason: got.Reason, Err: got.Err, StatusCode: got.StatusCode})
	for _, part := range []error{want.Reason, want.Err} {
		if part != nil {
			assert.ErrorIs(t, err, part)
		}
	}
}
