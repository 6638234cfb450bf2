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
	assert.NotErrorIs(t, &retry.Error{}, io.EOF)
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
	cause := errors.New("the user went home")
	for name, base := range map[string]reply{
		"in the wait":    fail(errPeerReset),
		"in an attempt":  late(3*time.Second, fail(errPeerReset)),
		"after a status": answer(503),
	} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancelCause(t.Context())
			defer cancel(nil)
			time.AfterFunc(5500*time.Millisecond, func() { cancel(cause) })
			p := every(time.Second)
			p.MaxAttempts, p.Budget = 99, retry.Unlimited
			_, err := retry.New(play(base), p).RoundTrip(place("GET", "").under(ctx).Request)
			assert.ErrorIs(t, err, context.Canceled, name)
			assert.ErrorIs(t, err, cause, name)
			gone, ok := err.(*retry.Error)
			require.True(t, ok)
			assert.NotNil(t, gone.Reason, name)
			assert.Equal(t, name == "after a status", gone.StatusCode == 503, name)
			assert.Greater(t, gone.Attempts, 1)
		})
	}
}
