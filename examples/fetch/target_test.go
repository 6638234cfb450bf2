//go:build unix

package main

import (
	"io"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-e3550de8/retry/httpfault"
)

// It is a pipe and not /dev/null, which a program that is wrong would replace for everybody.
func TestWhatIsNoRegularFileIsWrittenToAsItIs(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "pipe")
	require.NoError(t, syscall.Mkfifo(pipe, 0o600))
	end, err := os.OpenFile(pipe, os.O_RDWR, 0) // does not wait for a writer
	require.NoError(t, err)
	defer end.Close()

	server := httpfault.NewServer(t, hello)
	p := program{out: io.Discard, log: io.Discard, base: server.Transport()}
	require.Zero(t, p.run(t.Context(), []string{"-o", pipe, server.URL}))
	info, err := os.Stat(pipe)
	require.NoError(t, err)
	require.Equal(t, os.ModeNamedPipe, info.Mode().Type())
	got := make([]byte, 5)
	_, err = io.ReadFull(end, got)
	require.NoError(t, err)
	assert.Equal(t, "hello", string(got))
}
