package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"

	"github.com/seed-e3550de8/retry"
)

// A client sends requests to one server.
type client struct {
	url  string
	http *http.Client
}

// do returns the answer, with its body read, or an error if its status is not the wanted one.
func (c *client) do(ctx context.Context, want int, method, path string, body []byte, h http.Header) (*answer, error) {
	req, err := http.NewRequestWithContext(ctx, method, c.url+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	if h != nil {
		req.Header = h
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != want {
		err = fmt.Errorf("the status is %d, not %d", resp.StatusCode, want)
	}
	return &answer{resp.Header, text, retry.AttemptNumber(resp.Request.Context())}, err
}

type answer struct {
	header   http.Header
	body     []byte
	attempts int
}
