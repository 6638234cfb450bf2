package resume_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-e3550de8/retry"
	"github.com/seed-e3550de8/retry/resume"
)

// What a Transport costs a download that does not break: a gigabyte over the loopback interface.
func BenchmarkDownload(b *testing.B) {
	const size = 1 << 30
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Etag", tag)
		w.Header().Set("Content-Length", strconv.Itoa(size))
		for block := make([]byte, 1<<16); ; {
			if _, err := w.Write(block); err != nil {
				return
			}
		}
	}))
	defer server.Close()
	base := new(http.Transport)
	defer base.CloseIdleConnections()
	buf := make([]byte, 32<<10) // that of io.Copy
	for _, bc := range []struct {
		name string
		rt   http.RoundTripper
	}{
		{"bare", base},
		{"resume", resume.New(base, resume.Policy{})},
		{"both", resume.New(retry.New(base, retry.Policy{}), resume.Policy{})},
	} {
		b.Run(bc.name, func(b *testing.B) {
			b.SetBytes(size)
			b.ReportAllocs()
			for b.Loop() {
				req, err := http.NewRequestWithContext(b.Context(), http.MethodGet, server.URL, nil)
				require.NoError(b, err)
				resp, err := bc.rt.RoundTrip(req)
				require.NoError(b, err)
				n, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, resp.Body, buf)
				require.NoError(b, err)
				require.Equal(b, int64(size), n)
				resp.Body.Close()
			}
		})
	}
}
