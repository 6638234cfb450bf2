package tail_test

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-e3550de8/retry"
	"github.com/seed-e3550de8/retry/bench"
	"github.com/seed-e3550de8/retry/bench/tail"
)

// contender returns the one of that name.
func contender(t *testing.T, name string) bench.Contender {
	t.Helper()
	i := slices.IndexFunc(tail.Field(), func(c bench.Contender) bool { return c.Name == name })
	require.GreaterOrEqual(t, i, 0, name)
	return tail.Field()[i]
}

func TestALibraryEndsWellWhatTheBareTransportDoesNot(t *testing.T) {
	for _, row := range tail.Rows() {
		t.Run(row.Name, func(t *testing.T) {
			t.Parallel()
			// So few requests earn no budget for those that a restart fails.
			row.Requests, row.Restart = row.Requests/20, false
			bare, err := tail.Run(contender(t, "bare"), row)
			require.NoError(t, err)
			assert.InDelta(t, row.Requests, bare.Attempts, 1, "attempts are counted once")
			ours, err := tail.Run(contender(t, "retry"), row)
			require.NoError(t, err)
			if row.Method != "POST" { // which is not repeated, and has a timeout that the bare transport has not
				assert.Equal(t, row.Requests, ours.Well)
			}
			assert.Zero(t, ours.Corrupt)
			assert.Zero(t, ours.Twice)
		})
	}
}

func TestTheServerTellsWhatHarms(t *testing.T) {
	row := tail.Row{Method: "POST", Size: 1 << 10, Mix: tail.Mix{tail.Reset: 0.5}, Requests: 40, Rate: 1000}
	res, err := tail.Run(contender(t, "go-retryablehttp"), row)
	require.NoError(t, err)
	assert.Positive(t, res.Twice, "it repeats a POST whose connection was reset")

	row.Method = "PUT"
	res, err = tail.Run(contender(t, "resty-v2"), row)
	require.NoError(t, err)
	assert.Positive(t, res.Corrupt, "it repeats a PUT without its body")
	assert.Zero(t, res.Twice, "a PUT may be acted upon twice")
}

func TestAQuantileIsOfAllRequestsAndNotOfThoseThatEndedWell(t *testing.T) {
	res := tail.Result{Requests: 4, Times: []time.Duration{1, 2, 3}}
	for q, want := range map[float64]time.Duration{0: 1, 0.25: 1, 0.5: 2, 0.75: 3} {
		d, ok := res.Quantile(q)
		assert.True(t, ok, q)
		assert.Equal(t, want, d, q)
	}
	_, ok := res.Quantile(0.99)
	assert.False(t, ok, "the fourth never had its answer")
}

func TestTheScriptIsTheSameEachTime(t *testing.T) {
	row := tail.Row{Method: "GET", Mix: tail.Mix{tail.Unavailable: 0.3}, Requests: 100, Rate: 2000}
	first, err := tail.Run(contender(t, "bare"), row)
	require.NoError(t, err)
	second, err := tail.Run(contender(t, "bare"), row)
	require.NoError(t, err)
	assert.Equal(t, first.Well, second.Well)
	assert.InDelta(t, 70, first.Well, 15)
}

func TestARestartFailsThoseWhoDoNotComeBack(t *testing.T) {
	row := tail.Row{Method: "GET", Restart: true, Requests: 200, Rate: 200}
	bare, err := tail.Run(contender(t, "bare"), row)
	require.NoError(t, err)
	assert.Less(t, bare.Well, 180, "of 60 requests that come while the server is away")
	unlimited := contender(t, "retry")
	unlimited.New = func(base http.RoundTripper, _ bench.Setup) http.RoundTripper {
		return retry.New(base, retry.Policy{Backoff: retry.Constant(away), Budget: retry.Unlimited})
	}
	res, err := tail.Run(unlimited, row)
	require.NoError(t, err)
	assert.Equal(t, row.Requests, res.Well)
}

const away = 300 * time.Millisecond
