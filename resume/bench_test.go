package resume_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seed-e3550de8/retry"
	"github.com/seed-e3550de8/retry/resume"
)

// What a Transport costs a download, of a gigabyte over the loopback interface, that does not break, breaks once, and
// breaks a hundred times. With -short it is 64 MiB.
func BenchmarkDownload(b *testing.B) {
	size := int64(1 << 30)
	if testing.Short() {
		size = 1 << 26
	}
	base := new(http.Transport)
	defer base.CloseIdleConnections()
	at := resume.Policy{Backoff: retry.Constant(0)}
	both := resume.New(retry.New(base, retry.Policy{}), at)
	for _, bc := range []struct {
		name   string
		rt     http.RoundTripper
		breaks int64
	}{
		{"bare", base, 0},
		{"resume", resume.New(base, at), 0},
		{"both", both, 0},
		{"both, 1 break", both, 1},
		{"both, 100 breaks", both, 100},
	} {
		b.Run(bc.name, func(b *testing.B) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				sendPart(w, r, size, size/(bc.breaks+1)+1)
			}))
			defer server.Close()
			b.SetBytes(size)
			b.ReportAllocs()
			buf := make([]byte, 32<<10) // that of io.Copy
			for b.Loop() {
				downloadAll(b, bc.rt, server.URL, size, buf)
			}
		})
	}
}

func downloadAll(b *testing.B, rt http.RoundTripper, url string, size int64, buf []byte) {
	req, err := http.NewRequestWithContext(b.Context(), http.MethodGet, url, nil)
	require.NoError(b, err)
	resp, err := rt.RoundTrip(req)
	require.NoError(b, err)
	n, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, resp.Body, buf)
	require.NoError(b, err)
	require.Equal(b, size, n)
	resp.Body.Close()
}

var block = make([]byte, 1<<16)

// sendPart answers with all there is from where the request wants it, and breaks off after most bytes.
func sendPart(w http.ResponseWriter, r *http.Request, size, most int64) {
	w.Header().Set("Etag", tag)
	var from int64
	if begin, found := strings.CutPrefix(r.Header.Get("Range"), "bytes="); found {
		from, _ = strconv.ParseInt(strings.TrimSuffix(begin, "-"), 10, 64)
		w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, size-1, size))
	}
	w.Header().Set("Content-Length", strconv.FormatInt(size-from, 10))
	if from > 0 {
		w.WriteHeader(http.StatusPartialContent)
	}
	for left := min(size-from, most); left > 0; {
		n, err := w.Write(block[:min(left, int64(len(block)))])
		if err != nil {
			return
		}
		left -= int64(n)
	}
}
