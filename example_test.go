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

// show prints what a client returned.
func show(resp *http.Response, err error) {
	if err != nil {
		fmt.Println(err)
		return
	}
	defer resp.Body.Close()
	fmt.Println(resp.Status, "at attempt", retry.AttemptNumber(resp.Request.Context()))
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
	show(client.Get(server.URL))
	// Output: 200 OK at attempt 3
}

// A policy in the context counts for the requests under it. Its zero fields leave the Transport's as they are.
func ExampleWithPolicy() {
	server := answering(503)
	defer server.Close()
	client := &http.Client{Transport: retry.New(nil, retry.Policy{Backoff: retry.Constant(0)})}

	once := retry.WithPolicy(context.Background(), retry.Policy{MaxAttempts: 1})
	for _, ctx := range []context.Context{context.Background(), once} {
		req, _ := http.NewRequestWithContext(ctx, http.MethodGet, server.URL, nil)
		show(client.Do(req))
	}
	// Output:
	// 503 Service Unavailable at attempt 4
	// 503 Service Unavailable at attempt 1
}

// A search by POST changes nothing on the server, so it may be sent again. What creates something is better marked with
// an Idempotency-Key field, if the server knows that.
func ExampleAsIdempotent() {
	server := answering(503, 200)
	defer server.Close()
	client := &http.Client{Transport: retry.New(nil, retry.Policy{Backoff: retry.Constant(0)})}

	ctx := retry.AsIdempotent(context.Background())
	req, _ := http.NewRequestWithContext(ctx, http.MethodPost, server.URL, strings.NewReader(`{"name": "Ada"}`))
	show(client.Do(req))
	// Output: 200 OK at attempt 2
}

// WithDecision tells why a request was not repeated, where the response alone does not.
func ExampleWithDecision() {
	server := answering(503)
	defer server.Close()
	client := &http.Client{Transport: retry.New(nil, retry.Policy{})}

	var d retry.Decision
	ctx := retry.WithDecision(context.Background(), &d)
	req, _ := http.NewRequestWithContext(ctx, http.MethodPost, server.URL, nil)
	show(client.Do(req))
	fmt.Println(d)
	fmt.Println(errors.Is(d.Reason, retry.ErrNotIdempotent))
	// Output:
	// 503 Service Unavailable at attempt 1
	// no retry: request not idempotent (transient)
	// true
}

// The base can tell the attempts apart, here to have a header field on retries only. A server that has too much to do
// can turn those away first: the people behind them have waited already. The base must not change the request that it
// got, so it sends a clone; first attempts go out as they came.
func ExampleAttemptNumber() {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Printf("Retry-Attempt: %q\n", r.Header.Get("Retry-Attempt"))
		w.WriteHeader(http.StatusServiceUnavailable)
	}))
	defer server.Close()

	base := roundTripperFunc(func(req *http.Request) (*http.Response, error) {
		if n := retry.AttemptNumber(req.Context()); n > 1 {
			req = req.Clone(req.Context())
			req.Header.Set("Retry-Attempt", strconv.Itoa(n-1))
		}
		return http.DefaultTransport.RoundTrip(req)
	})
	client := &http.Client{Transport: retry.New(base, retry.Policy{MaxAttempts: 3, Backoff: retry.Constant(0)})}
	show(client.Get(server.URL))
	// Output:
	// Retry-Attempt: ""
	// Retry-Attempt: "1"
	// Retry-Attempt: "2"
	// 503 Service Unavailable at attempt 3
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
	show(client.Get(server.URL))
	show(client.Get(server.URL))
	// Output:
	// 503 Service Unavailable at attempt 3
	// no retry: retry budget spent
	// 503 Service Unavailable at attempt 1
}

func ExampleParseRetryAfter() {
	now := time.Now()
	for _, h := range []http.Header{
		{"Retry-After": {"120"}},
		{"Retry-After": {"Sun, 06 Nov 1994 08:51:37 GMT"}, "Date": {"Sun, 06 Nov 1994 08:49:37 GMT"}},
		{"Retry-After": {"soon"}},
	} {
		fmt.Println(retry.ParseRetryAfter(h, now))
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
	show((&http.Client{Transport: outside}).Get(server.URL))
	fmt.Println("calls:", calls, "attempts:", attempts)
	// Output:
	// 200 OK at attempt 3
	// calls: 1 attempts: 3
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

// If no attempt got a response, the error says how many there were, why there are no more, and what the last one met.
func ExampleError() {
	server := answering(200)
	server.Close() // from now on connections are refused

	client := &http.Client{Transport: retry.New(nil, retry.Policy{MaxAttempts: 3, Backoff: retry.Constant(0)})}
	_, err := client.Get(server.URL)

	if failure, ok := errors.AsType[*retry.Error](err); ok {
		fmt.Println("attempts:", failure.Attempts)
		fmt.Println("reason:", failure.Reason)
	}
	fmt.Println("exhausted:", errors.Is(err, retry.ErrMaxAttempts))
	// Output:
	// attempts: 3
	// reason: attempts exhausted
	// exhausted: true
}

// If the last attempt got a response, that is the result, with its body unread: it usually says more than an error
// could. Who wants an error makes one of it, and knows from the request how many attempts there were.
func ExampleError_exhaustedWithResponse() {
	server := answering(503)
	defer server.Close()
	client := &http.Client{Transport: retry.New(nil, retry.Policy{MaxAttempts: 3, Backoff: retry.Constant(0)})}

	fetch := func(url string) error {
		resp, err := client.Get(url)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		if retry.ClassifyStatus(resp.StatusCode) != retry.Final {
			return fmt.Errorf("still %d after %d attempts", resp.StatusCode, retry.AttemptNumber(resp.Request.Context()))
		}
		return nil
	}
	fmt.Println(fetch(server.URL))
	// Output: still 503 after 3 attempts
}
