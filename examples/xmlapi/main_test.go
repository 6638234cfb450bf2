package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-e3550de8/retry/examples/internal/show"
	"github.com/seed-e3550de8/retry/httpfault"
)

func TestEveryCallEndsAsPromised(t *testing.T) {
	t.Parallel()
	server := newServer()
	defer server.Close()
	var out bytes.Buffer
	require.Zero(t, run(t.Context(), show.New(&out, false), server), out.String())
	for line := range strings.Lines(out.String()) {
		assert.LessOrEqual(t, len(line), 81, line)
	}
	for _, want := range []string{
		"PUT /items/pencil     1  429 Too Many Requests     transient  1.",
		"PUT /items/pencil     2  204 No Content            final      done\n",
		"GET /items/ruler      1  unexpected EOF            transient  0.",
		"GET /items/stapler    1  429 Too Many Requests     transient  done\n  no retry: Retry-After too long (36",
	} {
		assert.Contains(t, out.String(), want)
	}
	assert.True(t, strings.HasSuffix(out.String(), "4 passed, 0 failed\n"), out.String())
}

func TestABrokenPromiseIsCounted(t *testing.T) {
	t.Parallel()
	server := httpfault.Config{Default: httpfault.OK("<item><count>5</count></item>")}.NewServer(t)
	var out bytes.Buffer
	assert.Equal(t, 4, run(t.Context(), show.New(&out, false), server), out.String())
	assert.Contains(t, out.String(), "    requests: got 1, want 2\n")
	assert.Contains(t, out.String(), "    the error is <nil>, not that the server is busy\n")
}
