package retryhttp3_test

import (
	"context"
	"crypto/tls"
	"net/http"
	"strings"
	"testing"

	"github.com/quic-go/quic-go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-e3550de8/retry"
)

func TestAServerThatIsStartedAgainGetsAPOSTOnce(t *testing.T) {
	first := serve(t, fine, nil)
	c := newClient(t, first.roots, retry.Policy{}, first.addr)
	_, err := c.do(t, http.MethodPost, strings.NewReader("1"))
	require.NoError(t, err)
	require.NoError(t, first.Close())
	<-c.last.Context().Done() // else the request may be on its way when that comes, and proves nothing
	second := serve(t, fine, nil)
	c.to = []string{nobody(t), second.addr}
	_, err = c.do(t, http.MethodPost, strings.NewReader("2"))
	require.NoError(t, err)
	assert.Equal(t, []string{"POST 2"}, second.got())
	assert.Equal(t, []retry.Class{final, unprocessed, final}, c.classes, "quic-go dials again, and nobody is there yet")
}

func TestAServerInGracefulShutdownLosesNoPOST(t *testing.T) {
	started, finish := make(chan struct{}), make(chan struct{})
	first := serve(t, func(n int, w http.ResponseWriter) {
		if n == 0 {
			close(started)
			<-finish
		}
		fine(n, w)
	}, nil)
	second := serve(t, fine, nil)
	c := newClient(t, first.roots, retry.Policy{}, first.addr, nobody(t), second.addr)
	slow := make(chan error, 1)
	go func() {
		_, err := c.do(t, http.MethodGet, nil)
		slow <- err
	}()
	<-started
	go func() { _ = first.Shutdown(context.Background()) }()
	sent := 0
	for ; sent < 1000 && len(second.got()) == 0; sent++ {
		_, err := c.do(t, http.MethodPost, strings.NewReader("order"))
		assert.NoError(t, err)
	}
	assert.Equal(t, 1+sent, len(first.got())+len(second.got()), "each arrives once")
	assert.NotEmpty(t, second.got())
	close(finish)
	assert.NoError(t, <-slow)
}

func TestAPOSTIsUnprocessedIfNoStreamCouldBeOpened(t *testing.T) {
	s := serve(t, fine, nil)
	c := newClient(t, s.roots, retry.Policy{MaxAttempts: 2}, s.addr)
	c.base.Dial = func(ctx context.Context, _ string, t *tls.Config, q *quic.Config) (*quic.Conn, error) {
		conn, err := quic.DialAddr(ctx, s.addr, t, q)
		if err == nil {
			err = conn.CloseWithError(0, "") // as if the server had closed it by now
		}
		return conn, err
	}
	_, err := c.do(t, http.MethodPost, strings.NewReader("order"))
	require.ErrorContains(t, err, "conn unusable")
	assert.Empty(t, s.got())
	assert.Equal(t, []retry.Class{unprocessed, unprocessed}, c.classes)
}
