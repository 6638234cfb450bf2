package realworld_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-e3550de8/retry"
	"github.com/seed-e3550de8/retry/resume"
)

// through returns a base whose connections go to the given addresses, the last of which serves for all further ones.
func through(t *testing.T, addrs ...string) *http.Transport {
	var dialed atomic.Int64
	base := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		i := min(int(dialed.Add(1)), len(addrs)) - 1
		return new(net.Dialer).DialContext(ctx, "tcp", addrs[i])
	}}
	t.Cleanup(base.CloseIdleConnections)
	return base
}

// A record counts what a client and its server did.
type record struct {
	mu            sync.Mutex
	attempts      []string // the status, or "error"
	continuations int
	served        []string // method, and Range if there is one
}

func (r *record) attempt(a retry.Attempt, _ retry.Decision) {
	what := "error"
	if a.Response != nil {
		what = http.StatusText(a.Response.StatusCode)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.attempts = append(r.attempts, what)
}

func (r *record) proceed(resume.Continuation) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.continuations++
}

// watch notes the requests that a handler gets.
func (r *record) watch(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		r.mu.Lock()
		r.served = append(r.served, req.Method)
		r.mu.Unlock()
		h.ServeHTTP(w, req)
	})
}

func (r *record) count(list *[]string, what string) (n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, entry := range *list {
		if entry == what {
			n++
		}
	}
	return n
}

// requireServed demands that the server got so many requests with a method. It may see one a little later than its
// client sees it fail.
func (r *record) requireServed(t *testing.T, method string, n int) {
	t.Helper()
	arrived := func() bool { return r.count(&r.served, method) >= n }
	require.Eventually(t, arrived, 10*time.Second, 5*time.Millisecond)
	require.Equal(t, n, r.count(&r.served, method), method)
}

// resuming returns a client that repeats and continues, at once.
func (r *record) resuming(base http.RoundTripper, p resume.Policy) *http.Client {
	p.Backoff, p.OnContinue = retry.Constant(0), r.proceed
	again := retry.New(base, retry.Policy{Backoff: retry.Constant(0), OnAttempt: r.attempt})
	return &http.Client{Transport: resume.New(again, p), Timeout: 30 * time.Second}
}

// payload returns bytes that are the same each time, as hexadecimal text.
func payload(size int) []byte {
	raw := make([]byte, size/2)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(raw)
	return []byte(hex.EncodeToString(raw))
}

func requireSame(t *testing.T, want []byte, body io.Reader) {
	t.Helper()
	have, err := io.ReadAll(body)
	require.NoError(t, err)
	require.Len(t, have, len(want))
	require.Equal(t, sha256.Sum256(want), sha256.Sum256(have))
}

// get returns the body of a 200, which the test closes.
func get(t *testing.T, client *http.Client, url string) io.Reader {
	t.Helper()
	resp, err := client.Get(url)
	require.NoError(t, err)
	t.Cleanup(func() { resp.Body.Close() })
	require.Equal(t, http.StatusOK, resp.StatusCode)
	return resp.Body
}
