package retry_test

import (
	"context"
	"errors"
	"fmt"
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

// classified is a policy by which every failure is of that class.
func classified(c retry.Class) retry.Policy {
	return retry.Policy{Backoff: retry.Constant(s), Classify: func(retry.Attempt) retry.Class { return c }}
}

// innerEnd is the error of a Transport further in that made no more attempts for that reason.
func innerEnd(reason error) error { return &retry.Error{Reason: reason, Err: errDecode} }

type doRow struct {
	name     string
	policy   retry.Policy
	failures int
	err      error
	runs     int
	want     []error // what the error matches; none for success
	took     time.Duration
}

// doRows makes the rows anew, since a Budget keeps what has been spent.
func doRows() []doRow {
	return []doRow{
		{"at once", every(s), 0, errDecode, 1, nil, 0},
		{"at the third run", every(s), 2, errDecode, 3, nil, 2 * s},
		{"exhausted", every(s), 9, errDecode, 4, []error{errDecode, retry.ErrMaxAttempts}, 3 * s},
		{"one run is the operation's own error", retry.Policy{MaxAttempts: 1}, 9, errDecode, 1, []error{errDecode}, 0},
		{"negative attempts are one", retry.Policy{MaxAttempts: -3}, 9, errDecode, 1, []error{errDecode}, 0},
		{"marked Final", every(s), 9, retry.Mark(errDecode, retry.Final), 1, []error{errDecode}, 0},
		{"beneath", every(s), 9, fmt.Errorf("load: %w", retry.Mark(errDecode, retry.Final)), 1, []error{errDecode}, 0},
		{"marked with what is no class", every(s), 9, retry.Mark(errDecode, 77), 1, []error{errDecode}, 0},
		{"classified Final", classified(retry.Final), 9, errDecode, 1, []error{errDecode}, 0},
		{"classified Transient", classified(retry.Transient), 1, errDecode, 2, nil, s},
		{"a mark beats Classify", classified(retry.Final), 1, retry.Mark(errDecode, retry.Transient), 2, nil, s},
		{"an inner end that is not for good", every(s), 1, innerEnd(retry.ErrDeadline), 2, nil, s},
		{"one that is", every(s), 9, innerEnd(retry.ErrBudget), 1, []error{errDecode, retry.ErrBudget}, 0},
		{"a budget", retry.Policy{Backoff: retry.Constant(0), Budget: &retry.Budget{Floor: 1}}, 9, errDecode, 2,
			[]error{errDecode, retry.ErrBudget}, 0},
	}
}

func TestDoRepeatsAnOperationUntilItSucceeds(t *testing.T) {
	for _, row := range doRows() {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				heard, begin := 0, time.Now()
				row.policy.OnAttempt = func(a retry.Attempt, _ retry.Decision) {
					heard++
					assert.Equal(t, heard, a.Number)
					assert.Equal(t, time.Minute, a.Duration)
				}
				op, runs := failingRuns(row.failures, row.err)
				value, err := retry.Do(t.Context(), row.policy, func(ctx context.Context) (int, error) {
					time.Sleep(time.Minute)
					return op(ctx)
				})
				assert.Equal(t, row.runs, value, "the value of the last run")
				assert.Equal(t, row.runs, *runs)
				assert.Equal(t, row.runs, heard)
				assert.Equal(t, row.took+time.Duration(row.runs)*time.Minute, time.Since(begin))
				assert.Equal(t, len(row.want) == 0, err == nil, err)
				for _, want := range row.want {
					assert.ErrorIs(t, err, want)
				}
				if e, ok := err.(*retry.Error); row.runs > 1 && err != nil {
					require.True(t, ok, "%v", err)
					assert.Equal(t, row.runs, e.Attempts)
				} else if err != nil {
					assert.Same(t, row.err, err)
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
	for _, row := range []struct {
		name   string
		wait   time.Duration // before each run
		within time.Duration // until the deadline; 0 for none
		gone   time.Duration // until it is cancelled; negative: in OnAttempt
		runs   int
		took   time.Duration
		want   []error // besides that of the last run; none if that is returned as it is
	}{
		{"in a wait", s, 0, 3 * s / 2, 2, 3 * s / 2, []error{errGone, context.Canceled}},
		{"in the first wait", s, 0, s / 2, 1, s / 2, []error{errGone, context.Canceled}},
		{"before a wait of nothing", 0, 0, -1, 1, 0, []error{errGone}},
		{"before: once, as a Transport asks its base once", s, 0, 0, 1, 0, nil},
		{"a deadline that is looked ahead to", time.Minute, 90 * s, time.Hour, 2, time.Minute, []error{retry.ErrDeadline}},
	} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancelCause(endingIn(t, row.within))
			defer cancel(nil)
			p := every(row.wait)
			if row.gone < 0 {
				p.OnAttempt = func(retry.Attempt, retry.Decision) { cancel(errGone) }
			} else {
				time.AfterFunc(row.gone, func() { cancel(errGone) })
				synctest.Wait()
			}
			op, runs := failingRuns(9, errDecode)
			begin := time.Now()
			var d retry.Decision
			_, err := retry.Do(retry.WithDecision(ctx, &d), p, op)
			assert.False(t, d.Retry, row.name)
			for _, want := range row.want {
				assert.ErrorIs(t, d.Reason, want, row.name)
			}
			assert.Equal(t, row.want == nil, err == errDecode, "%s: %v", row.name, err)
			for _, want := range append(row.want, errDecode) {
				assert.ErrorIs(t, err, want, row.name)
			}
			assert.Equal(t, row.runs, *runs, row.name)
			assert.Equal(t, row.took, time.Since(begin), row.name)
		})
	}
}

func TestDoSettlesWithItsBudget(t *testing.T) {
	for _, row := range []struct {
		name     string
		failures int
		within   time.Duration // when the caller gives up; 0: never
		want     float64       // of 4
	}{
		{"a success deposits a tenth", 0, 0, 4.1},
		{"and gives back what its retries took", 3, 0, 4.103},
		{"three that fail take three", 9, 0, 1.003},
		{"one that is not made is given back", 9, 1500 * time.Millisecond, 3.0015},
	} {
		synctest.Test(t, func(t *testing.T) {
			p := every(time.Second)
			p.Budget = new(retry.Budget)
			p.Budget.SpendOn(nil, 1, time.Now())
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			if row.within > 0 {
				time.AfterFunc(row.within, cancel)
			}
			op, _ := failingRuns(row.failures, errDecode)
			var d retry.Decision
			_, err := retry.Do(retry.WithDecision(ctx, &d), p, op)
			assert.InDelta(t, row.want, p.Budget.Balance(nil), 1e-9, row.name)
			assert.Equal(t, err == nil, d == retry.Decision{}, "%s: %v", row.name, d)
		})
	}
}

func TestDoFollowsAWithPolicy(t *testing.T) {
	op, runs := failingRuns(9, errDecode)
	_, err := retry.Do(retry.WithPolicy(t.Context(), retry.Policy{MaxAttempts: 2}), every(0), op)
	require.ErrorIs(t, err, retry.ErrMaxAttempts)
	assert.Equal(t, 2, *runs)
}
