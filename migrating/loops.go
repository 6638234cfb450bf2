package migrating

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	avast "github.com/avast/retry-go/v4"
	"github.com/cenkalti/backoff/v5"

	"github.com/seed-e3550de8/retry"
)

func cenkaltiBefore(client *http.Client, req *http.Request) (string, error) {
	return backoff.Retry(req.Context(), func() (string, error) {
		return once(client, req)
	}, backoff.WithBackOff(backoff.NewExponentialBackOff()), backoff.WithMaxTries(4))
}

func avastBefore(client *http.Client, req *http.Request) (string, error) {
	return avast.DoWithData(func() (string, error) {
		return once(client, req)
	}, avast.Attempts(4), avast.Delay(time.Second), avast.Context(req.Context()))
}

func handWrittenBefore(client *http.Client, req *http.Request) (body string, err error) {
	for attempt := range 4 {
		if body, err = once(client, req); err == nil {
			return body, nil
		}
		time.Sleep(time.Second << attempt)
	}
	return "", err
}

// once is what the loops are around.
func once(client *http.Client, req *http.Request) (string, error) {
	resp, err := client.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	if resp.StatusCode >= 500 {
		return "", fmt.Errorf("status %d", resp.StatusCode)
	}
	body, err := io.ReadAll(resp.Body)
	return string(body), err
}

// loopAfter calls once without a loop: the client does the rest.
func loopAfter(base http.RoundTripper, req *http.Request) (string, error) {
	client := &http.Client{Transport: retry.New(base, retry.Policy{})} // make one, and keep it
	return once(client, req)
}

// doAfter repeats the whole operation, with what it makes of the answer.
func doAfter(base http.RoundTripper, req *http.Request) (string, error) {
	var policy retry.Policy
	client := &http.Client{Transport: retry.New(base, policy)} // heeds Retry-After, and does not multiply with Do
	return retry.Do(req.Context(), policy, func(ctx context.Context) (string, error) {
		return once(client, req.WithContext(ctx)) // the context of the run
	})
}
