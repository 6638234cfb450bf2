package resume_test

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-e3550de8/retry"
	"github.com/seed-e3550de8/retry/httpfault"
	"github.com/seed-e3550de8/retry/resume"
	"github.com/seed-e3550de8/retry/retrytest"
)

func failing(status int, fields ...string) func(*origin) http.HandlerFunc {
	return lying(status, 0, 10, append([]string{"Etag", ""}, fields...)...)
}

func TestTheTransportInsideRetriesTheContinuation(t *testing.T) {
	minute, second := failing(503, "Retry-After", "60"), failing(429, "Retry-After", "1")
	list := answers(failing(503), breakAt(400), minute, breakAt(0), second)
	withOrigin(t, 1000, list, func(t *testing.T, s *httpfault.Server, o *origin) {
		base := &witness{RoundTripper: s.Transport()}
		inner := retry.New(base, retry.Policy{Backoff: retry.Constant(0)})
		start := time.Now()
		got, err := download(t, resume.New(inner, resume.Policy{Backoff: retry.Constant(0)}), request(t, s))
		require.NoError(t, err)
		requireSame(t, o.content, got)
		assert.Equal(t, []string{"", "", "bytes=400-", "bytes=400-", "bytes=400-", "bytes=400-"}, o.received("Range"))
		assert.Equal(t, []int{1, 2, 1, 2, 1, 2}, base.attempts, "each continuation is a request of its own")
		assert.Equal(t, 61*time.Second, time.Since(start))
	})
}

func TestWhatTheTransportInsideGivesUpIsNotBegunAnew(t *testing.T) {
	withOrigin(t, 1000, answers(breakAt(400), failing(503), failing(503), failing(503), failing(503)),
		func(t *testing.T, s *httpfault.Server, o *origin) {
			_, err := download(t, wrapped(s, resume.Policy{}), request(t, s))
			require.ErrorIs(t, err, resume.ErrRefused)
			assert.Equal(t, 503, requireError(t, err).StatusCode)
			assert.Len(t, o.requests, 5)
		})
	withOrigin(t, 1000, answers(breakAt(400)), func(t *testing.T, s *httpfault.Server, o *origin) {
		p := resume.Policy{OnContinue: func(resume.Continuation) { s.Down(); s.CloseConnections() }}
		_, err := download(t, wrapped(s, p), request(t, s))
		e := requireError(t, err)
		assert.NoError(t, e.Reason)
		var inner *retry.Error
		require.ErrorAs(t, err, &inner)
		assert.Equal(t, 4, inner.Attempts)
	})
}

func TestAnAttemptTimeoutInsideDoesNotBindTheRest(t *testing.T) {
	withOrigin(t, 1_000_000, answers(breakAt(400)), func(t *testing.T, s *httpfault.Server, o *origin) {
		rt := resume.New(retry.New(s.Transport(), retry.Policy{AttemptTimeout: time.Second}), resume.Policy{})
		resp, err := rt.RoundTrip(request(t, s))
		require.NoError(t, err)
		defer resp.Body.Close()
		_, err = io.CopyN(io.Discard, resp.Body, 1000)
		require.NoError(t, err)
		time.Sleep(time.Hour)
		rest, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		requireSame(t, o.content[1000:], rest)
	})
}

func TestATransportAroundAnotherDoesNotBeginAnew(t *testing.T) {
	withOrigin(t, 1000, slices.Repeat(answers(breakAt(1)), 100), func(t *testing.T, s *httpfault.Server, o *origin) {
		_, err := download(t, resume.New(wrapped(s, resume.Policy{}), resume.Policy{}), request(t, s))
		require.ErrorIs(t, err, retry.ErrMaxAttempts)
		assert.Len(t, o.requests, 6)
	})
}

// A resume.Transport around a retry.Transport keeps all that the latter promises.
func TestTheConformanceKitPasses(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	wrap := func(base http.RoundTripper) http.RoundTripper {
		return resume.New(retry.New(base, retry.Policy{}), resume.Policy{})
	}
	hasty := func(base http.RoundTripper) http.RoundTripper {
		return resume.New(retry.New(base, retry.Policy{Backoff: retry.Constant(0)}), resume.Policy{})
	}
	retrytest.TestRoundTripper(t, wrap, retrytest.Claims{Attempts: 4, Hasty: hasty})
}

func TestTheZeroTransportWorks(t *testing.T) {
	o := newOrigin(1000, failing(503, "Retry-After", "0"), breakAt(0))
	s := httpfault.Config{Default: httpfault.Handle(o)}.NewServer(t)
	for name, rt := range map[string]*resume.Transport{"zero": {}, "nil base": resume.New(nil, resume.Policy{})} {
		o.requests = nil
		t.Run(name, func(t *testing.T) {
			defer rt.CloseIdleConnections()
			got, err := download(t, rt, request(t, s))
			require.NoError(t, err)
			requireSame(t, o.content, got)
			assert.Len(t, o.requests, 3)
		})
	}
}

func TestCloseIdleConnectionsReachesTheBase(t *testing.T) {
	base := &idleCloser{}
	resume.New(base, resume.Policy{}).CloseIdleConnections()
	assert.True(t, base.closed)
	resume.New(&witness{}, resume.Policy{}).CloseIdleConnections() // which has no such method
}

type idleCloser struct {
	http.RoundTripper
	closed bool
}

func (c *idleCloser) CloseIdleConnections() { c.closed = true }

// unreliable is a server nobody here wrote, on connections that break: the first two answers do, after n bytes each.
type unreliable struct {
	http.Handler
	n    int
	seen []string
}

func (u *unreliable) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	u.seen = append(u.seen, r.Header.Get("If-Range"))
	if len(u.seen) < 3 {
		w = &breaker{w, u.n}
	}
	u.Handler.ServeHTTP(w, r)
}

func TestFileServerIsContinuedByLastModified(t *testing.T) {
	want, dir := content(300_000), t.TempDir()
	// The clock of a bubble starts in the year 2000.
	modified := time.Date(1999, 12, 31, 23, 59, 59, 0, time.UTC)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "file"), want, 0o600))
	require.NoError(t, os.Chtimes(filepath.Join(dir, "file"), modified, modified))
	files := func() http.Handler { return &unreliable{Handler: http.FileServer(http.Dir(dir)), n: 100_000} }
	inBubbles(t, files, func(t *testing.T, s *httpfault.Server, h http.Handler) {
		req := request(t, s)
		req.URL.Path = "/file"
		got, err := download(t, wrapped(s, resume.Policy{Identity: true}), req)
		require.NoError(t, err)
		requireSame(t, want, got)
		date := modified.Format(http.TimeFormat)
		assert.Equal(t, []string{"", date, date}, h.(*unreliable).seen)
	})
}

func TestAFileThatChangesMeanwhileIsNotMixed(t *testing.T) {
	modified := time.Date(1999, 1, 1, 0, 0, 0, 0, time.UTC)
	serve := func() http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			modified, w = modified.Add(time.Minute), &breaker{w, 500}
			http.ServeContent(w, r, "", modified, strings.NewReader(strings.Repeat("x", 1000)))
		})
	}
	inBubbles(t, serve, func(t *testing.T, s *httpfault.Server, _ http.Handler) {
		got, err := download(t, wrapped(s, resume.Policy{}), request(t, s))
		require.ErrorIs(t, err, resume.ErrChanged)
		requireError(t, err)
		assert.Len(t, got, 500)
	})
}
