package main

import (
	"bytes"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const testSize = 2_000_000

func TestAFileIsIntactThereAndBackThroughAServerThatBreaks(t *testing.T) {
	for name, live := range map[string]bool{"lines": false, "live": true} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("TMPDIR", t.TempDir())
			var out, log bytes.Buffer
			require.NoError(t, run(t.Context(), &screen{out: &out, log: &log, live: live}, testSize, whole))
			assert.Contains(t, out.String(), "intact there and back\n")
			assert.Regexp(t, `(?m)^upload +2\.0 MB in .* MB/s, 3 requests, 0 continuations$`, out.String())
			assert.Regexp(t, `(?m)^download +2\.0 MB in .* MB/s, 5 requests, 3 continuations$`, out.String())
			assert.Contains(t, log.String(), "continuation 1 at 0.6 MB of 2.0 MB: unexpected EOF")
			assert.Equal(t, live, strings.Contains(log.String(), "\r"), "a bar is for terminals")
			left, err := os.ReadDir(os.Getenv("TMPDIR"))
			require.NoError(t, err)
			assert.Empty(t, left, "its files are removed")
		})
	}
}

func TestDamageIsAnError(t *testing.T) {
	for _, method := range []string{http.MethodPut, http.MethodGet} {
		t.Run(method, func(t *testing.T) {
			damaged := func(h http.Handler) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					switch {
					case r.Method == method && method == http.MethodPut:
						r.Body = flipped{r.Body}
					case r.Method == method:
						w = flippedResponse{w}
					}
					h.ServeHTTP(w, r)
				})
			}
			var out, log bytes.Buffer
			err := run(t.Context(), &screen{out: &out, log: &log}, testSize, damaged)
			require.ErrorContains(t, err, "the checksums differ")
			assert.NotContains(t, out.String(), "intact")
		})
	}
}

func TestASizeThatIsTooSmallIsAnError(t *testing.T) {
	for _, size := range []int64{-1, 0, 999} {
		require.ErrorContains(t, run(t.Context(), &screen{out: io.Discard, log: io.Discard}, size, whole), "too short")
	}
}

// A flipped body has a bit of each read turned around.
type flipped struct{ io.ReadCloser }

func (f flipped) Read(p []byte) (int, error) {
	n, err := f.ReadCloser.Read(p)
	if n > 0 {
		p[0] ^= 1
	}
	return n, err
}

type flippedResponse struct{ http.ResponseWriter }

func (f flippedResponse) Write(p []byte) (int, error) {
	if len(p) == 0 {
		return f.ResponseWriter.Write(p)
	}
	other := bytes.Clone(p)
	other[0] ^= 1
	return f.ResponseWriter.Write(other)
}

func (f flippedResponse) Unwrap() http.ResponseWriter { return f.ResponseWriter }
