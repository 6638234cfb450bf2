package retry_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-e3550de8/retry"
)

var errDecode = errors.New("unexpected end of JSON input")

// failing returns an operation that fails n times with err, and then returns its run's number.
func failingRuns(n int, err error) (op func(context.Context) (int, error), runs *int) {
	runs = new(int)
	return func(context.Context) (int, error) {
		if *runs++; *runs <= n {
			return *runs, err
		}
		return *runs, nil
	}, runs
}

func TestDoRepeatsAnOperationUntilItSucceeds(t *testing.T) {
	for _, row := range []struct {
		name     string
		policy   retry.Policy
		failures int
		err      error
		value    int
		runs     int
		want     []error // what the error matches; none for success
		took     time.Duration
	}{
		{"at once", every(time.Second), 0, errDecode, 1, 1, nil, 0},
		{"at the third run", every(time.Second), 2, errDecode, 3, 3, nil, 2 * time.Second},
		{"exhausted", every(time.Second), 9, errDecode, 4, 4, []error{errDecode, retry.ErrMaxAttempts}, 3 * time.Second},
		{"one run is the operation's own error", retry.Policy{MaxAttempts: 1}, 9, errDecode, 1, 1, []error{errDecode}, 0},
		{"negative attempts are one", retry.Policy{MaxAttempts: -3}, 9, errDecode, 1, 1, []error{errDecode}, 0},
		{"marked Final", every(time.Second), 9, retry.Mark(errDecode, retry.Final), 1, 1, []error{errDecode}, 0},
		{"marked beneath", every(time.Second), 9, fmt.Errorf("load: %w", retry.Mark(errDecode, retry.Final)), 1, 1, []error{errDecode}, 0},
		{"classified Final", retry.Policy{Classify: func(retry.Attempt) retry.Class { return retry.Final }}, 9, errDecode, 1, 1, []error{errDecode}, 0},
		{"a mark beats Classify", retry.Policy{Backoff: retry.Constant(1), Classify: func(retry.Attempt) retry.Class { return retry.Final }}, 1,
			retry.Mark(errDecode, retry.Transient), 2, 2, nil, 1},
		{"a class that is none", every(time.Second), 9, retry.Mark(errDecode, 77), 1, 1, []error{errDecode}, 0},
		{"a budget", retry.Policy{Backoff: retry.Constant(0), Budget: &retry.Budget{Floor: 1}}, 9, errDecode, 2, 2, []error{errDecode, retry.ErrBudget}, 0},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				decisions := told(&row.policy)
				begin := time.Now()
				op, runs := failingRuns(row.failures, row.err)
				value, err := retry.Do(t.Context(), row.policy, op)
				assert.Equal(t, row.value, value, "the value of the last run")
				assert.Equal(t, row.runs, *runs)
				assert.Len(t, *decisions, row.runs)
				assert.Equal(t, row.took, time.Since(begin))
				assert.Equal(t, len(row.want) == 0, err == nil, err)
				for _, want := range row.want {
					assert.ErrorIs(t, err, want)
				}
				var e *retry.Error
				assert.Equal(t, row.runs > 1 && err != nil, errors.As(err, &e))
				if e != nil {
					assert.Equal(t, row.runs, e.Attempts)
				}
			})
		})
	}
}

func TestDoRefusesWhatItCannotDo(t *testing.T) {
	_, err := retry.Do[int](t.Context(), retry.Policy{}, nil)
	require.Error(t, err)
	//lint:ignore SA1012 that is the test
	_, err = retry.Do(nil, retry.Policy{}, func(context.Context) (int, error) { return 1, nil })
	require.Error(t, err)
	assert.NoError(t, retry.Mark(nil, retry.Final))
	assert.EqualError(t, retry.Mark(errDecode, retry.Final), errDecode.Error())
	assert.PanicsWithValue(t, "mine", func() {
		_, _ = retry.Do(t.Context(), retry.Policy{}, func(context.Context) (int, error) { panic("mine") })
	})
}

func TestDoEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cause := errors.New("the user went home")
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(1500*time.Millisecond, func() { cancel(cause) })
		op, runs := failingRuns(9, errDecode)
		begin := time.Now()
		_, err := retry.Do(ctx, every(time.Second), op)
		assert.ErrorIs(t, err, cause)
		assert.ErrorIs(t, err, context.Canceled)
		assert.ErrorIs(t, err, errDecode)
		assert.Equal(t, 2, *runs)
		assert.Equal(t, 1500*time.Millisecond, time.Since(begin))

		op, runs = failingRuns(9, errDecode)
		_, err = retry.Do(ctx, every(time.Second), op)
		assert.Same(t, errDecode, err, "a context that is done: once, as a Transport asks its base once")
		assert.Equal(t, 1, *runs)

		ctx, stop := context.WithTimeout(t.Context(), 90*time.Second)
		defer stop()
		op, runs = failingRuns(9, errDecode)
		begin = time.Now()
		_, err = retry.Do(ctx, every(time.Minute), op)
		assert.ErrorIs(t, err, retry.ErrDeadline)
		assert.Equal(t, 2, *runs)
		assert.Equal(t, time.Minute, time.Since(begin), "the deadline is looked ahead to")
	})
}

// get makes a request and turns a bad status into an error, as operations do.
func get(ctx context.Context, client http.RoundTripper, url string) error {
	req, err := http.NewRequestWithContext(ctx, "GET", url, nil)
	if err != nil {
		return err
	}
	resp, err := client.RoundTrip(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != 200 {
		return fmt.Errorf("status %d", resp.StatusCode)
	}
	return nil
}

// Transports within an operation collapse with it into one layer.
func TestTheRequestsOfAnOperationStayWithinOneMaxAttempts(t *testing.T) {
	urls := []string{"http://a.example/", "http://b.example/", "http://c.example/"}
	for _, limits := range []struct{ do, transport, want int }{{4, 4, 4}, {0, 0, 4}, {4, 2, 2}, {3, 10, 3}, {4, 1, 4}, {1, 4, 1}} {
		for requests := 1; requests <= 3; requests++ {
			for bad := range requests {
				for outcome, reply := range map[string]reply{"503": answer(503), "reset": fail(errPeerReset)} {
					t.Run(fmt.Sprintf("%+v, %d requests, %s at the %d", limits, requests, outcome, bad+1), func(t *testing.T) {
						synctest.Test(t, func(t *testing.T) {
							asked := map[string]int{}
							b := roundTripperFunc(func(req *http.Request) (*http.Response, error) {
								asked[req.URL.String()]++
								if req.URL.String() == urls[bad] {
									return reply(req)
								}
								resp, err := answer(200)(req)
								resp.Request = req
								return resp, err
							})
							client := retry.New(b, retry.Policy{MaxAttempts: limits.transport, Budget: retry.Unlimited})
							_, err := retry.Do(t.Context(), retry.Policy{MaxAttempts: limits.do}, func(ctx context.Context) (int, error) {
								for _, url := range urls[:requests] {
									if err := get(ctx, client, url); err != nil {
										return 0, err
									}
								}
								return 0, nil
							})
							require.Error(t, err)
							assert.Equal(t, limits.want, asked[urls[bad]])
							for url, n := range asked {
								assert.LessOrEqual(t, n, limits.want, url)
							}
						})
					})
				}
			}
		}
	}
}

// What fails after its requests have succeeded is repeated whole, and asks none of them too often.
func TestAnOperationThatFailsAfterItsRequestsIsRepeated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := play(answer(503), answer(503), answer(200), answer(200), answer(200))
		client := retry.New(s, every(time.Second))
		runs := 0
		_, err := retry.Do(t.Context(), every(time.Second), func(ctx context.Context) (int, error) {
			runs++
			require.NoError(t, get(ctx, client, "http://a.example/"))
			return 0, errDecode
		})
		assert.ErrorIs(t, err, retry.ErrMaxAttempts)
		assert.Equal(t, 2, runs)
		assert.Equal(t, 4, s.attempts())
	})
}

// A Retry-After that a Transport met and did not wait for is waited for before the next run.
func TestAnOperationKeepsTheWishesThatItMet(t *testing.T) {
	for _, row := range []struct {
		name   string
		method string
		after  string
		do     retry.Policy
		within time.Duration
		want   time.Duration // between the last attempt of run 1 and the first of run 2; 0 for no run 2
		reason error
	}{
		{"a POST", "POST", "10", every(time.Second), 0, 11 * time.Second, nil},
		{"a wait that is too long for the Transport", "GET", "90", retry.Policy{Backoff: retry.Constant(0), MaxRetryAfter: time.Hour}, 0, 90 * time.Second, nil},
		{"too long for both", "GET", "90", every(time.Second), 0, 0, retry.ErrRetryAfter},
		{"too long for the deadline", "POST", "30", every(time.Second), 20 * time.Second, 0, retry.ErrDeadline},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx := t.Context()
				if row.within > 0 {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, row.within)
					defer cancel()
				}
				s := play(answer(503, "Retry-After", row.after), answer(200))
				client := retry.New(s, every(0))
				var d retry.Decision
				_, _ = retry.Do(retry.WithDecision(ctx, &d), row.do, func(ctx context.Context) (int, error) {
					resp, err := client.RoundTrip(place(row.method, "").under(ctx).Request)
					require.NoError(t, err)
					drop(resp)
					if resp.StatusCode != 200 {
						return 0, errDecode
					}
					return 0, nil
				})
				assert.Equal(t, row.reason, d.Reason)
				if row.want == 0 {
					assert.Equal(t, 1, s.attempts())
					return
				}
				assert.Equal(t, []time.Duration{0, row.want}, s.times())
			})
		})
	}
}

// Do within Do, and WithPolicy around it.
func TestOperationsNest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		runs := 0
		_, err := retry.Do(t.Context(), every(time.Second), func(ctx context.Context) (int, error) {
			return retry.Do(ctx, every(time.Second), func(context.Context) (int, error) { runs++; return 0, errDecode })
		})
		require.ErrorIs(t, err, retry.ErrMaxAttempts)
		assert.Equal(t, 4, runs, "whose attempts are used up")

		op, n := failingRuns(9, errDecode)
		_, err = retry.Do(retry.WithPolicy(t.Context(), retry.Policy{MaxAttempts: 2}), every(time.Second), op)
		require.Error(t, err)
		assert.Equal(t, 2, *n)
	})
}
