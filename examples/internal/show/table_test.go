package show_test

import (
	"bytes"
	"errors"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-e3550de8/retry"
	"github.com/seed-e3550de8/retry/examples/internal/show"
)

func TestATableFitsEightyColumns(t *testing.T) {
	req, err := http.NewRequest(http.MethodPost, "http://example.com/payments/keyed", nil)
	require.NoError(t, err)
	var out bytes.Buffer
	table := show.New(&out, false)
	for _, d := range []retry.Decision{
		{Class: retry.Transient, Retry: true, Delay: 59 * time.Second, FromServer: true},
		{Class: retry.Unprocessed, Retry: true, Delay: 9 * time.Second},
		{Class: retry.Transient, Delay: time.Hour, FromServer: true, Reason: retry.ErrDeadline},
		{Class: retry.Final},
	} {
		table.Attempt(retry.Attempt{Number: 3, Request: req, Err: errors.New("connection reset by the peer, or so it says")}, d)
	}
	for line := range strings.Lines(out.String()) {
		assert.LessOrEqual(t, len(line), 81, line)
	}
	assert.Contains(t, out.String(), "transient  59.00s server\n")
	assert.Contains(t, out.String(), "unprocessed  9.00s backoff\n")
	assert.Contains(t, out.String(), "done\n  no retry: deadline before the end of the wait (3600.00s)\n")
	assert.Contains(t, out.String(), "final      done\n")
}

func TestATableCountsThePromisesThatWereBroken(t *testing.T) {
	var out bytes.Buffer
	table := show.New(&out, false)
	table.Verdict("it works", nil)
	table.Verdict("it works again", show.Equal("status", 503, 200))
	table.Verdict("and again", show.Equal("status", 200, 200))
	assert.Equal(t, 1, table.End())
	assert.Contains(t, out.String(), "  ok: it works\n\n  FAILED: it works again:\n    status: got 503, want 200\n\n")
	assert.True(t, strings.HasSuffix(out.String(), "2 passed, 1 failed\n"))
}

func TestAFileIsNoTerminal(t *testing.T) {
	f, err := os.Create(t.TempDir() + "/out")
	require.NoError(t, err)
	defer f.Close()
	assert.False(t, show.IsTerminal(f))
}
