// Package orders is a small typed client of a JSON API, as an application or an SDK would have it. It has no code for
// retries: the Transport of its http.Client makes them.
package orders

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"github.com/seed-e3550de8/retry"
)

// A Client asks one server for orders. It may be used by many goroutines at once.
type Client struct {
	url  string
	http *http.Client
}

// New returns a Client of the server at baseURL. The zero Policy is a good one.
func New(baseURL string, p retry.Policy) *Client {
	return &Client{baseURL, &http.Client{Transport: retry.New(nil, p)}}
}

// CloseIdleConnections closes the connections that are kept for later calls.
func (c *Client) CloseIdleConnections() { c.http.CloseIdleConnections() }

// An Order is what is bought.
type Order struct {
	ID    int    `json:"id,omitempty"`
	Item  string `json:"item"`
	Count int    `json:"count"`
}

// A StatusError is an answer that is not the one asked for. It is the last of so many attempts.
type StatusError struct {
	Status   int
	Attempts int
}

func (e *StatusError) Error() string {
	return fmt.Sprintf("status %d after %d attempts", e.Status, e.Attempts)
}

// Get returns the order with this id.
func (c *Client) Get(ctx context.Context, id int) (o Order, err error) {
	err = c.do(ctx, http.MethodGet, fmt.Sprintf("/orders/%d", id), nil, nil, &o)
	return o, err
}

// Create places an order. The key, unique to it, lets the server see that a second sending is the same order; that is
// what makes the POST safe to repeat.
func (c *Client) Create(ctx context.Context, key string, o Order) (created Order, err error) {
	header := http.Header{"Idempotency-Key": {key}}
	err = c.do(ctx, http.MethodPost, "/orders", header, o, &created)
	return created, err
}

func (c *Client) do(ctx context.Context, method, path string, h http.Header, in, out any) error {
	u, err := url.JoinPath(c.url, path)
	if err != nil {
		return err
	}
	var body io.Reader
	if in != nil {
		text, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(text) // of which NewRequest can make a new one for each attempt
	}
	req, err := http.NewRequestWithContext(ctx, method, u, body)
	if err != nil {
		return err
	}
	if h != nil {
		req.Header = h
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := c.http.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode >= 300 {
		return &StatusError{resp.StatusCode, retry.AttemptNumber(resp.Request.Context())}
	}
	return json.NewDecoder(resp.Body).Decode(out)
}
