package retry_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-e3550de8/retry"
)

// The attempts that an inner Transport made count even if it is an outer one's AttemptTimeout that ends them.
func TestAnOuterAttemptTimeoutCountsTheInnerAttempts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sent := 0
		base := roundTripperFunc(func(req *http.Request) (*http.Response, error) {
			if sent++; sent > 2 {
				<-req.Context().Done()
				return nil, req.Context().Err()
			}
			return &http.Response{StatusCode: 503, Body: http.NoBody, Request: req}, nil
		})
		inner := retry.New(base, retry.Policy{Backoff: retry.Constant(0)})
		outer := retry.New(inner, retry.Policy{Backoff: retry.Constant(0), AttemptTimeout: 10 * time.Second})

		_, err := outer.RoundTrip(budgetRequest(t, "GET"))

		var e *retry.Error
		require.ErrorAs(t, err, &e)
		assert.Equal(t, 4, e.Attempts)
		assert.Equal(t, 4, sent)
		assert.True(t, e.Timeout())
	})
}

// What an inner Transport does not send, because it is held, is not worth another attempt of the outer one.
func TestAnOuterTransportLeavesARequestThatIsHeld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		base := &busy{retryAfter: "10", well: time.Now().Add(time.Hour)}
		inner := shared(base, retry.Policy{})
		closeGate(t, inner)
		start := time.Now()
		ctx := retry.WithPolicy(t.Context(), retry.Policy{MaxRetryAfter: time.Second})

		_, err := retry.New(inner, retry.Policy{}).RoundTrip(holdRequest(ctx, "GET"))

		require.ErrorIs(t, err, retry.ErrRetryAfter)
		assert.Len(t, base.asked, 1)
		assert.Zero(t, time.Since(start))
	})
}

// A base that is itself a client may have followed a redirect: its dial error says nothing of the request.
func TestADialErrorOfAClientProvesNothing(t *testing.T) {
	_, dial := http.Get("http://127.0.0.1:1/")
	require.ErrorAs(t, dial, new(*url.Error))
	assert.Equal(t, retry.Transient, retry.Classify(retry.Attempt{Request: budgetRequest(t, "POST"), Err: dial}))
	assert.Equal(t, retry.Unprocessed, retry.Classify(retry.Attempt{Request: budgetRequest(t, "POST"), Err: errors.Unwrap(dial)}))
}

func TestErrorTextLeavesOutURLsAtAnyDepth(t *testing.T) {
	secret := &url.Error{Op: "Get", URL: "http://ann:pw@host/path?token=x", Err: errReset}
	for _, err := range []error{
		secret,
		&url.Error{Op: "Get", URL: secret.URL, Err: secret},
		fmt.Errorf("auth: %w", secret),
		errors.Join(errors.New("other"), secret),
		&url.Error{Op: "Get", URL: secret.URL},
		&retry.Error{Attempts: 2, Err: secret},
	} {
		text := (&retry.Error{Attempts: 3, Err: err, Reason: retry.ErrMaxAttempts}).Error()
		for _, part := range []string{"ann", "pw@", "path", "token"} {
			assert.NotContains(t, text, part)
		}
		assert.Contains(t, text, retry.ErrMaxAttempts.Error())
	}
}
