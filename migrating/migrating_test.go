package migrating

import (
	"io"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-e3550de8/retry/httpfault"
)

type outcome struct {
	requests int
	body     string
	failed   bool // by an error
	early    bool // the server had asked for more time
}

type way func(base http.RoundTripper, req *http.Request) (string, error)

func client(f func(http.RoundTripper) *http.Client) way {
	return func(base http.RoundTripper, req *http.Request) (string, error) {
		resp, err := f(base).Do(req)
		if err != nil {
			return "", err
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		return string(body), err
	}
}

func loop(f func(*http.Client, *http.Request) (string, error)) way {
	return func(base http.RoundTripper, req *http.Request) (string, error) {
		return f(&http.Client{Transport: base}, req)
	}
}

var ways = []struct {
	name          string
	before, after way
	loop          bool // whose once makes an error of a 503
	posts         int  // how often a POST that met a 503 is sent
	early         bool // asks before the Retry-After is over
}{
	{"go-retryablehttp", client(hashicorpBefore), client(hashicorpAfter), false, 4, false},
	{"rehttp", client(rehttpBefore), client(rehttpAfter), false, 1, true},
	{"failsafe-go", client(failsafeBefore), client(failsafeAfter), false, 4, false},
	{"a transport of one's own", client(ownTransportBefore), client(ownTransportAfter), false, 4, true},
	{"cenkalti/backoff", loop(cenkaltiBefore), loopAfter, true, loopPosts, true},
	{"avast/retry-go", loop(avastBefore), loopAfter, true, loopPosts, true},
	{"a loop", loop(handWrittenBefore), loopAfter, true, loopPosts, true},
}

// run sends one request to a server with that script.
func run(t *testing.T, f way, method string, steps ...httpfault.Step) (got outcome) {
	synctest.Test(t, func(t *testing.T) {
		config := httpfault.Config{Pipe: true, Default: httpfault.Status(503).Body("down")}
		server := config.NewServer(t, steps...)
		base := server.Transport()
		defer base.CloseIdleConnections()
		req, err := http.NewRequestWithContext(t.Context(), method, server.URL, strings.NewReader("order"))
		require.NoError(t, err)
		if method == http.MethodGet {
			req.Body, req.GetBody, req.ContentLength = nil, nil, 0
		}
		start := time.Now()
		body, err := f(base, req)
		got = outcome{len(server.Requests()), body, err != nil, time.Since(start) < time.Minute}
	})
	return got
}

func TestBeforeAndAfterSurviveTheSameFailures(t *testing.T) {
	for _, w := range ways {
		for name, f := range map[string]way{"before": w.before, "after": w.after} {
			got := run(t, f, http.MethodGet, httpfault.Status(503).Times(2), httpfault.OK("hello"))
			got.early = false
			assert.Equal(t, outcome{requests: 3, body: "hello"}, got, "%s, %s", w.name, name)
		}
	}
}

func TestAPOSTIsSentOnceAfterwards(t *testing.T) {
	for _, w := range ways {
		assert.Equal(t, w.posts, run(t, w.before, http.MethodPost).requests, "%s, before", w.name)
		assert.Equal(t, 1, run(t, w.after, http.MethodPost).requests, "%s, after", w.name)
	}
}

func TestTheLastResponseIsAResponseAfterwards(t *testing.T) {
	for _, w := range ways {
		got := run(t, w.after, http.MethodGet)
		assert.Equal(t, w.loop, got.failed, w.name)
		assert.Equal(t, 4, got.requests, w.name)
		if !w.loop {
			assert.Equal(t, "down", got.body, w.name)
		}
	}
}

func TestWhoAsksBeforeItsTime(t *testing.T) {
	for _, w := range ways {
		script := []httpfault.Step{httpfault.Status(503).RetryAfter(time.Minute), httpfault.OK("hello")}
		assert.Equal(t, w.early, run(t, w.before, http.MethodGet, script...).early, "%s, before", w.name)
		assert.False(t, run(t, w.after, http.MethodGet, script...).early, "%s, after", w.name)
	}
}

func TestDoRepeatsTheOperationAndDoesNotMultiply(t *testing.T) {
	got := run(t, doAfter, http.MethodGet, httpfault.Status(503).Times(2), httpfault.OK("hello"))
	assert.Equal(t, outcome{requests: 3, body: "hello", early: true}, got)
	assert.Equal(t, 4, run(t, doAfter, http.MethodGet).requests)
	wish := []httpfault.Step{httpfault.Status(503).RetryAfter(time.Minute), httpfault.OK("hello")}
	assert.False(t, run(t, doAfter, http.MethodGet, wish...).early)
}

func TestTheCodeOfThePageIsTheCodeThatRunsHere(t *testing.T) {
	code := read(t, "transports.go") + read(t, "loops.go")
	blocks := regexp.MustCompile("(?s)```go\n(.*?)```").FindAllStringSubmatch(read(t, "../docs/migrating.md"), -1)
	require.Greater(t, len(blocks), 9)
	for _, block := range blocks {
		assert.True(t, strings.Contains(code, block[1]), "nothing here has this code:\n%s", block[1])
	}
}

func read(t *testing.T, name string) string {
	text, err := os.ReadFile(name)
	require.NoError(t, err)
	return string(text)
}
