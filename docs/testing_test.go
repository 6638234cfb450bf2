package docs_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-e3550de8/retry"
	"github.com/seed-e3550de8/retry/httpfault"
)

// fetch is the code under test.
func fetch(ctx context.Context, client *http.Client, url string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	resp, err := client.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return string(body), err
}

func TestFetchSurvivesAReset(t *testing.T) {
	server := httpfault.NewServer(t, httpfault.Status(503).Close(), httpfault.Reset(), httpfault.OK("hello"))
	policy := retry.Policy{Backoff: retry.Constant(0)}
	client := &http.Client{Transport: retry.New(server.Transport(), policy)}

	got, err := fetch(t.Context(), client, server.URL)
	require.NoError(t, err)
	assert.Equal(t, "hello", got)
	assert.Len(t, server.Requests(), 3)
}

func TestFetchWaitsAsLongAsTheServerAsks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		config := httpfault.Config{Pipe: true}
		server := config.NewServer(t, httpfault.Status(503).RetryAfter(time.Minute), httpfault.OK("hello"))
		client := &http.Client{Transport: retry.New(server.Transport(), retry.Policy{})} // as in production

		start := time.Now()
		got, err := fetch(t.Context(), client, server.URL)
		require.NoError(t, err)
		assert.Equal(t, "hello", got)
		assert.GreaterOrEqual(t, time.Since(start), time.Minute)
		assert.LessOrEqual(t, time.Since(start), time.Minute+time.Second) // the first backoff is up to 1 s
	})
}

func TestFetchGivesUpOnAServerThatIsDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		config := httpfault.Config{Pipe: true, Default: httpfault.Status(503)}
		server := config.NewServer(t)
		client := &http.Client{Transport: retry.New(server.Transport(), retry.Policy{})}

		var why retry.Decision
		_, err := fetch(retry.WithDecision(t.Context(), &why), client, server.URL)
		require.NoError(t, err) // the last response is the caller's
		assert.ErrorIs(t, why.Reason, retry.ErrMaxAttempts)
		assert.Len(t, server.Requests(), 4)
	})
}

func TestFetchAsksNoMoreThanItMust(t *testing.T) {
	config := httpfault.Config{Strict: true}
	server := config.NewServer(t, httpfault.Status(404))
	client := &http.Client{Transport: retry.New(server.Transport(), retry.Policy{})}
	_, err := fetch(t.Context(), client, server.URL)
	require.NoError(t, err)
}

// classify repeats what the server calls throttled, whatever its status.
func classify(a retry.Attempt) retry.Class {
	var answer struct{ Status string }
	if page, err := retry.Peek(a.Response, 1<<10); err == nil && json.Unmarshal(page, &answer) == nil {
		if answer.Status == "throttled" {
			return retry.Transient
		}
	}
	return retry.Classify(a)
}

func TestWhatIsThrottledIsRepeated(t *testing.T) {
	policy := retry.Policy{Classify: classify, Backoff: retry.Constant(time.Second)}
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		name   string
		number int
		status int
		header http.Header
		want   retry.Decision
	}{
		{"a failure", 1, 503, nil,
			retry.Decision{Retry: true, Class: retry.Transient, Delay: time.Second}},
		{"what the server asks for", 1, 503, http.Header{"Retry-After": {"60"}},
			retry.Decision{Retry: true, Class: retry.Transient, Delay: 61 * time.Second, FromServer: true}},
		{"the last attempt", 4, 503, nil,
			retry.Decision{Class: retry.Transient, Reason: retry.ErrMaxAttempts}},
		{"a defect of the request", 1, 400, nil,
			retry.Decision{Class: retry.Final}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://example.com/", nil)
			require.NoError(t, err)
			resp := &http.Response{StatusCode: tt.status, Header: tt.header, Body: http.NoBody, Request: req}
			got := policy.Decide(retry.Attempt{Number: tt.number, Request: req, Response: resp}, now)
			got.Price = 0 // that is the budget's business
			assert.Equal(t, tt.want, got)
		})
	}
}

func TestTheAnswerItselfCanSayThrottled(t *testing.T) {
	server := httpfault.NewServer(t, httpfault.OK(`{"status": "throttled"}`), httpfault.OK(`{"status": "ok"}`))
	policy := retry.Policy{Classify: classify, Backoff: retry.Constant(0)}
	client := &http.Client{Transport: retry.New(server.Transport(), policy)}
	got, err := fetch(t.Context(), client, server.URL)
	require.NoError(t, err)
	assert.JSONEq(t, `{"status": "ok"}`, got) // and it is whole
}
