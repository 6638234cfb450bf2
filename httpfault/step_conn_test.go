package httpfault_test

import (
	"context"
	"net"
	"net/http"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-e3550de8/retry/httpfault"
)

func TestARefusedDialSaysSo(t *testing.T) {
	everywhere(t, protocols, func(t *testing.T, cfg httpfault.Config) {
		srv := cfg.NewServer(t, httpfault.Refuse().Times(2), httpfault.OK("x"))
		for range 2 {
			_, err := srv.Client().Get(srv.URL)
			var op *net.OpError
			require.ErrorAs(t, err, &op)
			assert.Equal(t, "dial", op.Op)
			assert.Equal(t, "tcp", op.Net)
			host := strings.SplitAfter(srv.URL, "//")[1]
			assert.Equal(t, host, strings.TrimSuffix(op.Addr.String(), ":80"), "the error names the server")
		}
		assert.Equal(t, "200 x", get(t, srv, "/"))
		assert.Zero(t, slices.IndexFunc(srv.Requests(), func(r httpfault.Request) bool { return r.Number == 1 }))
	})
}

func TestTheServerListensOnWhileADialIsRefused(t *testing.T) {
	srv := httpfault.NewServer(t, httpfault.Refuse().Times(50))
	stop, taken := make(chan struct{}), make(chan bool, 1)
	go func() {
		for {
			select {
			case <-stop:
				taken <- false
				return
			default:
			}
			if li, err := net.Listen("tcp", strings.SplitAfter(srv.URL, "//")[1]); err == nil {
				li.Close()
				taken <- true
				return
			}
		}
	}()
	for range 50 {
		_, err := srv.DialContext(t.Context(), "", "")
		assert.ErrorIs(t, err, syscall.ECONNREFUSED)
	}
	close(stop)
	assert.False(t, <-taken, "another process could take the port")
}

func TestADialPastTheServerIsResetInsteadOfRefused(t *testing.T) {
	srv := httpfault.NewServer(t, httpfault.Refuse(), httpfault.OK("x"))
	tr := &http.Transport{}
	defer tr.CloseIdleConnections()
	_, err := tr.RoundTrip(newRequest(t, srv, nil))
	assert.Error(t, err)
	resp, err := tr.RoundTrip(newRequest(t, srv, nil))
	require.NoError(t, err)
	resp.Body.Close()
}

// The answer before such a step closes its connection, or the step would wait for ever.
func TestAStepThatTakesAConnectionGetsANewOne(t *testing.T) {
	bubble(t, protocols, func(t *testing.T, cfg httpfault.Config) {
		srv := cfg.NewServer(t,
			httpfault.OK("a"), httpfault.Refuse(), httpfault.OK("b"), httpfault.ResetOnAccept(), httpfault.OK("c"))
		for _, want := range []string{"a", "", "b", "", "c"} {
			synctest.Wait() // net/http dials twice if a request comes right after an HTTP/2 connection's first
			if want != "" {
				assert.Equal(t, "200 "+want, get(t, srv, "/"))
				continue
			}
			_, err := srv.Client().Post(srv.URL, "text/plain", strings.NewReader("x"))
			assert.Error(t, err)
		}
		assert.Len(t, srv.Requests(), 3)
	})
}

func TestAStaleConnectionIsNotUsedForAConnectionsStep(t *testing.T) {
	bubble(t, protocols, func(t *testing.T, cfg httpfault.Config) {
		srv := cfg.NewServer(t, httpfault.OK("a"))
		get(t, srv, "/")
		synctest.Wait()
		srv.Add(httpfault.NoAccept(), httpfault.OK("b"))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		// net/http sends it again by itself, on the connection that the step takes.
		_, err := srv.Client().Do(newRequest(t, srv, nil).WithContext(ctx))
		assert.ErrorIs(t, err, context.DeadlineExceeded)
		n, err := outcome(t, srv, nil) // of another client: over HTTP/2, this one's connection is still in use
		assert.NoError(t, err)
		assert.EqualValues(t, len("b"), n)
	})
}
