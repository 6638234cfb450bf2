package main

import (
	"bytes"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestMain(m *testing.M) {
	if work, ok := workOf(os.Getenv(workEnv)); ok {
		os.Exit(work.run())
	}
	os.Exit(m.Run())
}

func TestBothRoundsHaveALineForEachSecond(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, run(&out, plan{processes: 3, seconds: 4, second: 200 * time.Millisecond, down: 1, up: 2}))
	for _, want := range []string{"each process has a budget of its own", "all processes share one"} {
		assert.Contains(t, out.String(), want)
	}
	assert.Equal(t, 2, strings.Count(out.String(), "down"))
	assert.Equal(t, 6, strings.Count(out.String(), " up "))
}
