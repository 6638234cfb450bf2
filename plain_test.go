package retry_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-e3550de8/retry"
	"github.com/seed-e3550de8/retry/httpfault"
)

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
	inner, soon := retry.New(always(io.EOF), noWait), noWait
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
				resp, err := retry.New(tt.base, tt.p).PlainErrors().RoundTrip(place("GET", "").under(ctx).Request)
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

func TestASuccessTellsTheDecisionAndTheBudget(t *testing.T) {
	for name, row := range map[string]struct {
		over       func(other *retry.Budget) retry.Policy // in the context
		own, other float64
	}{
		"of the Transport":      {func(*retry.Budget) retry.Policy { return retry.Policy{} }, 4.1, 4},
		"with other attempts":   {func(*retry.Budget) retry.Policy { return retry.Policy{MaxAttempts: 2} }, 4.1, 4},
		"with another Budget":   {func(other *retry.Budget) retry.Policy { return retry.Policy{Budget: other} }, 4, 4.1},
		"and with a read ahead": {func(*retry.Budget) retry.Policy { return retry.Policy{ReadAhead: 1} }, 4.1, 4},
	} {
		synctest.Test(t, func(t *testing.T) {
			own, other, told := new(retry.Budget), new(retry.Budget), retry.Decision{Retry: true, Reason: io.EOF}
			o := place("GET", "").under(retry.WithPolicy(t.Context(), row.over(other)))
			require.True(t, own.Spend(o.URL.Host, time.Now()) && other.Spend(o.URL.Host, time.Now()))
			rt := retry.New(play(answer(200)), retry.Policy{Budget: own})
			mustEnd(t, rt, o)
			assert.InDelta(t, row.own, own.Balance(o.URL), 1e-9, name)
			assert.InDelta(t, row.other, other.Balance(o.URL), 1e-9, name)
			mustEnd(t, rt, o.under(retry.WithDecision(o.Context(), &told)))
			assert.Equal(t, retry.Decision{}, told, name)
		})
	}
}
