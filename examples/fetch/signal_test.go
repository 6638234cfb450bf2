//go:build unix

package main

import (
	"bufio"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-e3550de8/retry/httpfault"
)

func askForFiftySeconds(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Retry-After", "50")
	w.WriteHeader(http.StatusServiceUnavailable)
}

func hang(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

// Without the signal the command would wait for 50 seconds, or for ever.
func TestSIGINTEndsTheCommandAtOnceWithStatus130(t *testing.T) {
	for name, row := range map[string]struct {
		answer http.HandlerFunc
		told   string // before the wait
	}{
		"in a wait before a retry": {askForFiftySeconds, "attempt 1: 503 Service Unavailable; again in 5"},
		"in a wait for an answer":  {hang, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			asked := make(chan struct{})
			server := httpfault.NewServer(t, httpfault.HandleFunc(func(w http.ResponseWriter, r *http.Request) {
				close(asked)
				row.answer(w, r)
			}))
			file := filepath.Join(t.TempDir(), "file")
			cmd := exec.CommandContext(t.Context(), os.Args[0], "-o", file, server.URL)
			cmd.Env = append(os.Environ(), "FETCH_AS_COMMAND=1")
			log, err := cmd.StderrPipe()
			require.NoError(t, err)
			require.NoError(t, cmd.Start())
			<-asked
			lines := bufio.NewReader(log)
			if row.told != "" {
				line, err := lines.ReadString('\n')
				require.NoError(t, err)
				require.Contains(t, line, row.told)
			}

			start := time.Now()
			require.NoError(t, cmd.Process.Signal(os.Interrupt))
			end, err := io.ReadAll(lines)
			require.NoError(t, err)
			assert.Error(t, cmd.Wait())
			assert.Less(t, time.Since(start), 30*time.Second)
			assert.Equal(t, 130, cmd.ProcessState.ExitCode())
			assert.Equal(t, "fetch: interrupted\n", string(end))
			assert.NoFileExists(t, file+".part")
			assert.NoFileExists(t, file)
		})
	}
}
