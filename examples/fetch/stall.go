package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"
)

// A stall is a RoundTripper that ends a body of which nothing comes for as long as limit; zero means no limit. Without
// it a connection that is dead and does not say so would hold a download for ever: an AttemptTimeout ends with the
// header.
type stall struct {
	base  http.RoundTripper
	limit time.Duration
}

func (s stall) RoundTrip(req *http.Request) (*http.Response, error) {
	if s.limit <= 0 {
		return s.base.RoundTrip(req)
	}
	ctx, cancel := context.WithCancel(req.Context())
	resp, err := s.base.RoundTrip(req.WithContext(ctx))
	if err != nil {
		cancel()
		return resp, err
	}
	resp.Body = stalling{resp.Body, s.limit, cancel}
	return resp, nil
}

// CloseIdleConnections closes those of the base.
func (s stall) CloseIdleConnections() {
	(&http.Client{Transport: s.base}).CloseIdleConnections()
}

type stalling struct {
	io.ReadCloser
	limit  time.Duration
	cancel context.CancelFunc
}

// Read cancels the request if it takes too long. It is tempting to close the body instead, but since Go 1.27 that waits
// for a while for what may still come.
func (b stalling) Read(p []byte) (int, error) {
	timer := time.AfterFunc(b.limit, b.cancel)
	n, err := b.ReadCloser.Read(p)
	if !timer.Stop() && err != nil && err != io.EOF {
		err = fmt.Errorf("nothing came for %v: %w", b.limit, os.ErrDeadlineExceeded)
	}
	return n, err
}

func (b stalling) Close() error {
	defer b.cancel()
	return b.ReadCloser.Close()
}
