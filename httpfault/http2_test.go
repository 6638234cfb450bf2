package httpfault_test

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-e3550de8/retry/httpfault"
)

// frame is a frame of HTTP/2, by hand.
func frame(kind, flags byte, stream byte, payload string) string {
	return string([]byte{0, 0, byte(len(payload)), kind, flags, 0, 0, 0, stream}) + payload
}

func TestAnyClientsFramesAreUnderstood(t *testing.T) {
	const (
		preface       = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
		getSlash      = "\x82\x86\x84\x41\x01a" // GET, http, /, and a literal authority
		priority      = "\x00\x00\x00\x00\x10"
		endStream     = 0x1
		endHeaders    = 0x4
		padded        = 0x8
		withPriority  = 0x20
		headers       = 1
		settings      = 4
		windowUpdate  = 8
		continuation  = 9
		connection    = 0
		maxOneByte    = 1
		everythingNow = 1 << 20
	)
	stream := preface + frame(settings, 0, connection, "") +
		frame(headers, endStream|endHeaders, 1, getSlash) +
		frame(headers, endStream|endHeaders|padded, 3, "\x04"+getSlash+"\x00\x00\x00\x00") +
		frame(headers, endStream|endHeaders|padded|withPriority, 5, "\x01"+priority+getSlash+"\x00") +
		frame(windowUpdate, 0, connection, "\x00\x00\x00\x01") +
		frame(headers, endStream, 7, getSlash[:2]) +
		frame(continuation, 0, 7, getSlash[2:3]) +
		frame(continuation, endHeaders, 7, getSlash[3:])
	for _, size := range []int{maxOneByte, 7, everythingNow} {
		synctest.Test(t, func(t *testing.T) {
			srv := httpfault.Config{Protocol: httpfault.H2C, Pipe: true}.NewServer(t)
			c, err := srv.DialContext(t.Context(), "", "")
			require.NoError(t, err)
			defer c.Close()
			go io.Copy(io.Discard, c)
			for rest := []byte(stream); len(rest) > 0; rest = rest[min(size, len(rest)):] {
				_, err := c.Write(rest[:min(size, len(rest))])
				require.NoError(t, err)
			}
			synctest.Wait()
			var streams []uint32
			for _, r := range srv.Requests() {
				assert.Equal(t, http.MethodGet, r.Method)
				assert.Equal(t, "a", r.Host)
				assert.Empty(t, r.Header)
				streams = append(streams, r.Stream)
			}
			assert.ElementsMatch(t, []uint32{1, 3, 5, 7}, streams)
		})
	}
}

func TestManyStreamsAtOnceKeepTheirBodies(t *testing.T) {
	everywhere(t, http2Only, func(t *testing.T, cfg httpfault.Config) {
		mirror := func(w http.ResponseWriter, r *http.Request) { io.Copy(w, r.Body) }
		srv := cfg.NewServer(t, httpfault.HandleFunc(mirror).Times(10))
		failed := make(chan error)
		for i := range 10 {
			go func() { failed <- echo(srv, bytes.Repeat([]byte{byte(i)}, 100_000)) }()
		}
		for range 10 {
			assert.NoError(t, <-failed)
		}
	})
}

// echo sends content to a handler that sends it back, and looks whether it came.
func echo(srv *httpfault.Server, content []byte) error {
	resp, err := srv.Client().Post(srv.URL, "text/plain", bytes.NewReader(content))
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	if err == nil && !bytes.Equal(got, content) {
		err = errors.New("the content came back changed")
	}
	return err
}
