package retrytest_test

import (
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	rt "github.com/seed-e3550de8/retry/retrytest"
)

func TestAPipeKeepsItsDeadlines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := rt.Config{Pipe: true}.NewServer(t, rt.NoAccept())
		c, err := srv.DialContext(t.Context(), "", "")
		require.NoError(t, err)
		start := time.Now()
		require.NoError(t, c.SetDeadline(start.Add(time.Hour)))
		n, err := c.Write(make([]byte, 1<<20))
		assert.Equal(t, 16<<10, n)
		assert.ErrorIs(t, err, os.ErrDeadlineExceeded)
		assert.True(t, timeout(err))
		assert.Equal(t, time.Hour, time.Since(start))

		_, err = c.Read(make([]byte, 1))
		assert.ErrorIs(t, err, os.ErrDeadlineExceeded)
		require.NoError(t, c.SetReadDeadline(time.Now().Add(time.Hour)))
		go func() {
			time.Sleep(time.Minute)
			c.SetReadDeadline(time.Now())
		}()
		_, err = c.Read(make([]byte, 1))
		assert.ErrorIs(t, err, os.ErrDeadlineExceeded)
		assert.Equal(t, time.Hour+time.Minute, time.Since(start))

		require.NoError(t, c.Close())
		require.NoError(t, c.Close())
		_, err = c.Read(make([]byte, 1))
		assert.ErrorIs(t, err, net.ErrClosed)
		_, err = c.Write(make([]byte, 1))
		assert.ErrorIs(t, err, net.ErrClosed)
	})
}

func TestAPipeIsHalfClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := rt.Config{Pipe: true}.NewServer(t, rt.OK("x").Close())
		c, err := srv.DialContext(t.Context(), "", "")
		require.NoError(t, err)
		defer c.Close()
		io.WriteString(c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
		require.NoError(t, c.(interface{ CloseWrite() error }).CloseWrite())
		_, err = io.WriteString(c, "more")
		assert.ErrorIs(t, err, syscall.EPIPE)
		answer, err := io.ReadAll(c)
		require.NoError(t, err)
		assert.Contains(t, string(answer), "HTTP/1.1 200 OK\r\n")
	})
}
