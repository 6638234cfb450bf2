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

	"github.com/seed-e3550de8/retry"
	"github.com/seed-e3550de8/retry/httpfault"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
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
		base reply
		text string
	}{
		"in the wait":    {fail(io.EOF), " after 6: EOF"},
		"in an attempt":  {late(3*time.Second, fail(io.EOF)), " after 2: the user went home"},
		"after a status": {answer(503), " after 6: status 503 Service Unavailable"},
	} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancelCause(t.Context())
			defer cancel(nil)
			time.AfterFunc(5500*time.Millisecond, func() { cancel(cause) })
			p := every(time.Second)
			p.MaxAttempts, p.Budget = 99, retry.Unlimited
			_, err := retry.New(play(row.base), p).RoundTrip(place("GET", "").under(ctx).Request)
			assert.ErrorIs(t, err, context.Canceled, name)
			assert.ErrorIs(t, err, cause, name)
			gone, ok := err.(*retry.Error)
			require.True(t, ok)
			assert.EqualError(t, gone.Reason, "context canceled: the user went home")
			assert.EqualError(t, err, "retry: context canceled: the user went home"+row.text, name)
		})
	}
}

// getComparing is a client that sends again by itself, up to ten times, what it knows by a comparison.
func getComparing(client *http.Client, url string) (*http.Response, error) {
	for tries := 1; ; tries++ {
		resp, err := client.Get(url)
		if tries == 11 || !isEOF(err) {
			return resp, err
		}
	}
}

func isEOF(err error) bool {
	u, ok := err.(*url.Error)
	return ok && u.Err == io.EOF
}

func TestAClientThatComparesErrorsComesThroughFiveEOFs(t *testing.T) {
	for _, tt := range []struct {
		name   string
		wrap   func(*retry.Transport) http.RoundTripper
		served int
		want   error
	}{
		{"plain errors", (*retry.Transport).PlainErrors, 6, nil},
		{"an Error is no EOF", func(tr *retry.Transport) http.RoundTripper { return tr }, 4, io.EOF},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				served := 0
				answer := httpfault.HandleFunc(func(http.ResponseWriter, *http.Request) {
					if served++; served <= 5 {
						panic(http.ErrAbortHandler)
					}
				})
				srv := httpfault.Config{Pipe: true, Default: answer}.NewServer(t)
				client := &http.Client{Transport: tt.wrap(retry.New(srv.Transport(), retry.Policy{}))}
				resp, err := getComparing(client, srv.URL)
				assert.ErrorIs(t, err, tt.want)
				assert.Equal(t, tt.served, served)
				if resp != nil {
					assert.NoError(t, resp.Body.Close())
				}
			})
		})
	}
}

func always(err error) http.RoundTripper { return roundTripperFunc(fail(err)) }

// An ending is how a request's context ends.
type ending func(context.Context) (context.Context, context.CancelFunc)

func canceledIn(d time.Duration) ending {
	return func(ctx context.Context) (context.Context, context.CancelFunc) {
		ctx, cancel := context.WithCancel(ctx)
		time.AfterFunc(d, cancel)
		return ctx, cancel
	}
}

func canceledBecause(cause error) ending {
	return func(ctx context.Context) (context.Context, context.CancelFunc) {
		ctx, cancel := context.WithCancelCause(ctx)
		time.AfterFunc(time.Millisecond, func() { cancel(cause) })
		return ctx, func() { cancel(nil) }
	}
}

func endingIn(d time.Duration) ending {
	return func(ctx context.Context) (context.Context, context.CancelFunc) { return context.WithTimeout(ctx, d) }
}

func TestPlainErrorsAreThoseOfTheBaseOrOfTheContext(t *testing.T) {
	enough := errors.New("enough")
	reset := &net.OpError{Op: "read", Net: "tcp", Err: errors.New("reset")}
	var none *retry.Error
	other := &retry.Error{Attempts: 1, Reason: retry.ErrNotReplayable}
	inner := retry.New(always(io.EOF), retry.Policy{Backoff: retry.Constant(0)})
	soon := retry.Policy{Backoff: retry.Constant(0)}
	for _, tt := range []struct {
		name string
		base http.RoundTripper
		end  ending
		p    retry.Policy
		want error
	}{
		{"an error after four attempts", always(io.EOF), context.WithCancel, soon, io.EOF},
		{"an error after one", always(io.EOF), context.WithCancel, retry.Policy{MaxAttempts: 1}, io.EOF},
		{"an error of a type", always(reset), context.WithCancel, soon, reset},
		{"canceled while it waits after an error", always(io.EOF), canceledIn(time.Millisecond),
			retry.Policy{}, context.Canceled},
		{"canceled while it waits after a 503", play(answer(503)), canceledIn(time.Millisecond),
			retry.Policy{}, context.Canceled},
		{"canceled with a cause", always(io.EOF), canceledBecause(enough), retry.Policy{}, enough},
		{"no time left for the second wait", always(io.EOF), endingIn(1500 * time.Millisecond),
			retry.Policy{Backoff: retry.Constant(time.Second)}, io.EOF},
		{"a Transport as the base", inner, context.WithCancel, soon, io.EOF},
		{"an Error that has no other in it", always(&retry.Error{Attempts: 1, Err: other}), context.WithCancel,
			soon, other},
		{"an Error that is nil", always(none), context.WithCancel, retry.Policy{MaxAttempts: 1}, none},
		{"an Error that is nil after four", always(none), context.WithCancel, soon, none},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := tt.end(t.Context())
				defer cancel()
				req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://example.com/", nil)
				require.NoError(t, err)
				resp, err := retry.New(tt.base, tt.p).PlainErrors().RoundTrip(req)
				require.Nil(t, resp)
				assert.True(t, err == tt.want, "%T: %v", err, err)
			})
		})
	}
}

func TestWhoLooksForTheTransportInsideFindsIt(t *testing.T) {
	base := &http.Transport{}
	tr := retry.New(base, retry.Policy{})
	for _, rt := range []http.RoundTripper{tr, tr.PlainErrors()} {
		wrapper, ok := rt.(interface{ WrappedRoundTripper() http.RoundTripper })
		require.True(t, ok)
		assert.Same(t, base, wrapper.WrappedRoundTripper())
		_, ok = rt.(interface{ CloseIdleConnections() })
		assert.True(t, ok)
	}
	_, ok := new(retry.Transport).WrappedRoundTripper().(*http.Transport)
	assert.True(t, ok, "the zero Transport's own base")
}
