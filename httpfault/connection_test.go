package httpfault_test

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-e3550de8/retry/httpfault"
)

var http1Only = []httpfault.Protocol{httpfault.HTTP1, httpfault.HTTPS}

func TestAnIdleConnectionIsClosed(t *testing.T) {
	bubble(t, http1Only, func(t *testing.T, cfg httpfault.Config) {
		for _, idle := range []func(httpfault.Step, time.Duration) httpfault.Step{
			httpfault.Step.CloseIdle,
			httpfault.Step.TimeoutIdle,
		} {
			srv := cfg.NewServer(t, idle(httpfault.OK("x"), time.Minute).Times(3))
			get(t, srv, "/")
			time.Sleep(59 * time.Second)
			get(t, srv, "/")
			time.Sleep(59 * time.Second)
			synctest.Wait()
			assert.Equal(t, 1, srv.Connections())
			time.Sleep(time.Second)
			synctest.Wait()
			get(t, srv, "/")
			assert.Equal(t, 2, srv.Connections())
			assert.Len(t, srv.Requests(), 3)
		}
	})
}

func TestA408OnAnIdleConnectionIsOnTheWire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := httpfault.Config{Pipe: true}.NewServer(t, httpfault.OK("x").TimeoutIdle(time.Second))
		c, err := srv.DialContext(t.Context(), "tcp", "anything")
		require.NoError(t, err)
		defer c.Close()
		io.WriteString(c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
		r := bufio.NewReader(c)
		for _, want := range []int{200, 408} {
			resp, err := http.ReadResponse(r, nil)
			require.NoError(t, err)
			assert.Equal(t, want, resp.StatusCode)
			io.Copy(io.Discard, resp.Body)
		}
		_, err = r.ReadByte()
		assert.Equal(t, io.EOF, err)
	})
}

func TestUpgradeEchoes(t *testing.T) {
	everywhere(t, http1Only, func(t *testing.T, cfg httpfault.Config) {
		srv := cfg.NewServer(t, httpfault.Upgrade("echo"))
		req := newRequest(t, srv, nil)
		req.Header.Set("Connection", "Upgrade")
		req.Header.Set("Upgrade", "echo")
		resp, err := srv.Client().Do(req)
		require.NoError(t, err)
		assert.Equal(t, 101, resp.StatusCode)
		assert.Equal(t, "echo", resp.Header.Get("Upgrade"))
		rw := resp.Body.(io.ReadWriteCloser)
		for _, text := range []string{"one", "two"} {
			io.WriteString(rw, text)
			buf := make([]byte, 3)
			_, err = io.ReadFull(rw, buf)
			require.NoError(t, err)
			assert.Equal(t, text, string(buf))
		}
		require.NoError(t, rw.Close())
	})
}

func TestExpectContinueIsHonoured(t *testing.T) {
	everywhere(t, http1Only, func(t *testing.T, cfg httpfault.Config) {
		srv := cfg.NewServer(t, httpfault.OK("x"), httpfault.Status(417).Early())
		tr := srv.Transport()
		tr.ExpectContinueTimeout = time.Hour
		var continued int
		trace := &httptrace.ClientTrace{Got100Continue: func() { continued++ }}
		for _, want := range []int{200, 417} {
			req := newRequest(t, srv, strings.NewReader("body"))
			req.Header.Set("Expect", "100-continue")
			resp, err := tr.RoundTrip(req.WithContext(httptrace.WithClientTrace(req.Context(), trace)))
			require.NoError(t, err)
			resp.Body.Close()
			assert.Equal(t, want, resp.StatusCode)
		}
		assert.Equal(t, 1, continued)
		assert.Equal(t, "body", string(srv.Requests()[0].Body))
	})
}

// timeout reports whether err says that it is one.
func timeout(err error) bool {
	var ne net.Error
	return errors.As(err, &ne) && ne.Timeout()
}
