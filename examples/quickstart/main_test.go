package main

import (
	"bytes"
	"errors"
	"os"
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestEveryCallEndsAsPromised(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	failed := run(t.Context(), newTable(&out, false))
	require.Zero(t, failed, out.String())

	text := out.String()
	assert.Equal(t, len(calls), strings.Count(text, "  ok: "))
	assert.True(t, strings.HasSuffix(text, "6 passed, 0 failed\n"))
	assert.Equal(t, -1, strings.IndexFunc(strings.ReplaceAll(text, "\n", ""), unicode.IsControl), "a pipe gets no control characters")
	for _, want := range []string{
		"GET /orders/7         3        200 OK",
		"429 Too Many Requests     transient",
		"request not idempotent",
		"deadline before the end of the wait",
	} {
		assert.Contains(t, text, want)
	}
}

func TestATerminalShowsTheWait(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	require.Zero(t, run(t.Context(), newTable(&out, true)))
	assert.Contains(t, out.String(), "waiting, ")
}

func TestAFailureIsPrinted(t *testing.T) {
	var out bytes.Buffer
	newTable(&out, false).verdict("it works", errors.New("it does not"))
	assert.Equal(t, "  FAILED: it works: it does not\n\n", out.String())
}

func TestAFileIsNoTerminal(t *testing.T) {
	f, err := os.Create(t.TempDir() + "/out")
	require.NoError(t, err)
	defer f.Close()
	assert.False(t, isTerminal(f))
}
