package main

import (
	"bytes"
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-e3550de8/retry/examples/internal/show"
)

func TestEveryCallEndsAsPromised(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	failed := run(t.Context(), show.New(&out, false))
	require.Zero(t, failed, out.String())

	text := out.String()
	assert.Equal(t, len(calls), strings.Count(text, "  ok: "))
	assert.True(t, strings.HasSuffix(text, "6 passed, 0 failed\n"))
	for line := range strings.Lines(text) {
		assert.LessOrEqual(t, len(line), 81, line)
	}
	assert.Equal(t, -1, strings.IndexFunc(strings.ReplaceAll(text, "\n", ""), unicode.IsControl), "a pipe gets no control characters")
	for _, want := range []string{
		"GET /orders/7         3  200 OK",
		"429 Too Many Requests     transient  1.",
		"  no retry: request not idempotent\n",
		"  no retry: deadline before the end of the wait (60.",
	} {
		assert.Contains(t, text, want)
	}
}

func TestATerminalShowsTheWait(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	require.Zero(t, run(t.Context(), show.New(&out, true)))
	assert.Contains(t, out.String(), "waiting, ")
}
