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
		{retry.Error{Attempts: 1, Reason: context.Canceled, StatusCode: 503},
			"retry: context canceled after 1: status 503 Service Unavailable"},
		{retry.Error{Attempts: 4, Reason: retry.ErrMaxAttempts, Err: io.EOF}, "retry: attempts exhausted after 4: EOF"},
		{retry.Error{Attempts: 2, Err: io.EOF}, "retry: failed after 2: EOF"},
		{retry.Error{Attempts: 2, Reason: context.Canceled, Err: context.Canceled},
			"retry: context canceled after 2: context canceled"},
		{retry.Error{Attempts: 1, Reason: retry.ErrBudget, StatusCode: 599}, "retry: retry budget spent after 1: status 599"},
		{retry.Error{Attempts: 3, Err: leaky}, "retry: failed after 3: no route"},
		{retry.Error{Attempts: 3, Err: fmt.Errorf("log in: %w", leaky)}, "retry: failed after 3: no route"},
		{retry.Error{Attempts: 3, Err: &url.Error{Op: "Get", URL: secretURL, Err: leaky}}, "retry: failed after 3: no route"},
		{retry.Error{Attempts: 3, Err: &url.Error{Op: "Get", URL: secretURL}}, "retry: failed after 3: Get"},
		{retry.Error{Attempts: 3, Err: errors.Join(io.EOF, leaky)}, "retry: failed after 3: no route"},
		{retry.Error{Attempts: 1, Reason: retry.ErrNotIdempotent, Err: io.EOF},
			"retry: request not idempotent after 1: EOF"},
		{retry.Error{Attempts: 1, Reason: retry.ErrNotReplayable, Err: io.EOF},
			"retry: request body not replayable after 1: EOF"},
		{retry.Error{Attempts: 1, Reason: retry.ErrRetryAfter, Err: io.EOF}, "retry: Retry-After too long after 1: EOF"},
		{retry.Error{Attempts: 1, Reason: retry.ErrDeadline, Err: io.EOF},
			"retry: deadline before the end of the wait after 1: EOF"},
		{retry.Error{Attempts: 3, Err: &retry.Error{Attempts: 2, Err: leaky}},
			"retry: failed after 3: retry: failed after 2: no route"},
	} {
		assert.EqualError(t, &row.err, row.want)
	}
}

func TestAnErrorMatchesWhatIsInItAndNothingElse(t *testing.T) {
	err := error(&retry.Error{Attempts: 4, Reason: retry.ErrMaxAttempts, Err: fmt.Errorf("sign: %w", errPeerReset)})
	for _, part := range []error{retry.ErrMaxAttempts, errPeerReset} {
		assert.ErrorIs(t, err, part)
	}
	for _, other := range []error{
		retry.ErrBudget, retry.ErrDeadline, retry.ErrRetryAfter, retry.ErrNotIdempotent, retry.ErrNotReplayable, io.EOF,
	} {
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

// Promise 6: "An error after one attempt is the base's own value, unwrapped. After more, or when the context ended a
// wait, it is an *Error that matches the last attempt's error, the reason, and the context's error and cause, and that
// has Timeout and Temporary."
func TestPromise06_ErrorsTellTheWholeStory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		own := fmt.Errorf("a base's own: %w", errPeerReset)
		_, err := retry.New(play(fail(own)), retry.Policy{}).RoundTrip(place("POST", "").Request)
		assert.Same(t, own, err)

		final := play(answer(503), fail(http.ErrSkipAltProtocol))
		_, err = retry.New(final, retry.Policy{}).RoundTrip(place("GET", "").Request)
		assertError(t, err, retry.Error{Attempts: 2, Err: http.ErrSkipAltProtocol})

		late := fmt.Errorf("a base's own: %w", &net.OpError{Op: "read", Net: "tcp", Err: os.ErrDeadlineExceeded})
		_, err = retry.New(play(fail(own), fail(late)), retry.Policy{}).RoundTrip(place("GET", "").Request)
		assertError(t, err, retry.Error{Attempts: 4, Reason: retry.ErrMaxAttempts, Err: late})
		assert.ErrorIs(t, err, os.ErrDeadlineExceeded)
		assert.True(t, err.(net.Error).Timeout())
		assert.True(t, err.(interface{ Temporary() bool }).Temporary(), "a timeout says so of itself")
	})
}

func TestPromise06_TheContextsErrorAndCauseMatchWhereverItEnds(t *testing.T) {
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
			assert.False(t, err.(net.Error).Timeout(), name)
		})
	}
}

// assertError demands that err is want, and matches what is in it.
func assertError(t *testing.T, err error, want retry.Error) {
	t.Helper()
	got, ok := err.(*retry.Error)
	require.True(t, ok, "%T: %v", err, err)
	bare := retry.Error{Attempts: got.Attempts, Reason: got.Reason, Err: got.Err, StatusCode: got.StatusCode}
	assert.Equal(t, want, bare)
	for _, part := range []error{want.Reason, want.Err} {
		if part != nil {
			assert.ErrorIs(t, err, part)
		}
	}
}

// endingBy returns a context that err ends after a second and a half, unless it is nil.
func endingBy(t *testing.T, err error) context.Context {
	const end = 1500 * time.Millisecond
	if err == context.DeadlineExceeded {
		ctx, cancel := context.WithTimeout(t.Context(), end)
		t.Cleanup(cancel)
		return ctx
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	t.Cleanup(func() { cancel(nil) })
	if err != nil {
		time.AfterFunc(end, func() { cancel(err) })
	}
	return ctx
}

func TestPlainErrorsAreThoseOfTheBaseOrOfTheContext(t *testing.T) {
	enough, soon := errors.New("enough"), every(time.Second)
	var none *retry.Error
	other := &retry.Error{Attempts: 1, Reason: retry.ErrNotReplayable}
	around := fmt.Errorf("the base's own: %w", &retry.Error{Attempts: 1, Err: io.EOF})
	for _, row := range []struct {
		name string
		base http.RoundTripper
		end  error // what ends the context after a second and a half, or nil
		p    retry.Policy
		want error
	}{
		{"an error after four attempts", play(fail(io.EOF)), nil, noWait, io.EOF},
		{"an error after one", play(fail(io.EOF)), nil, retry.Policy{MaxAttempts: 1}, io.EOF},
		{"canceled while it waits after an error", play(fail(io.EOF)), context.Canceled, soon, context.Canceled},
		{"canceled while it waits after a 503", play(answer(503)), context.Canceled, soon, context.Canceled},
		{"canceled with a cause", play(fail(io.EOF)), enough, soon, enough},
		{"no time left for the second wait", play(fail(io.EOF)), context.DeadlineExceeded, soon, io.EOF},
		{"a Transport as the base", retry.New(play(fail(io.EOF)), noWait), nil, noWait, io.EOF},
		{"an Error that has no other in it", play(fail(&retry.Error{Attempts: 1, Err: other})), nil, noWait, other},
		{"an Error within one of the base's own", play(fail(around)), nil, noWait, around},
		{"an Error that is nil", play(fail(none)), nil, noWait, none},
	} {
		synctest.Test(t, func(t *testing.T) {
			resp, err := retry.New(row.base, row.p).PlainErrors().RoundTrip(place("GET", "").under(endingBy(t, row.end)).Request)
			require.Nil(t, resp, row.name)
			assert.True(t, err == row.want, "%s: %T: %v", row.name, err, err)
		})
	}
}
