package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/seed-e3550de8/retry"
	"github.com/seed-e3550de8/retry/resume"
)

// A download fetches one URL and tells what happens.
type download struct {
	client   *http.Client
	progress *progress
	requests int
}

// newDownload makes the RoundTrippers, from the outside in: resume, which continues; retry, which repeats; and stall,
// which ends a body that says nothing.
func newDownload(s settings, p program) *download {
	d := &download{progress: &progress{out: p.log, live: p.live}}
	retries, continuations := s.retries(), s.continuations()
	retries.OnAttempt, continuations.OnContinue = d.attempt, d.proceed
	base := p.base
	if base == nil {
		base = http.DefaultTransport
	}
	d.client = &http.Client{Transport: resume.New(retry.New(stall{base, s.attemptTimeout}, retries), continuations)}
	return d
}

func (d *download) attempt(a retry.Attempt, next retry.Decision) {
	d.requests++
	if !next.Retry {
		return
	}
	what := fmt.Sprint(a.Err)
	if a.Response != nil {
		what = a.Response.Status
	}
	d.progress.line("attempt %d: %s; again in %v", a.Number, what, next.Delay.Round(time.Millisecond))
}

func (d *download) proceed(c resume.Continuation) {
	d.progress.line("broke off at %s: %v; the rest in %v", size(c.Offset, c.Total), c.Err, c.Wait.Round(time.Millisecond))
}

// to writes what the URL has to w.
func (d *download) to(ctx context.Context, w io.Writer, url string) error {
	start := time.Now()
	var why retry.Decision
	req, err := http.NewRequestWithContext(retry.WithDecision(ctx, &why), http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	resp, err := d.client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode/100 != 2 {
		return refusal(resp, why)
	}
	d.progress.total = resp.ContentLength
	if _, err := io.Copy(io.MultiWriter(w, d.progress), resp.Body); err != nil {
		d.progress.clear()
		return err
	}
	took := time.Since(start).Round(time.Millisecond)
	d.progress.line("%s in %v, %d requests", amount(d.progress.done), took, d.requests)
	return nil
}

// refusal says what the server said, and why it was not asked again.
func refusal(resp *http.Response, why retry.Decision) error {
	err := fmt.Errorf("the server says %s", resp.Status)
	if why.Reason != nil {
		return fmt.Errorf("%w, at attempt %d: %w", err, retry.AttemptNumber(resp.Request.Context()), why.Reason)
	}
	return err
}
