package retry_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"testing"
	"testing/synctest"

	"github.com/seed-e3550de8/retry"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// CONNECT to a server, not through a proxy: the response's body is what the tunnel sends, the request's what it gets.
// It is not idempotent.
func TestCONNECTPassesAsItIs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serveRaw(t, http1, func(c net.Conn) {
			r := bufio.NewReader(c)
			_, _ = http.ReadRequest(r)
			_, _ = io.WriteString(c, "HTTP/1.1 200 Connection established\r\n\r\n")
			_, _ = io.Copy(c, r)
		})
		r, w := io.Pipe()
		req := newRequest(t, "CONNECT", "http://example.com/", "")
		req.Body, req.ContentLength = r, -1
		req.Header.Set("X", "y")
		go func() { _, _ = io.WriteString(w, "hello\n") }()
		resp, err := retry.New(s.base, new(trail).eager(4)).RoundTrip(req)
		require.NoError(t, err)
		line, err := bufio.NewReader(resp.Body).ReadString('\n')
		require.NoError(t, err)
		assert.Equal(t, "hello\n", line)
		w.Close()
		assert.NoError(t, resp.Body.Close())
	})
}

func TestACONNECTThatIsRefusedIsSentOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, tr := serveRaw(t, http1, func(c net.Conn) {
			readRequest(c)
			_, _ = io.WriteString(c, "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n")
		}), new(trail)
		resp, err := retry.New(s.base, tr.eager(4)).RoundTrip(newRequest(t, "CONNECT", "http://example.com/", ""))
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		assert.Equal(t, http.StatusServiceUnavailable, resp.StatusCode)
		assert.ErrorIs(t, tr.last().Reason, retry.ErrNotIdempotent)
	})
}
