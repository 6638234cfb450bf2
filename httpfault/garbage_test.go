package httpfault_test

import (
	"io"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-e3550de8/retry/httpfault"
)

const (
	preface  = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
	settings = "\x00\x00\x00\x04\x00\x00\x00\x00\x00"
)

func TestWhateverAClientSendsTheServerGoesOn(t *testing.T) {
	for _, text := range []string{
		"",
		"nonsense\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a\r\nretrytest-stream: 1\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc",
		"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nZ\r\n",
		"CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n",
		"PRI * HTTP",
		preface,
		preface + "GET / HTTP/1.1\r\n\r\n",
		preface + "\xff\xff\xff\x01\x04\x00\x00\x00\x01",                // a frame of 16 MiB that ends here
		preface + settings + "\x00\x00\x00\x01\x0c\x00\x00\x00\x01",     // HEADERS, padded and empty
		preface + settings + "\x00\x00\x01\x01\x0c\x00\x00\x00\x01\xff", // more padding than payload
		preface + settings + "\x00\x00\x00\x01\x05\x00\x00\x00\x01",     // no fields
		preface + settings + "\x00\x00\x00\x01\x05\x00\x00\x00\x00",     // no stream
		preface + settings + "\x00\x00\x00\x09\x04\x00\x00\x00\x01",     // CONTINUATION of nothing
	} {
		for _, p := range protocols {
			synctest.Test(t, func(t *testing.T) {
				srv := httpfault.Config{Protocol: p, Pipe: true, Default: httpfault.OK("x")}.NewServer(t)
				c, err := srv.DialContext(t.Context(), "", "")
				require.NoError(t, err)
				_, err = io.WriteString(c, text)
				require.NoError(t, err)
				synctest.Wait()
				require.NoError(t, c.Close())
				assert.Equal(t, "200 x", get(t, srv, "/"), "%v after %q", p, text)
			})
		}
	}
}

func TestAnyRequestMeetsTheScript(t *testing.T) {
	for _, line := range []string{"OPTIONS *", "CONNECT example.com:443", "GET http://example.com/x", "PRI *",
		"X-OWN /"} {
		synctest.Test(t, func(t *testing.T) {
			srv := httpfault.Config{Pipe: true}.NewServer(t, httpfault.Status(503).Close())
			c, err := srv.DialContext(t.Context(), "", "")
			require.NoError(t, err)
			defer c.Close()
			_, err = io.WriteString(c, line+" HTTP/1.1\r\nHost: example.com\r\nRetrytest-Stream: 7\r\n\r\n")
			require.NoError(t, err)
			answer, err := io.ReadAll(c)
			require.NoError(t, err)
			assert.True(t, strings.HasPrefix(string(answer), "HTTP/1.1 503 "), "%s: %s", line, answer)
			require.Len(t, srv.Requests(), 1)
			assert.Zero(t, srv.Requests()[0].Stream)
		})
	}
}
