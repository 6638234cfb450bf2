package main

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAProbeAsksOnceAndARequestUntilTheLockIsGone(t *testing.T) {
	server := httptest.NewServer(lockedTwice())
	defer server.Close()
	var out bytes.Buffer
	client := newClient(slog.New(slog.NewTextHandler(&out, nil)))

	status, err := probe(t.Context(), client, server.URL+"/?token=secret")
	require.NoError(t, err)
	assert.Equal(t, http.StatusConflict, status)

	status, err = fetch(t.Context(), client, server.URL+"/?token=secret")
	require.NoError(t, err)
	assert.Equal(t, http.StatusOK, status)

	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	require.Len(t, lines, 2, "the success is not logged")
	assert.Contains(t, lines[0], `status=409`)
	assert.Contains(t, lines[0], `retry=false`)
	assert.Contains(t, lines[0], `reason="attempts exhausted"`)
	assert.Contains(t, lines[1], `retry=true`)
	assert.NotContains(t, out.String(), "secret")
}

func TestALostServerIsLoggedWithItsError(t *testing.T) {
	server := httptest.NewServer(nil)
	server.Close()
	var out bytes.Buffer
	_, err := probe(t.Context(), newClient(slog.New(slog.NewTextHandler(&out, nil))), server.URL)
	require.Error(t, err)
	assert.Contains(t, out.String(), "status=0")
	assert.Contains(t, out.String(), "dial tcp")
}
