package retry_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-e3550de8/retry"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// asking is a handler that asks once to be asked again later, by a Retry-After that value makes.
func asking(value func() string) http.HandlerFunc {
	return alternate(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", value())
		http.Error(w, "not now", http.StatusTooManyRequests)
	})
}

// RFC 9110 section 10.2.3. The backoff comes on top.
func TestRetryAfterIsWaitedForToTheNanosecond(t *testing.T) {
	in30s := func(layout string) func() string {
		return func() string { return time.Now().Add(30 * time.Second).UTC().Format(layout) }
	}
	cases := []struct {
		name  string
		value func() string
		want  time.Duration
	}{
		{"seconds", func() string { return "30" }, 30 * time.Second},
		{"IMF-fixdate", in30s(http.TimeFormat), 30 * time.Second},
		{"RFC 850 date", in30s("Monday, 02-Jan-06 15:04:05 GMT"), 30 * time.Second},
		{"asctime date", in30s(time.ANSIC), 30 * time.Second},
		{"a minute", func() string { return "60" }, time.Minute},
		{"garbage", func() string { return "soon" }, 0},
		{"negative", func() string { return "-30" }, 0},
		{"the past", func() string { return time.Now().Add(-time.Hour).UTC().Format(http.TimeFormat) }, 0},
	}
	const backoff = 1500 * time.Millisecond
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			overBoth(t, func(t *testing.T, proto string) {
				s, tr := serve(t, proto, asking(c.value)), new(trail)
				p := tr.eager(4)
				p.Backoff = retry.Constant(backoff)
				resp, err := retry.New(s.base, p).RoundTrip(newRequest(t, "GET", "http://example.com/", ""))
				require.NoError(t, err)
				assert.Equal(t, "OK", readAndClose(t, resp))
				require.Len(t, tr.steps, 2)
				assert.Equal(t, c.want+backoff, tr.steps[1].at.Sub(tr.steps[0].at))
				assert.Equal(t, c.want > 0, tr.steps[0].FromServer)
			})
		})
	}
}

// A wrong clock of the server cancels out, because its Date is as wrong.
func TestARetryAfterDateIsReadAgainstTheServersClock(t *testing.T) {
	overBoth(t, func(t *testing.T, proto string) {
		clock := func() time.Time { return time.Now().Add(-26 * time.Hour).UTC() }
		s := serve(t, proto, alternate(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Date", clock().Format(http.TimeFormat))
			w.Header().Set("Retry-After", clock().Add(20*time.Second).Format(http.TimeFormat))
			http.Error(w, "not now", http.StatusServiceUnavailable)
		}))
		start := time.Now()
		resp, err := retry.New(s.base, new(trail).eager(4)).RoundTrip(newRequest(t, "GET", "http://example.com/", ""))
		require.NoError(t, err)
		assert.Equal(t, "OK", readAndClose(t, resp))
		assert.Equal(t, 20*time.Second, time.Since(start))
	})
}

func TestAWaitThatIsTooLongReturnsTheResponseUnread(t *testing.T) {
	cases := []struct {
		name    string
		value   string
		timeout time.Duration // of the context
		reason  error
	}{
		{"an hour, with a second to go", "3600", time.Second, retry.ErrRetryAfter},
		{"an hour", "3600", 0, retry.ErrRetryAfter},
		{"longer than any Duration", "99999999999999999999", 0, retry.ErrRetryAfter},
		{"half a minute, with a second to go", "30", time.Second, retry.ErrDeadline},
		{"as long as the deadline", "30", 30 * time.Second, retry.ErrDeadline},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			overBoth(t, func(t *testing.T, proto string) {
				s, tr := serve(t, proto, asking(func() string { return c.value })), new(trail)
				client := &http.Client{Transport: retry.New(s.base, tr.eager(4)), Timeout: c.timeout}
				start := time.Now()
				resp, err := client.Get("http://example.com/")
				require.NoError(t, err)
				assert.Equal(t, c.value, resp.Header.Get("Retry-After"))
				assert.Equal(t, "not now\n", readAndClose(t, resp))
				assert.Zero(t, time.Since(start))
				require.Len(t, tr.steps, 1)
				assert.ErrorIs(t, tr.last().Reason, c.reason)
			})
		})
	}
}

func TestClientTimeoutBoundsAttemptsAndWaitsTogether(t *testing.T) {
	overBoth(t, func(t *testing.T, proto string) {
		s := serve(t, proto, after503(stall))
		p := new(trail).eager(4)
		p.Backoff = retry.Constant(4 * time.Second)
		client := &http.Client{Transport: retry.New(s.base, p), Timeout: 10 * time.Second}
		start := time.Now()
		_, err := client.Do(newRequest(t, "GET", "http://example.com/", ""))
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Equal(t, 10*time.Second, time.Since(start))
		var timeout interface{ Timeout() bool }
		require.ErrorAs(t, err, &timeout)
		assert.True(t, timeout.Timeout())
	})
}

func TestACancelEndsTheWaitAtOnce(t *testing.T) {
	overBoth(t, func(t *testing.T, proto string) {
		s, tr := serve(t, proto, asking(func() string { return "30" })), new(trail)
		cause := errors.New("the user has left")
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(7*time.Second, func() { cancel(cause) })
		start := time.Now()
		resp, err := retry.New(s.base, tr.eager(4)).RoundTrip(newRequest(t, "GET", "http://example.com/", "").WithContext(ctx))
		require.Nil(t, resp)
		assert.Equal(t, 7*time.Second, time.Since(start))
		assert.ErrorIs(t, err, context.Canceled)
		assert.ErrorIs(t, err, cause)
		var e *retry.Error
		require.ErrorAs(t, err, &e)
		assert.Equal(t, http.StatusTooManyRequests, e.StatusCode)
		assert.Equal(t, 1, e.Attempts)
		synctest.Wait()
		assert.Len(t, tr.steps, 1)
	})
}
