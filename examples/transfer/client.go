package main

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/seed-e3550de8/retry"
	"github.com/seed-e3550de8/retry/resume"
)

// A client moves the file. Its RoundTrippers are, from the outside in: resume, which continues a download; retry, which
// repeats a request; and the meter, which sees each attempt's body.
type client struct {
	*http.Client
	url           string
	screen        *screen
	attempts      int // of the call under way
	continuations int
}

func newClient(url string, s *screen) *client {
	c := &client{url: url, screen: s}
	backoff := retry.Exponential{Base: 200 * time.Millisecond}
	again := retry.New(meter{http.DefaultTransport.(*http.Transport).Clone(), s}, retry.Policy{
		Backoff:   backoff,
		OnAttempt: c.attempt,
	})
	c.Client = &http.Client{Transport: resume.New(again, resume.Policy{
		Backoff:    backoff,
		Identity:   true,
		OnContinue: c.proceed,
	})}
	return c
}

func (c *client) attempt(a retry.Attempt, d retry.Decision) {
	c.attempts++
	if !d.Retry {
		return
	}
	what := fmt.Sprint(a.Err)
	if a.Response != nil {
		what = a.Response.Status
	}
	c.screen.line("  attempt %d: %s; again in %v", a.Number, what, d.Delay.Round(time.Millisecond))
}

func (c *client) proceed(next resume.Continuation) {
	c.continuations++
	c.screen.line("  continuation %d at %s of %s: %v; in %v", next.Number, megabytes(next.Offset),
		megabytes(next.Total), next.Err, next.Wait.Round(time.Millisecond))
}

// upload sends the file, which the request closes, and returns the checksum that the server has of it.
func (c *client) upload(ctx context.Context, file *os.File, size int64) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, c.url, file)
	if err != nil {
		file.Close()
		return "", err
	}
	req.ContentLength = size // otherwise it is sent in chunks, which is as safe
	c.begin("upload", size)
	resp, err := c.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusCreated {
		return "", fmt.Errorf("the server says %s", resp.Status)
	}
	sum, err := io.ReadAll(io.LimitReader(resp.Body, 1024))
	c.end("upload", size)
	return string(sum), err
}

// download fetches the file into dir and returns the checksum of what came.
func (c *client) download(ctx context.Context, dir string, size int64) (string, error) {
	file, err := os.Create(filepath.Join(dir, "came"))
	if err != nil {
		return "", err
	}
	defer file.Close()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.url, nil)
	if err != nil {
		return "", err
	}
	c.begin("download", size)
	resp, err := c.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return "", fmt.Errorf("the server says %s", resp.Status)
	}
	sum := sha256.New()
	if _, err := io.Copy(io.MultiWriter(file, sum, c.screen), resp.Body); err != nil {
		return "", err
	}
	c.end("download", size)
	return text(sum), nil
}

func (c *client) begin(what string, size int64) {
	c.attempts, c.continuations = 0, 0
	c.screen.begin(what, size)
}

func (c *client) end(what string, size int64) {
	took := c.screen.end()
	fmt.Fprintf(c.screen.out, "%-8s  %s in %v, %s/s, %d requests, %d continuations\n", what, megabytes(size),
		took.Round(time.Millisecond), megabytes(int64(float64(size)/took.Seconds())), c.attempts, c.continuations)
}
