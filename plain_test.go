package retry_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-e3550de8/retry"
)

func always(err error) http.RoundTripper { return roundTripperFunc(fail(err)) }

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
	enough := errors.New("enough")
	reset := &net.OpError{Op: "read", Net: "tcp", Err: errors.New("reset")}
	var none *retry.Error
	other := &retry.Error{Attempts: 1, Reason: retry.ErrNotReplayable}
	inner, soon := retry.New(always(io.EOF), noWait), noWait
	for _, tt := range []struct {
		name string
		base http.RoundTripper
		end  error // what ends the context after a second and a half, or nil
		p    retry.Policy
		want error
	}{
		{"an error after four attempts", always(io.EOF), nil, soon, io.EOF},
		{"an error after one", always(io.EOF), nil, retry.Policy{MaxAttempts: 1}, io.EOF},
		{"an error of a type", always(reset), nil, soon, reset},
		{"canceled while it waits after an error", always(io.EOF), context.Canceled, every(time.Second),
			context.Canceled},
		{"canceled while it waits after a 503", play(answer(503)), context.Canceled, every(time.Second),
			context.Canceled},
		{"canceled with a cause", always(io.EOF), enough, every(time.Second), enough},
		{"no time left for the second wait", always(io.EOF), context.DeadlineExceeded,
			every(time.Second), io.EOF},
		{"a Transport as the base", inner, nil, soon, io.EOF},
		{"an Error that has no other in it", always(&retry.Error{Attempts: 1, Err: other}), nil,
			soon, other},
		{"an Error that is nil", always(none), nil, retry.Policy{MaxAttempts: 1}, none},
		{"an Error that is nil after four", always(none), nil, soon, none},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				resp, err := retry.New(tt.base, tt.p).PlainErrors().RoundTrip(place("GET", "").under(endingBy(t, tt.end)).Request)
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
