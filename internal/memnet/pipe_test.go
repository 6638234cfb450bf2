package memnet_test

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

	"github.com/seed-e3550de8/retry/internal/memnet"
)

// connect returns both ends of a new connection. They are closed when the test ends.
func connect(t *testing.T) (client, server net.Conn) {
	t.Helper()
	l := memnet.Listen()
	client, err := l.DialContext(t.Context(), "", "")
	require.NoError(t, err)
	server, err = l.Accept()
	require.NoError(t, err)
	t.Cleanup(func() { client.Close() })
	t.Cleanup(func() { server.Close() })
	return client, server
}

func TestAConnectionKeepsItsDeadlines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _ := connect(t)
		start := time.Now()
		require.NoError(t, c.SetDeadline(start.Add(time.Hour)))
		n, err := c.Write(make([]byte, 1<<20))
		assert.Equal(t, 16<<10, n)
		assert.ErrorIs(t, err, os.ErrDeadlineExceeded)
		assert.True(t, err.(net.Error).Timeout())
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

func TestAConnectionIsHalfClosed(t *testing.T) {
	client, server := connect(t)
	_, err := io.WriteString(client, "all of it")
	require.NoError(t, err)
	require.NoError(t, client.(interface{ CloseWrite() error }).CloseWrite())
	_, err = io.WriteString(client, "more")
	assert.ErrorIs(t, err, syscall.EPIPE)
	got, err := io.ReadAll(server)
	require.NoError(t, err)
	assert.Equal(t, "all of it", string(got))

	_, err = io.WriteString(server, "the answer")
	require.NoError(t, err)
	require.NoError(t, server.Close())
	got, err = io.ReadAll(client)
	require.NoError(t, err)
	assert.Equal(t, "the answer", string(got))
}

func TestACloseWithoutLingerIsAReset(t *testing.T) {
	client, server := connect(t)
	_, err := io.WriteString(server, "on its way")
	require.NoError(t, err)
	require.NoError(t, server.(interface{ SetLinger(int) error }).SetLinger(0))
	require.NoError(t, server.Close())
	_, err = io.WriteString(client, "x")
	assert.ErrorIs(t, err, syscall.ECONNRESET)
	got, err := io.ReadAll(client)
	assert.Equal(t, "on its way", string(got))
	assert.ErrorIs(t, err, syscall.ECONNRESET)
}
