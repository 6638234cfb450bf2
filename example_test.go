package retry_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/seed-e3550de8/retry"
)

// answering starts a server that answers with these statuses in turn, and with the last one from then on.
func answering(statuses ...int) *httptest.Server {
	var served atomic.Int64
	return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		n := min(served.Add(1), int64(len(statuses)))
		w.WriteHeader(statuses[n-1])
	}))
}

// A roundTripperFunc is an http.RoundTripper that is one function.
type roundTripperFunc func(*http.Request) (*http.Response, error)

func (f roundTripperFunc) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

func ExampleNew() {
	server := answering(503, 503, 200)
	defer server.Close()

	client := &http.Client{Transport: retry.New(nil, retry.Policy{
		Backoff: retry.Exponential{Base: time.Millisecond}, // a second is the default
	})}
	resp, err := client.Get(server.URL)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer resp.Body.Close()
	fmt.Println(resp.Status, "at attempt", retry.AttemptNumber(resp.Request.Context()))
	// Output: 200 OK at attempt 3
}

// A policy in the context counts for the requests under it. Its zero fields leave the Transport's as they are.
func ExampleWithPolicy() {
	server := answering(503)
	defer server.Close()
	client := &http.Client{Transport: retry.New(nil, retry.Policy{Backoff: retry.Constant(0)})}

	once := retry.WithPolicy(context.Background(), retry.Policy{MaxAttempts: 1})
	for _, ctx := range []context.Context{context.Background(), once} {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL, nil)
		if err != nil {
			fmt.Println(err)
			return
		}
		resp, err := client.Do(req)
		if err != nil {
			fmt.Println(err)
			return
		}
		resp.Body.Close()
		fmt.Println(resp.StatusCode, "after attempts:", retry.AttemptNumber(resp.Request.Context()))
	}
	// Output:
	// 503 after attempts: 4
	// 503 after attempts: 1
}

// A search by POST changes nothing on the server, so it may be sent again. What creates something is better marked with
// an Idempotency-Key field, if the server knows that.
func ExampleAsIdempotent() {
	server := answering(503, 200)
	defer server.Close()
	client := &http.Client{Transport: retry.New(nil, retry.Policy{Backoff: retry.Constant(0)})}

	ctx := retry.AsIdempotent(context.Background())
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, server.URL, strings.NewReader(`{"name": "Ada"}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	resp, err := client.Do(req)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer resp.Body.Close()
	fmt.Println(resp.Status)
	// Output: 200 OK
}

// The base can tell the attempts apart, here to number them in a header field. It must not change the request that it
// got, so it sends a clone.
func ExampleAttemptNumber() {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Println("the server sees attempt", r.Header.Get("X-Attempt"))
		w.WriteHeader(http.StatusServiceUnavailable)
	}))
	defer server.Close()

	numbered := roundTripperFunc(func(req *http.Request) (*http.Response, error) {
		n := retry.AttemptNumber(req.Context())
		req = req.Clone(req.Context())
		req.Header.Set("X-Attempt", strconv.Itoa(n))
		return http.DefaultTransport.RoundTrip(req)
	})
	client := &http.Client{Transport: retry.New(numbered, retry.Policy{MaxAttempts: 2, Backoff: retry.Constant(0)})}
	resp, err := client.Get(server.URL)
	if err != nil {
		fmt.Println(err)
		return
	}
	resp.Body.Close()
	// Output:
	// the server sees attempt 1
	// the server sees attempt 2
}

// A server that is down for everybody gets ever fewer retries: this budget has two, and the first call spends both.
func ExampleBudget() {
	server := answering(503)
	defer server.Close()
	client := &http.Client{Transport: retry.New(nil, retry.Policy{
		MaxAttempts: 3,
		Backoff:     retry.Constant(0),
		Budget:      &retry.Budget{Floor: 2},
		OnAttempt: func(a retry.Attempt, d retry.Decision) {
			if errors.Is(d.Reason, retry.ErrBudget) {
				fmt.Println("no retry:", d.Reason)
			}
		},
	})}
	for range 2 {
		resp, err := client.Get(server.URL)
		if err != nil {
			fmt.Println(err)
			return
		}
		resp.Body.Close()
		fmt.Println(resp.StatusCode, "after attempts:", retry.AttemptNumber(resp.Request.Context()))
	}
	// Output:
	// 503 after attempts: 3
	// no retry: retry budget spent
	// 503 after attempts: 1
}

func ExampleParseRetryAfter() {
	now := time.Now()
	for _, h := range []http.Header{
		{"Retry-After": {"120"}},
		{"Retry-After": {"Sun, 06 Nov 1994 08:51:37 GMT"}, "Date": {"Sun, 06 Nov 1994 08:49:37 GMT"}},
		{"Retry-After": {"soon"}},
	} {
		wait, ok := retry.ParseRetryAfter(h, now)
		fmt.Println(wait, ok)
	}
	// Output:
	// 2m0s true
	// 2m0s true
	// 0s false
}

// What must see each attempt is the base; what must see only the call is outside. Here both count.
func ExampleTransport() {
	server := answering(503, 503, 200)
	defer server.Close()
	var attempts, calls int
	counting := func(n *int, next http.RoundTripper) http.RoundTripper {
		return roundTripperFunc(func(req *http.Request) (*http.Response, error) {
			*n++
			return next.RoundTrip(req)
		})
	}

	inside := counting(&attempts, http.DefaultTransport)
	outside := counting(&calls, retry.New(inside, retry.Policy{Backoff: retry.Constant(0)}))
	client := &http.Client{Transport: outside}
	resp, err := client.Get(server.URL)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer resp.Body.Close()
	fmt.Println("calls:", calls, "attempts:", attempts)
	// Output: calls: 1 attempts: 3
}

// This is wrong: Client.Timeout bounds the whole call, not one attempt. The server hangs once and would answer the
// second attempt, but the first one takes all the time that there is. Policy.AttemptTimeout is what bounds an attempt.
func ExampleTransport_incorrect() {
	attempts := 0
	hangs := roundTripperFunc(func(req *http.Request) (*http.Response, error) {
		attempts++
		<-req.Context().Done()
		return nil, req.Context().Err()
	})

	client := &http.Client{
		Transport: retry.New(hangs, retry.Policy{MaxAttempts: 5}),
		Timeout:   10 * time.Millisecond,
	}
	_, err := client.Get("http://example.com/")
	fmt.Println("attempts:", attempts, "timeout:", os.IsTimeout(err))
	// Output: attempts: 1 timeout: true
}
