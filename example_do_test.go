package retry_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/seed-e3550de8/retry"
)

// The decorator as people first learn it: a maximum, a constant wait, an action on each retry, a predicate over the
// result, and an error that says the attempts are used up.
func ExampleDo() {
	policy := retry.Policy{
		MaxAttempts: 3,                                    // the maximum, the first run included
		Backoff:     retry.Constant(5 * time.Millisecond), // a constant wait
		OnAttempt: func(a retry.Attempt, d retry.Decision) { // an action on each retry
			if d.Retry {
				fmt.Println("run", a.Number, "failed:", a.Err)
			}
		},
	}
	stock := 0
	n, err := retry.Do(context.Background(), policy, func(context.Context) (int, error) {
		stock++
		if stock < 10 { // a predicate over the result
			return stock, errors.New("not enough in stock")
		}
		return stock, nil
	})
	fmt.Println(n, err)
	fmt.Println("attempts used up:", errors.Is(err, retry.ErrMaxAttempts))
	// Output:
	// run 1 failed: not enough in stock
	// run 2 failed: not enough in stock
	// 3 retry: attempts exhausted after 3: not enough in stock
	// attempts used up: true
}

// An answer that does not decode is repeated together with its request. The Transport's retries and those of Do are one
// layer: no URL is asked more than MaxAttempts times.
func ExampleDo_decode() {
	pages := []string{`{"id": 7, "sta`, `{"id": 7, "state": "paid"}`}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, pages[0])
		pages = pages[1:]
	}))
	defer server.Close()
	client := &http.Client{Transport: retry.New(nil, retry.Policy{Backoff: retry.Constant(0)})}

	type order struct {
		ID    int
		State string
	}
	got, err := retry.Do(context.Background(), retry.Policy{Backoff: retry.Constant(0)}, func(ctx context.Context) (o order, err error) {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL, nil)
		if err != nil {
			return o, err
		}
		resp, err := client.Do(req)
		if err != nil {
			return o, err
		}
		defer resp.Body.Close()
		err = json.NewDecoder(resp.Body).Decode(&o)
		return o, err
	})
	fmt.Println(got, err)
	// Output: {7 paid} <nil>
}

// An action on 404, and no further run: Mark says that the error is final.
func ExampleMark() {
	server := answering(404)
	defer server.Close()
	errNotFound := errors.New("no such order")

	_, err := retry.Do(context.Background(), retry.Policy{}, func(ctx context.Context) (string, error) {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL, nil)
		if err != nil {
			return "", err
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return "", err
		}
		defer resp.Body.Close()
		if resp.StatusCode == http.StatusNotFound {
			fmt.Println("forget the order") // the action
			return "", retry.Mark(errNotFound, retry.Final)
		}
		return resp.Status, nil
	})
	fmt.Println(err)
	// Output:
	// forget the order
	// no such order
}

// A test of a Classify of one's own needs no HTTP: Decide says what a Transport would do.
func ExamplePolicy_Decide() {
	policy := retry.Policy{
		Backoff: retry.Constant(2 * time.Second),
		Classify: func(a retry.Attempt) retry.Class {
			if a.Response != nil && strings.Contains(a.Response.Header.Get("X-Reason"), "maintenance") {
				return retry.Final
			}
			return retry.Classify(a)
		},
	}
	req, _ := http.NewRequest(http.MethodGet, "http://api.example.com/orders", nil)
	for _, reason := range []string{"", "planned maintenance"} {
		a := retry.Attempt{Number: 1, Request: req, Response: &http.Response{
			StatusCode: http.StatusServiceUnavailable, Header: http.Header{"X-Reason": {reason}},
		}}
		fmt.Println(policy.Decide(a, time.Now()))
	}
	// Output:
	// retry in 2s (transient)
	// final
}

// WithDecision tells why a request was not repeated, where the response alone does not.
func ExampleWithDecision() {
	server := answering(503)
	defer server.Close()
	client := &http.Client{Transport: retry.New(nil, retry.Policy{})}

	var d retry.Decision
	ctx := retry.WithDecision(context.Background(), &d)
	req, _ := http.NewRequestWithContext(ctx, http.MethodPost, server.URL, nil)
	resp, err := client.Do(req)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer resp.Body.Close()
	fmt.Println(resp.StatusCode, d)
	fmt.Println(errors.Is(d.Reason, retry.ErrNotIdempotent))
	// Output:
	// 503 no retry: request not idempotent (transient)
	// true
}
