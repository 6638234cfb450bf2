// Package items is a small typed client of an XML API whose server limits the rate of its callers. A 429 and its
// Retry-After are the Transport's business; the client only sees that a call took longer.
package items

import (
	"bytes"
	"context"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/seed-e3550de8/retry"
)

// A Client reads and writes the items of one server. It may be used by many goroutines at once.
type Client struct {
	url  string
	http *http.Client
}

// New returns a Client that waits for as long as the server asks, up to patience, and gives each attempt 10 s to be
// answered. Zero patience means a minute, the package's default.
func New(baseURL string, patience time.Duration) *Client {
	transport := retry.New(nil, retry.Policy{
		MaxRetryAfter:  patience,
		AttemptTimeout: 10 * time.Second,
		ReadAhead:      1 << 20, // an item is small: if its answer breaks off, it is asked for again
		// The server says how long to wait, so there is little to add to it.
		Backoff: retry.Exponential{Base: 50 * time.Millisecond, Max: time.Second},
	})
	return &Client{baseURL, &http.Client{Transport: transport}}
}

// CloseIdleConnections closes the connections that are kept for later calls.
func (c *Client) CloseIdleConnections() { c.http.CloseIdleConnections() }

// An Item is a thing in store.
type Item struct {
	XMLName xml.Name `xml:"item"`
	Name    string   `xml:"name"`
	Count   int      `xml:"count"`
}

// A BusyError is the server's wish not to be asked again for longer than the client's patience.
type BusyError struct {
	Status     int
	RetryAfter time.Duration
}

func (e *BusyError) Error() string {
	return fmt.Sprintf("status %d: the server asks for a pause of %v", e.Status, e.RetryAfter)
}

// Put stores item under name. A PUT is idempotent: processing it twice leaves the same item.
func (c *Client) Put(ctx context.Context, name string, item Item) error {
	body, err := xml.Marshal(item)
	if err != nil {
		return err
	}
	return c.do(ctx, http.MethodPut, name, bytes.NewReader(body), nil)
}

// Get returns the item that is stored under name.
func (c *Client) Get(ctx context.Context, name string) (item Item, err error) {
	err = c.do(ctx, http.MethodGet, name, nil, &item)
	return item, err
}

func (c *Client) do(ctx context.Context, method, name string, body io.Reader, out any) error {
	req, err := http.NewRequestWithContext(ctx, method, c.url+"/items/"+url.PathEscape(name), body)
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/xml")
	resp, err := c.http.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if pause, ok := retry.ParseRetryAfter(resp.Header, time.Now()); ok && resp.StatusCode >= 400 {
		return &BusyError{resp.StatusCode, pause}
	}
	if resp.StatusCode >= 300 {
		return fmt.Errorf("status %s", resp.Status)
	}
	if out == nil {
		return nil
	}
	return xml.NewDecoder(resp.Body).Decode(out)
}
