// Command custom shows a policy that is changed in four places: for the whole client, by a Classify of its own, by a
// log of the attempts, and for single requests by their context.
package main

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"time"

	"github.com/seed-e3550de8/retry"
)

// classify knows one thing better than the default: this service answers 409 while an entry is locked, which passes.
func classify(a retry.Attempt) retry.Class {
	if a.Response != nil && a.Response.StatusCode == http.StatusConflict {
		return retry.Transient
	}
	return retry.Classify(a)
}

// logTo returns a Policy.OnAttempt that writes what did not go well. It leaves the URL's path and query out: they may
// hold secrets.
func logTo(log *slog.Logger) func(retry.Attempt, retry.Decision) {
	return func(a retry.Attempt, d retry.Decision) {
		if !d.Retry && d.Reason == nil && a.Err == nil {
			return
		}
		status := 0
		if a.Response != nil {
			status = a.Response.StatusCode
		}
		log.LogAttrs(a.Request.Context(), slog.LevelWarn, "attempt failed",
			slog.Int("attempt", a.Number), slog.String("method", a.Request.Method),
			slog.String("host", a.Request.URL.Host), slog.Int("status", status), slog.Any("err", a.Err),
			slog.Duration("took", a.Duration), slog.Bool("retry", d.Retry),
			slog.Duration("wait", d.Delay), slog.Any("reason", d.Reason))
	}
}

func newClient(log *slog.Logger) *http.Client {
	return &http.Client{Transport: retry.New(nil, retry.Policy{
		MaxAttempts:    5,
		Backoff:        retry.Exponential{Base: 50 * time.Millisecond, Max: time.Second},
		AttemptTimeout: 5 * time.Second,
		Classify:       classify,
		OnAttempt:      logTo(log),
	})}
}

// probe asks once, whatever the client's policy: a health check wants to know how it is now.
func probe(ctx context.Context, c *http.Client, url string) (status int, err error) {
	return fetch(retry.WithPolicy(ctx, retry.Policy{MaxAttempts: 1}), c, url)
}

func fetch(ctx context.Context, c *http.Client, url string) (status int, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, err
	}
	resp, err := c.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode, err
}

func main() {
	log := slog.New(slog.NewTextHandler(os.Stdout, nil))
	server := httptest.NewServer(lockedTwice())
	defer server.Close()
	client := newClient(log)
	status, err := probe(context.Background(), client, server.URL)
	log.Info("the probe asked once", "status", status, "err", err)
	status, err = fetch(context.Background(), client, server.URL)
	log.Info("the request asked again", "status", status, "err", err)
}
