package retry_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-e3550de8/retry"
)

func TestAGateReleasesByMaxRetryAfterButNeverInOneBurst(t *testing.T) {
	for _, tt := range []struct {
		retryAfter     string
		from, to, late time.Duration
	}{
		{"20", 20 * time.Second, 40 * time.Second, 35 * time.Second},
		{"40", 40 * time.Second, 60 * time.Second, 55 * time.Second},
		{"50", 50 * time.Second, 75 * time.Second, 70 * time.Second},
		{"60", 60 * time.Second, 90 * time.Second, 80 * time.Second},
	} {
		t.Run(tt.retryAfter, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				base := &busy{retryAfter: tt.retryAfter, well: start.Add(tt.from)}
				client := shared(base, retry.Policy{}) // MaxRetryAfter is 1m
				closeGate(t, client)
				var wg sync.WaitGroup
				for range 100 {
					wg.Go(func() {
						_, err := client.RoundTrip(holdRequest(t.Context(), "GET"))
						assert.NoError(t, err)
					})
				}
				wg.Wait()
				last := base.asked[len(base.asked)-1].Sub(start)
				assert.GreaterOrEqual(t, base.asked[1].Sub(start), tt.from)
				assert.Greater(t, last, tt.late)
				assert.Less(t, last, tt.to)
			})
		})
	}
}

func TestAGateLetsGoWhoHasWaitedLongEnough(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		base := &busy{retryAfter: "40", well: time.Now().Add(time.Hour)}
		client := shared(base, retry.Policy{MaxAttempts: 1})
		closeGate(t, client)
		start := time.Now()
		var wg sync.WaitGroup
		for range 100 {
			wg.Go(func() {
				resp, err := client.RoundTrip(holdRequest(t.Context(), "GET"))
				assert.NoError(t, err, "the gate fails open")
				assert.Equal(t, 503, resp.StatusCode)
			})
		}
		wg.Wait()
		assert.LessOrEqual(t, time.Since(start), time.Minute, "though each 503 closed the gate again")
	})
}

func TestAGateThatIsTooLongHoldsNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		base := &busy{retryAfter: "3600", well: time.Now().Add(time.Hour)}
		client := shared(base, retry.Policy{})
		closeGate(t, client)
		start := time.Now()
		resp, err := client.RoundTrip(holdRequest(t.Context(), "GET"))
		require.NoError(t, err)
		assert.Equal(t, 503, resp.StatusCode)
		assert.Zero(t, time.Since(start))
	})
}

func TestAGateRemembersNoMoreThanItsBound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		base := &busy{retryAfter: "10", well: time.Now().Add(time.Hour)}
		client := shared(base, retry.Policy{MaxAttempts: 1})
		ask := func(from, to int) {
			for i := range to - from {
				req := holdRequest(t.Context(), "GET")
				req.URL.Host = fmt.Sprint("host", from+i)
				_, err := client.RoundTrip(req)
				require.NoError(t, err)
			}
		}
		ask(0, retry.MaxHolds+10)
		assert.Equal(t, retry.MaxHolds, client.Held())
		time.Sleep(time.Minute)
		ask(2*retry.MaxHolds, 3*retry.MaxHolds)
		assert.Equal(t, retry.MaxHolds, client.Held(), "what is over makes room for what is new")

		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		req := holdRequest(ctx, "GET")
		req.URL.Host = fmt.Sprint("host", 3*retry.MaxHolds-1)
		_, err := client.RoundTrip(req)
		require.ErrorIs(t, err, retry.ErrDeadline)
	})
}

func TestAGateIsLeftAtOnceByWhoIsCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		base := &busy{retryAfter: "10", well: time.Now().Add(time.Hour)}
		client := shared(base, retry.Policy{})
		closeGate(t, client)
		cause := errors.New("the user went away")
		ctx, cancel := context.WithCancelCause(t.Context())
		start := time.Now()
		time.AfterFunc(3*time.Second, func() { cancel(cause) })

		_, err := client.RoundTrip(holdRequest(ctx, "GET"))

		require.ErrorIs(t, err, context.Canceled)
		require.ErrorIs(t, err, cause)
		assert.Equal(t, 3*time.Second, time.Since(start))
		assert.Len(t, base.asked, 1)
	})
}

// A Retry-After of 292 years neither overflows nor spins.
func TestAGateHoldsForAsLongAsADurationCan(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		base := &busy{retryAfter: "9223372036", well: time.Now().Add(time.Hour)}
		client := shared(base, retry.Policy{MaxRetryAfter: math.MaxInt64})
		closeGate(t, client)
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Hour, cancel)
		start := time.Now()
		_, err := client.RoundTrip(holdRequest(ctx, "GET"))
		require.ErrorIs(t, err, context.Canceled)
		assert.Equal(t, time.Hour, time.Since(start))
		assert.Len(t, base.asked, 1)
	})
}
