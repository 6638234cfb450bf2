package retrytest_test

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-e3550de8/retry/internal/memnet"
	"github.com/seed-e3550de8/retry/retrytest"
)

// overPipes is a Claims.Serve: net/http, over connections in memory, and without TLS.
func overPipes(t *testing.T, h http.Handler) http.RoundTripper {
	listener, server := memnet.Listen(), &http.Server{Handler: h}
	go func() { _ = server.Serve(listener) }()
	tr := &http.Transport{DialTLSContext: listener.DialContext}
	t.Cleanup(func() {
		tr.CloseIdleConnections()
		server.Close()
		time.Sleep(time.Second)
	})
	return tr
}

func TestMostSubtestsGoOverTheServerOfTheClaims(t *testing.T) {
	t.Parallel()
	var crossed sync.Map // the names of subtests
	t.Run("kit", func(t *testing.T) {
		testReference(t, changed(func(*reference) {}), withoutUploads(retrytest.Claims{
			Serve: func(t *testing.T, h http.Handler) http.RoundTripper {
				return overPipes(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					crossed.Store(t.Name(), true)
					h.ServeHTTP(w, r)
				}))
			},
		}))
	})
	n := 0
	crossed.Range(func(any, any) bool { n++; return true })
	assert.GreaterOrEqual(t, n, 49)
}

// brokenOverServer are the wrappers whose fault is in what they send or in what they make of a response: that is what a
// server can tell. Of waiting it knows nothing.
func brokenOverServer() []broken {
	return slices.Concat(brokenInRequest, brokenInReplay, brokenInResponse)
}

func TestABrokenWrapperIsCaughtOverAServerByAtLeastTheSameSubtests(t *testing.T) {
	t.Parallel()
	runs := runBroken(t, served, "-test.skip=^TestBrokenChild$/./^(EarlyReplyUploadHTTP|JitterAtCap$)")
	require.NotEmpty(t, runs[subtestName(noFault)])
	assert.Empty(t, runs[subtestName(noFault)].failed(), "the reference keeps every promise")
	caught := map[string]bool{}
	for _, b := range brokenOverServer() {
		failed := runs[subtestName(b.fault)].failed()
		for _, name := range b.caught {
			if !strings.HasPrefix(name, "EarlyReplyUploadHTTP") && name != "JitterAtCap" && name != b.perhaps {
				assert.Contains(t, failed, name, "a wrapper which %s", b.fault)
			}
		}
		for _, name := range failed {
			caught[name] = true
		}
	}
	assert.True(t, caught["BlockedUploadServed"])
	assert.True(t, caught["EarlyReplyUploadServed"])
}
