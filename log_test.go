package retry_test

import (
	"bytes"
	"context"
	"io"
	"log"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-e3550de8/retry"
)

// Promise 14: "Nothing is printed, and no error text of this package holds a URL's path, query or user, a header or a
// body."
func TestPromise14_NothingIsPrintedAndNoErrorTellsASecret(t *testing.T) {
	var printed bytes.Buffer
	log.SetOutput(&printed)
	defer log.SetOutput(os.Stderr)
	r, w, err := os.Pipe()
	require.NoError(t, err)
	stdout, stderr := os.Stdout, os.Stderr
	os.Stdout, os.Stderr = w, w
	texts := provokeErrors(t)
	os.Stdout, os.Stderr = stdout, stderr
	w.Close()
	_, err = io.Copy(&printed, r)
	require.NoError(t, err)
	r.Close()
	assert.Empty(t, printed.String())
	for name, text := range texts {
		for _, secret := range []string{
			"annabel", "opensesame", "private", "token", "hush", "swordfish", "payload", "body of",
		} {
			assert.NotContains(t, text, secret, name)
		}
	}
}

// provokeErrors returns the text of an error of each kind that the package makes.
func provokeErrors(t *testing.T) map[string]string {
	texts := map[string]string{}
	leaky := &url.Error{Op: "Get", URL: secretURL, Err: errPeerReset}
	nothing := func(*http.Request) (*http.Response, error) { return nil, nil }
	for name, row := range map[string]struct {
		outcome reply
		p       retry.Policy
		getBody func() (io.ReadCloser, error) // nil: one that does not fail
	}{
		"a base that is a client": {outcome: fail(leaky)},
		"broken base":             {outcome: nothing},
		"attempt timeout":         {outcome: late(time.Minute, answer(200)), p: retry.Policy{AttemptTimeout: 1}},
		"GetBody fails": {outcome: fail(errPeerReset),
			getBody: func() (io.ReadCloser, error) { return nil, leaky }},
		"context canceled": {outcome: answer(503, "X-Secret", "swordfish"), p: every(time.Hour)},
	} {
		synctest.Test(t, func(t *testing.T) {
			ctx, end := context.WithCancelCause(t.Context())
			defer time.AfterFunc(time.Minute, func() { end(leaky) }).Stop()
			o := place("PUT", "payload").under(ctx)
			if row.getBody != nil {
				o.GetBody = row.getBody
			}
			_, err := retry.New(play(row.outcome), row.p).RoundTrip(o.Request)
			require.Error(t, err, name)
			texts[name] = err.Error()
		})
	}
	return texts
}

// logged returns what slog writes of v.
func logged(v slog.LogValuer) string {
	var b bytes.Buffer
	bare := func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey || a.Key == slog.LevelKey || a.Key == slog.MessageKey {
			return slog.Attr{}
		}
		return a
	}
	slog.New(slog.NewTextHandler(&b, &slog.HandlerOptions{ReplaceAttr: bare})).Info("", "v", v)
	return string(bytes.TrimSpace(b.Bytes()))
}

func TestALogLineOfAnAttemptHasTheHostAndNoSecret(t *testing.T) {
	req := place("", "").Request
	leaky := &url.Error{Op: "Get", URL: secretURL, Err: errPeerReset}
	for name, row := range map[string]struct {
		attempt retry.Attempt
		want    string
	}{
		"a response": {
			retry.Attempt{Number: 2, Request: req, Response: &http.Response{StatusCode: 503}, Duration: time.Second},
			"v.number=2 v.method=GET v.host=api.example v.status=503 v.duration=1s",
		},
		"an error": {retry.Attempt{Number: 1, Request: req, Err: leaky},
			"v.number=1 v.method=GET v.host=api.example v.error=\"" + errPeerReset.Error() + "\""},
		"an operation":      {retry.Attempt{Number: 3}, "v.number=3"},
		"a request, no URL": {retry.Attempt{Number: 1, Request: &http.Request{Method: "PUT"}}, "v.number=1 v.method=PUT"},
	} {
		assert.Equal(t, row.want, logged(row.attempt), name)
	}
}

func TestADecisionPrintsInOneLine(t *testing.T) {
	leaky := &url.Error{Op: "Get", URL: secretURL, Err: context.Canceled}
	for _, row := range []struct {
		decision     retry.Decision
		line, logged string
	}{
		{retry.Decision{Retry: true, Class: retry.Transient, Delay: 2 * time.Second, FromServer: true},
			"retry in 2s (transient)", "v.retry=true v.class=transient v.delay=2s v.from_server=true"},
		{retry.Decision{Retry: true, Class: retry.Unprocessed}, "retry in 0s (unprocessed)",
			"v.retry=true v.class=unprocessed"},
		{retry.Decision{Class: retry.Transient, Reason: retry.ErrBudget, Delay: time.Second},
			"no retry: retry budget spent (transient)",
			`v.retry=false v.class=transient v.delay=1s v.from_server=false v.reason="retry budget spent"`},
		{retry.Decision{Class: retry.Final, Reason: leaky}, "no retry: context canceled (final)",
			`v.retry=false v.class=final v.reason="context canceled"`},
		{retry.Decision{}, "final", "v.retry=false v.class=final"},
	} {
		assert.Equal(t, row.line, row.decision.String())
		assert.Equal(t, row.logged, logged(row.decision), row.line)
	}
}

func TestAJitterPrintsAsItsConstant(t *testing.T) {
	for j, want := range map[retry.Jitter]string{
		retry.FullJitter: "FullJitter", retry.EqualJitter: "EqualJitter", retry.AdditiveJitter: "AdditiveJitter",
		retry.NoJitter: "NoJitter", 7: "Jitter(7)", -1: "Jitter(-1)",
	} {
		assert.Equal(t, want, j.String())
	}
}
