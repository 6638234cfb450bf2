package resume_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-e3550de8/retry"
	"github.com/seed-e3550de8/retry/httpfault"
	"github.com/seed-e3550de8/retry/resume"
)

// stalling sends n bytes, and then nothing until the client leaves.
func stalling(n int) func(*origin) http.HandlerFunc {
	return func(o *origin) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			o.whole(&staller{w, n, r.Context()}, r)
		}
	}
}

type staller struct {
	http.ResponseWriter
	n   int
	ctx context.Context
}

func (s *staller) Write(p []byte) (int, error) {
	s.ResponseWriter.Write(p[:s.n])
	http.NewResponseController(s.ResponseWriter).Flush()
	<-s.ctx.Done()
	panic(http.ErrAbortHandler)
}

// silent never answers.
func silent(*origin) http.HandlerFunc {
	return func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
}

var errCause = errors.New("cause")

// Where a download can be when it is ended from outside. Each of them would last for ever, or for an hour.
var moments = map[string][]func(*origin) http.HandlerFunc{
	"in the first Read":     answers(stalling(400)),
	"in the wait":           answers(breakAt(400)),
	"before the header":     answers(breakAt(400), silent),
	"in a later Read":       answers(breakAt(400), stalling(100)),
	"while a whole is read": answers(breakAt(400), stallingWhole(200)),
}

func stallingWhole(n int) func(*origin) http.HandlerFunc {
	return func(o *origin) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			wholly(len(o.content))(o)(&staller{w, n, r.Context()}, r)
		}
	}
}

// backoffOf waits long only where the wait is meant.
func backoffOf(moment string) retry.Backoff {
	if moment == "in the wait" {
		return retry.Constant(time.Hour)
	}
	return retry.Constant(0)
}

func TestCloseEndsEverythingAtOnce(t *testing.T) {
	for moment, list := range moments {
		if moment == "in the first Read" {
			continue // see TestCloseEndsTheFirstReadAtOnce
		}
		t.Run(moment, func(t *testing.T) {
			withOrigin(t, 1000, list, func(t *testing.T, s *httpfault.Server, o *origin) {
				resp, err := wrapped(s, resume.Policy{Backoff: backoffOf(moment)}).RoundTrip(request(t, s))
				require.NoError(t, err)
				requireClosedAtOnce(t, resp.Body, time.Minute)
			})
		})
	}
}

// Outside of a bubble, because since Go 1.27 a Close of net/http's own takes a mutex that the Read holds, for 50 ms.
func TestCloseEndsTheFirstReadAtOnce(t *testing.T) {
	for _, protocol := range protocols {
		o := newOrigin(1000, moments["in the first Read"]...)
		s := httpfault.Config{Protocol: protocol, Default: httpfault.Handle(o)}.NewServer(t)
		resp, err := wrapped(s, resume.Policy{}).RoundTrip(request(t, s))
		require.NoError(t, err)
		requireClosedAtOnce(t, resp.Body, 10*time.Millisecond)
		assert.Len(t, o.requests, 1)
	}
}

// requireClosedAtOnce closes a body that has been read for a while.
func requireClosedAtOnce(t *testing.T, body io.ReadCloser, while time.Duration) {
	t.Helper()
	done := make(chan error)
	go func() {
		_, err := io.ReadAll(body)
		done <- err
	}()
	time.Sleep(while)
	start := time.Now()
	require.NoError(t, body.Close())
	err := <-done
	require.Error(t, err)
	assert.Less(t, time.Since(start), 5*time.Second)
	_, again := body.Read(make([]byte, 1))
	require.Equal(t, err, again)
	require.NoError(t, body.Close())
}

func TestTheContextEndsEverythingAtOnce(t *testing.T) {
	for moment, list := range moments {
		t.Run(moment, func(t *testing.T) {
			withOrigin(t, 1000, list, func(t *testing.T, s *httpfault.Server, o *origin) {
				ctx, cancel := context.WithCancelCause(t.Context())
				time.AfterFunc(time.Minute, func() { cancel(errCause) })
				start := time.Now()
				req := request(t, s).WithContext(ctx)
				got, err := download(t, wrapped(s, resume.Policy{Backoff: backoffOf(moment)}), req)
				assert.Equal(t, time.Minute, time.Since(start))
				requireSame(t, o.content[:len(got)], got)
				if moment == "in the first Read" {
					var e *resume.Error
					require.NotErrorAs(t, err, &e, "it has not broken off")
					require.True(t, errors.Is(err, context.Canceled) || errors.Is(err, errCause))
					return
				}
				requireError(t, err)
				require.ErrorIs(t, err, context.Canceled)
				require.ErrorIs(t, err, errCause)
			})
		})
	}
}

func TestTheTimeoutOfAClientEndsEverything(t *testing.T) {
	for moment, list := range moments {
		t.Run(moment, func(t *testing.T) {
			withOrigin(t, 1000, list, func(t *testing.T, s *httpfault.Server, o *origin) {
				// Longer than the wait, so that it is not the look ahead which ends it.
				client := http.Client{Transport: wrapped(s, resume.Policy{Backoff: backoffOf(moment)}), Timeout: 2 * time.Hour}
				if moment == "in the wait" {
					client.Timeout = time.Minute
				}
				start := time.Now()
				resp, err := client.Get(s.URL)
				require.NoError(t, err)
				defer resp.Body.Close()
				_, err = io.ReadAll(resp.Body)
				require.True(t, os.IsTimeout(err), "%v", err)
				assert.LessOrEqual(t, time.Since(start), client.Timeout)
			})
		})
	}
}

func TestABodyClosedUnreadLeavesNothing(t *testing.T) {
	withOrigin(t, 1_000_000, answers(breakAt(400_000)), func(t *testing.T, s *httpfault.Server, o *origin) {
		resp, err := wrapped(s, resume.Policy{}).RoundTrip(request(t, s))
		require.NoError(t, err)
		synctest.Wait()
		require.NoError(t, resp.Body.Close())
		assert.Len(t, o.requests, 1)
	})
}
