package retry_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/seed-e3550de8/retry"
)

// twice is the policy of an operation that runs two times.
var twice = retry.Policy{MaxAttempts: 2, Backoff: retry.Constant(0)}

var farInRows = []struct {
	name    string
	method  string // none for no request at all
	replies []reply
	inner   retry.Policy    // of the two operations within
	err     error           // the innermost's, which nobody further out gets to see
	want    []time.Duration // when the innermost runs
	reason  error
}{
	{"a server's wish", "POST", []reply{asking, good}, final, errDecode, []time.Duration{0, 11 * time.Second}, nil},
	{"a server's wish, and no error", "POST", []reply{asking, good}, final, nil, []time.Duration{0, 11 * time.Second}, nil},
	{"a Transport's attempts", "GET", []reply{bad}, final, errDecode, []time.Duration{0}, retry.ErrMaxAttempts},
	{"a Transport's attempts, and no error", "GET", []reply{bad}, final, nil, []time.Duration{0}, retry.ErrMaxAttempts},
	{"the innermost's runs", "", nil, twice, errDecode, []time.Duration{0, 0}, retry.ErrMaxAttempts},
}

// What the outermost of three operations must know of what happens in the innermost, whatever is made of its error.
func TestAnOperationKnowsWhatIsMetFarIn(t *testing.T) {
	for _, row := range farInRows {
		synctest.Test(t, func(t *testing.T) {
			begin, at, well := time.Now(), []time.Duration(nil), false
			client := retry.New(play(row.replies...), every(0))
			innermost := func(ctx context.Context) (int, error) {
				at = append(at, time.Since(begin))
				if row.method != "" {
					well = mustEnd(t, client, place(row.method, "").under(ctx)).StatusCode == 200
				}
				if well {
					return 0, nil
				}
				return 0, row.err
			}
			middle := func(ctx context.Context) (int, error) { return retry.Do(ctx, row.inner, innermost) }
			var d retry.Decision
			_, _ = retry.Do(retry.WithDecision(t.Context(), &d), every(time.Second), func(ctx context.Context) (int, error) {
				if _, _ = retry.Do(ctx, row.inner, middle); !well {
					return 0, errors.New("far in")
				}
				return 0, nil
			})
			assert.Equal(t, row.want, at, row.name)
			assert.Equal(t, row.reason, d.Reason, row.name)
		})
	}
}

// The deadline of one run ends the Transport's attempts in it, not the operation, whose own backoff begins.
func TestAnOperationOutlivesTheDeadlineOfARun(t *testing.T) {
	for within, want := range map[time.Duration][]time.Duration{
		5 * time.Second: {0, time.Second, 3 * time.Second, 4 * time.Second},
		time.Second:     {0, time.Second, 3 * time.Second, 7 * time.Second},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := play(bad)
			p := retry.Policy{Backoff: retry.Exponential{Jitter: retry.NoJitter}}
			client := retry.New(s, p)
			_, err := retry.Do(t.Context(), p, func(ctx context.Context) (int, error) {
				ctx, cancel := context.WithTimeout(ctx, within)
				defer cancel()
				mustEnd(t, client, place("GET", "").under(ctx))
				return 0, errDecode
			})
			assert.ErrorIs(t, err, retry.ErrMaxAttempts)
			assert.Equal(t, want, s.times(), within)
		})
	}
}
