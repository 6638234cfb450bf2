package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-e3550de8/retry/examples/internal/show"
)

func TestEveryCallEndsAsPromised(t *testing.T) {
	t.Parallel()
	s := newShop()
	defer s.Close()
	var out bytes.Buffer
	require.Zero(t, run(t.Context(), show.New(&out, false), s), out.String())
	for line := range strings.Lines(out.String()) {
		assert.LessOrEqual(t, len(line), 81, line)
	}
	for _, want := range []string{
		"GET /orders/7         2  connection reset by peer  transient",
		"POST /orders          1  EOF                       transient  0.",
		"POST /orders          2  201 Created               final",
		"GET /orders/404       1  404 Not Found             final      done\n",
		"GET /orders/9         4  503 Service Unavailable   transient  done\n  no retry: attempts exhausted\n",
	} {
		assert.Contains(t, out.String(), want)
	}
	assert.True(t, strings.HasSuffix(out.String(), "4 passed, 0 failed\n"), out.String())
}

func TestABrokenPromiseIsCounted(t *testing.T) {
	t.Parallel()
	s := newShop()
	defer s.Close()
	s.byKey["another"] = pencils
	var out bytes.Buffer
	assert.Equal(t, 1, run(t.Context(), show.New(&out, false), s), out.String())
	assert.Contains(t, out.String(), "FAILED: an order whose answer was lost")
}
