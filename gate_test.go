package retry_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-e3550de8/retry"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// busy is a base that asks for retryAfter until it is well, and notes when it was asked.
type busy struct {
	retryAfter string
	well       time.Time
	mu         sync.Mutex
	asked      []time.Time
}

func (b *busy) RoundTrip(req *http.Request) (*http.Response, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if req.Body != nil {
		req.Body.Close()
	}
	b.asked = append(b.asked, time.Now())
	resp := &http.Response{StatusCode: 200, Header: http.Header{}, Body: http.NoBody, Request: req}
	if time.Now().Before(b.well) {
		resp.StatusCode = 503
		resp.Header.Set("Retry-After", b.retryAfter)
	}
	return resp, nil
}

func shared(base http.RoundTripper, p retry.Policy) *retry.Transport {
	p.Gate = new(retry.Gate)
	return retry.New(base, p)
}

func holdRequest(ctx context.Context, method string) *http.Request {
	req, err := http.NewRequestWithContext(ctx, method, "http://api.example.com/orders", nil)
	if err != nil {
		panic(err)
	}
	return req
}

// closeGate makes one request whose 503 holds the others. A POST is not retried, so it is over at once.
func closeGate(t *testing.T, client http.RoundTripper) {
	resp, err := client.RoundTrip(holdRequest(t.Context(), "POST"))
	require.NoError(t, err)
	require.Equal(t, 503, resp.StatusCode)
}

func pass(t *testing.T, client http.RoundTripper) {
	resp, err := client.RoundTrip(holdRequest(t.Context(), "POST"))
	require.NoError(t, err)
	require.Equal(t, 200, resp.StatusCode)
}

func TestAGateHoldsEveryRequestAndSpreadsTheirRelease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		base := &busy{retryAfter: "10", well: time.Now().Add(time.Second)}
		client := shared(base, retry.Policy{})
		start := time.Now()
		closeGate(t, client)

		var wg sync.WaitGroup
		for i := range 1000 {
			method := []string{"GET", "POST"}[i%2]
			wg.Go(func() {
				resp, err := client.RoundTrip(holdRequest(t.Context(), method))
				assert.NoError(t, err)
				assert.Equal(t, 200, resp.StatusCode)
			})
		}
		wg.Wait()

		perSecond := map[int]int{}
		for _, at := range base.asked[1:] {
			after := at.Sub(start)
			assert.GreaterOrEqual(t, after, 10*time.Second, "none early")
			assert.Less(t, after, 20*time.Second, "none later than twice the Retry-After")
			perSecond[int(after/time.Second)]++
		}
		require.Len(t, base.asked, 1001)
		for second := 10; second < 20; second++ {
			assert.InDelta(t, 100, perSecond[second], 60, "second %d", second)
		}
		time.Sleep(10 * time.Second)
		pass(t, client)
		assert.Zero(t, client.Held(), "the gate is open and forgotten")
	})
}

func TestAGateIsAskedAgainAtTheRelease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		base := &busy{retryAfter: "5", well: start.Add(25 * time.Second)}
		client := shared(base, retry.Policy{MaxAttempts: 1})
		closeGate(t, client)

		var wg sync.WaitGroup
		var good atomic.Int64
		for range 1000 {
			wg.Go(func() {
				resp, err := client.RoundTrip(holdRequest(t.Context(), "GET"))
				if assert.NoError(t, err) && resp.StatusCode == 200 {
					good.Add(1)
				}
			})
		}
		wg.Wait()

		assert.Less(t, len(base.asked), 1020, "each 503 holds those that were about to go")
		assert.Greater(t, good.Load(), int64(985))
	})
}

func TestAGateOfAServerThatRefusesAFewStarvesNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n atomic.Int64
		client := shared(roundTripperFunc(func(req *http.Request) (*http.Response, error) {
			resp := &http.Response{StatusCode: 200, Header: http.Header{}, Body: http.NoBody, Request: req}
			if n.Add(1)%50 == 0 {
				resp.StatusCode = 429
				resp.Header.Set("Retry-After", "1")
			}
			return resp, nil
		}), retry.Policy{})
		var wg sync.WaitGroup
		took := make([]time.Duration, 6000)
		for i := range took {
			wg.Go(func() {
				start := time.Now()
				_, err := client.RoundTrip(holdRequest(t.Context(), "GET"))
				assert.NoError(t, err)
				took[i] = time.Since(start)
			})
			time.Sleep(10 * time.Millisecond)
		}
		wg.Wait()
		slices.Sort(took)
		assert.Less(t, took[len(took)*9/10], 3*time.Second, "a few are held again and again, though the server serves the others")
	})
}

func TestAGateHoldsNobodyElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		base := &busy{retryAfter: "10", well: time.Now().Add(time.Hour)}
		client := shared(base, retry.Policy{MaxAttempts: 1})
		closeGate(t, client)
		start := time.Now()

		for _, url := range []string{"https://api.example.com", "http://api.example.com:8080", "http://www.example.com"} {
			req, err := http.NewRequestWithContext(t.Context(), "GET", url, nil)
			require.NoError(t, err)
			_, err = client.RoundTrip(req)
			require.NoError(t, err)
		}
		assert.Zero(t, time.Since(start))
	})
}

func TestWithoutAGateNobodyIsHeld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		base := &busy{retryAfter: "10", well: time.Now().Add(time.Hour)}
		client := retry.New(base, retry.Policy{MaxAttempts: 1})
		closeGate(t, client)
		start := time.Now()
		_, err := client.RoundTrip(holdRequest(t.Context(), "GET"))
		require.NoError(t, err)
		assert.Zero(t, time.Since(start))
		assert.Zero(t, client.Held())
	})
}

func TestAGateEndsARequestAtOnceThatCannotWait(t *testing.T) {
	for _, tt := range []struct {
		name   string
		policy retry.Policy
		within time.Duration // the deadline; 0 for none
		want   error
	}{
		{"its deadline is before the release", retry.Policy{}, 10 * time.Second, retry.ErrDeadline},
		{"it is held for longer than its MaxRetryAfter", retry.Policy{MaxRetryAfter: 9 * time.Second}, 0, retry.ErrRetryAfter},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				base := &busy{retryAfter: "10", well: time.Now().Add(time.Hour)}
				client := shared(base, retry.Policy{})
				closeGate(t, client)
				var told []retry.Attempt
				tt.policy.OnAttempt = func(a retry.Attempt, d retry.Decision) {
					told = append(told, a)
					assert.Equal(t, tt.want, d.Reason)
					assert.False(t, d.Retry)
				}
				ctx := retry.WithPolicy(t.Context(), tt.policy)
				if tt.within > 0 {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, tt.within)
					defer cancel()
				}
				req := holdRequest(ctx, "PUT")
				body := &closeCounter{Reader: strings.NewReader("x")}
				req.Body = body
				start := time.Now()

				_, err := client.RoundTrip(req)

				require.ErrorIs(t, err, tt.want)
				var e *retry.Error
				require.ErrorAs(t, err, &e)
				assert.Zero(t, e.Attempts)
				assert.Zero(t, time.Since(start))
				assert.EqualValues(t, 1, body.closed.Load(), "the caller's body is closed, though nothing was sent")
				assert.Len(t, base.asked, 1)
				require.Len(t, told, 1, "OnAttempt hears of it")
				assert.Zero(t, told[0].Number)
				assert.NotContains(t, err.Error(), "orders")
			})
		})
	}
}

// Where time goes by, none of it may be taken for a wait: in a bubble it stands still.
func TestAGateThatIsShutForTooLongSendsNothingWhileTimeGoesBy(t *testing.T) {
	s := play(answer(200))
	_, err := retry.New(s, retry.Policy{Gate: shut(t), MaxRetryAfter: time.Second}).RoundTrip(putting(t, nil))
	assert.ErrorIs(t, err, retry.ErrRetryAfter)
	assert.Zero(t, s.attempts())
}

type closeCounter struct {
	io.Reader
	closed atomic.Int64
}

func (c *closeCounter) Close() error {
	c.closed.Add(1)
	return nil
}

func TestOnAttemptSeesHowLongARequestWasHeld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		base := &busy{retryAfter: "10", well: time.Now().Add(time.Second)}
		var held time.Duration
		client := shared(base, retry.Policy{OnAttempt: func(a retry.Attempt, _ retry.Decision) { held = a.Held }})
		closeGate(t, client)
		require.Zero(t, held)
		start := time.Now()
		_, err := client.RoundTrip(holdRequest(t.Context(), "GET"))
		require.NoError(t, err)
		assert.Equal(t, time.Since(start), held)
		assert.NotZero(t, held)
	})
}

func TestAGateSpreadsRetriesToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		base := &busy{retryAfter: "10", well: start.Add(time.Second)}
		client := shared(base, retry.Policy{Backoff: retry.Constant(0), Budget: retry.Unlimited})
		var wg sync.WaitGroup
		for range 100 {
			wg.Go(func() {
				resp, err := client.RoundTrip(holdRequest(t.Context(), "GET"))
				assert.NoError(t, err)
				assert.Equal(t, 200, resp.StatusCode)
			})
		}
		wg.Wait()
		late := 0
		for _, at := range base.asked {
			if after := at.Sub(start); after >= 10*time.Second {
				assert.Less(t, after, 20*time.Second)
				late++
			}
		}
		assert.Equal(t, 100, late)
	})
}

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
