package layers_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-e3550de8/retry"
	"github.com/seed-e3550de8/retry/httpfault"
)

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
func (c client) requests(t *testing.T, ours func(context.Context) context.Context, off bool) (n int) {
	synctest.Test(t, func(t *testing.T) {
		srv := httpfault.Config{Pipe: true, Default: httpfault.Close()}.NewServer(t)
		base := srv.Transport()
		s := site{url: srv.URL, rt: retry.New(base, retry.Policy{}).PlainErrors(), off: off}
		assert.Error(t, c.call(t, ours(t.Context()), s))
		n = len(srv.Requests())
		base.CloseIdleConnections()
	})
	return n
}

var version = regexp.MustCompile(`\d+\.\d+\.\d+`)

func TestTheTableIsWhatArrivesAtADeadServer(t *testing.T) {
	for _, c := range clients {
		t.Run(c.name, func(t *testing.T) {
			row := fmt.Sprintf("| %s | %d | %d | %d | %d | %s |\n", c.name, c.requests(t, once, false),
				c.requests(t, both, false), c.requests(t, endless, false), c.requests(t, both, true), c.off)
			if !strings.Contains(page(t), "\n"+row) {
				t.Errorf("docs/layers.md lacks the row:\n%s", row)
			}
			assert.Equal(t, 1, c.requests(t, once, true), "with both layers off")
			assert.Contains(t, read(t, "go.mod"), " v"+version.FindString(c.name)+"\n")
		})
	}
}

func TestEachLineOfCodeInThePageIsCompiledHere(t *testing.T) {
	compiled := make(map[string]bool)
	files, err := filepath.Glob("*_test.go")
	require.NoError(t, err)
	for _, file := range files {
		for _, line := range strings.Split(read(t, file), "\n") {
			compiled[strings.TrimSpace(line)] = true
		}
	}
	blocks := strings.Split(page(t), "\n```")
	require.Greater(t, len(blocks), 2)
	for _, block := range blocks {
		code, isGo := strings.CutPrefix(block, "go\n")
		for _, line := range strings.Split(code, "\n") {
			assert.True(t, !isGo || compiled[strings.TrimSpace(line)], line)
		}
	}
}

func page(t *testing.T) string { return read(t, "../docs/layers.md") }

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	return string(text)
}
