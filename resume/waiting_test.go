package resume_test

import (
	"context"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-e3550de8/retry"
	"github.com/seed-e3550de8/retry/httpfault"
	"github.com/seed-e3550de8/retry/resume"
)

// seconds waits one second more each time.
type seconds struct{}

func (seconds) Delay(n int) time.Duration { return time.Duration(n) * time.Second }

func TestEachContinuationIsAnnouncedAndWaitedFor(t *testing.T) {
	const size = 200_000
	list := answers(breakAt(10), breakAt(5), breakAt(65_530), breakAt(65_536), breakAt(0))
	withOrigin(t, size, list, func(t *testing.T, s *httpfault.Server, o *origin) {
		var told []resume.Continuation
		var at []time.Duration
		start := time.Now()
		req := request(t, s)
		p := resume.Policy{Backoff: seconds{}, OnContinue: func(c resume.Continuation) {
			assert.Same(t, req, c.Request)
			require.Error(t, c.Err)
			at = append(at, time.Since(start))
			c.Request, c.Err = nil, nil
			told = append(told, c)
		}}
		got, err := download(t, wrapped(s, p), req)
		require.NoError(t, err)
		requireSame(t, o.content, got)
		assert.Equal(t, []resume.Continuation{
			{Number: 1, Offset: 10, Total: size, Wait: time.Second},
			{Number: 2, Offset: 15, Total: size, Wait: 2 * time.Second},
			{Number: 3, Offset: 65_545, Total: size, Wait: 3 * time.Second}, // one byte short of real progress
			{Number: 4, Offset: 131_081, Total: size, Wait: time.Second},
			{Number: 5, Offset: 131_081, Total: size, Wait: 2 * time.Second},
		}, told)
		assert.Equal(t, []time.Duration{0, 1 * time.Second, 3 * time.Second, 6 * time.Second, 7 * time.Second}, at)
		assert.Equal(t, 9*time.Second, time.Since(start))
	})
}

func TestWithoutProgressTheContinuationsEnd(t *testing.T) {
	for name, tc := range map[string]struct {
		max, want int
	}{"by default": {0, 5}, "as the policy says": {2, 2}} {
		t.Run(name, func(t *testing.T) {
			withOrigin(t, 1000, slices.Repeat(answers(breakAt(1)), 100), func(t *testing.T, s *httpfault.Server, o *origin) {
				got, err := download(t, wrapped(s, resume.Policy{MaxContinuations: tc.max}), request(t, s))
				require.ErrorIs(t, err, retry.ErrMaxAttempts)
				e := requireError(t, err)
				assert.Equal(t, tc.want, e.Continuations)
				assert.Zero(t, e.StatusCode)
				assert.Len(t, got, tc.want+1)
			})
		})
	}
}

func TestANegativeBackoffDoesNotWait(t *testing.T) {
	withOrigin(t, 1000, answers(breakAt(1)), func(t *testing.T, s *httpfault.Server, o *origin) {
		p := resume.Policy{Backoff: negative{}, OnContinue: func(c resume.Continuation) { assert.Zero(t, c.Wait) }}
		start := time.Now()
		_, err := download(t, wrapped(s, p), request(t, s))
		require.NoError(t, err)
		assert.Zero(t, time.Since(start))
	})
}

type negative struct{}

func (negative) Delay(int) time.Duration { return -time.Hour }

func TestAWaitBeyondTheDeadlineIsNotBegun(t *testing.T) {
	withOrigin(t, 1000, answers(breakAt(400)), func(t *testing.T, s *httpfault.Server, o *origin) {
		start := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		hook := func(resume.Continuation) { t.Error("there is no continuation to tell of") }
		p := resume.Policy{Backoff: retry.Constant(time.Minute), OnContinue: hook}
		_, err := download(t, wrapped(s, p), request(t, s).WithContext(ctx))
		require.ErrorIs(t, err, retry.ErrDeadline)
		e := requireError(t, err)
		assert.True(t, e.Timeout())
		assert.Zero(t, e.Continuations)
		assert.Zero(t, time.Since(start))
	})
}

// A foreign context is done, but Err has an answer of its own.
type foreign struct {
	context.Context
	err error
}

func (c foreign) Err() error { return c.err }

// A list is an error that cannot be compared.
type list []string

func (l list) Error() string { return l[0] }

func TestAContextOfSomebodysOwnEndsTheWait(t *testing.T) {
	for name, err := range map[string]error{"without an error": nil, "with one that cannot be compared": list{"gone"}} {
		t.Run(name, func(t *testing.T) {
			for _, early := range []bool{false, true} {
				ctx, cancel := context.WithCancel(t.Context())
				broken := func() (*http.Response, error) {
					if early {
						cancel()
					}
					return reply(200, 10, "0123", errFirst)()
				}
				base := &script{answers: []func() (*http.Response, error){broken}}
				p := resume.Policy{Backoff: retry.Constant(1 << 62), OnContinue: func(resume.Continuation) { cancel() }}
				_, got := download(t, resume.New(base, p), get(t).WithContext(foreign{ctx, err}))
				require.ErrorIs(t, got, errFirst)
				assert.Len(t, base.requests, 1)
				if !early && err == nil {
					require.ErrorIs(t, got, context.Canceled)
				}
			}
		})
	}
}
