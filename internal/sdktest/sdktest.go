// Package sdktest counts what the clients of SDKs, which retry by themselves, send to a server that never answers, with
// either layer on or off, and holds the table of docs/layers.md to that. The modules in layers use it.
package sdktest

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-e3550de8/retry"
	"github.com/seed-e3550de8/retry/httpfault"
)

// A Client makes a call of an SDK's.
type Client struct {
	Name string // with its version
	Off  string // how its own retries are switched off
	Call func(t *testing.T, ctx context.Context, s Site) error
}

// A Site is what a call is made with.
type Site struct {
	URL string
	RT  http.RoundTripper
	Off bool // the SDK's own retries are
}

// Host returns the host and port of s.URL.
func (s Site) Host() string {
	u, err := url.Parse(s.URL)
	if err != nil {
		panic(err)
	}
	return u.Host
}

// once switches our layer off for the calls under ctx.
func once(ctx context.Context) context.Context {
	ctx = retry.WithPolicy(ctx, retry.Policy{MaxAttempts: 1})
	return ctx
}

func both(ctx context.Context) context.Context { return ctx }

func endless(ctx context.Context) context.Context {
	return retry.WithPolicy(ctx, retry.Policy{Budget: retry.Unlimited})
}

// requests makes the call to a server that closes each connection without an answer, and returns how many arrived.
func (c Client) requests(t *testing.T, ours func(context.Context) context.Context, off bool) (n int) {
	synctest.Test(t, func(t *testing.T) {
		srv := httpfault.Config{Pipe: true, Default: httpfault.Close()}.NewServer(t)
		base := srv.Transport()
		s := Site{URL: srv.URL, RT: retry.New(base, retry.Policy{}).PlainErrors(), Off: off}
		assert.Error(t, c.Call(t, ours(t.Context()), s))
		n = len(srv.Requests())
		base.CloseIdleConnections()
	})
	return n
}

var version = regexp.MustCompile(`\d+\.\d+\.\d+`)

// Row fails t unless the page has the row of what c sends, and go.mod, in the working directory, requires its version.
func (c Client) Row(t *testing.T, page string) {
	t.Helper()
	row := fmt.Sprintf("| %s | %d | %d | %d | %d | %s |\n", c.Name, c.requests(t, once, false),
		c.requests(t, both, false), c.requests(t, endless, false), c.requests(t, both, true), c.Off)
	if !strings.Contains(page, "\n"+row) {
		t.Errorf("docs/layers.md lacks the row:\n%s", row)
	}
	assert.Equal(t, 1, c.requests(t, once, true), "with both layers off")
	assert.Contains(t, Read(t, "go.mod"), " v"+version.FindString(c.Name)+"\n")
}

// Read returns the text of a file.
func Read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	return string(text)
}
