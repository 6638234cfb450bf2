package retry_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/seed-e3550de8/retry"
)

// Simple retries: the same wait before each, and a maximum.
func ExampleConstant() {
	server := answering(503)
	defer server.Close()
	client := &http.Client{Transport: retry.New(nil, retry.Policy{
		MaxAttempts: 3, // the first included: two retries
		Backoff:     retry.Constant(5 * time.Millisecond),
		OnAttempt: func(a retry.Attempt, d retry.Decision) {
			fmt.Println("attempt", a.Number, "retry:", d.Retry, "after:", d.Delay)
		},
	})}
	show(client.Get(server.URL))
	// Output:
	// attempt 1 retry: true after: 5ms
	// attempt 2 retry: true after: 5ms
	// attempt 3 retry: false after: 0s
	// 503 Service Unavailable at attempt 3
}

// Waits that double, without randomness. For a client that is alone with its server: the waits of several that fail
// together would end together.
func ExampleExponential_doubling() {
	policy := retry.Policy{
		MaxAttempts: 4,
		Backoff:     retry.Exponential{Base: time.Second, Max: 32 * time.Second, Jitter: retry.NoJitter},
	}
	for n := 1; n < policy.MaxAttempts; n++ {
		fmt.Println("before retry", n, "wait", policy.Backoff.Delay(n))
	}
	client := &http.Client{Transport: retry.New(nil, policy)}
	defer client.CloseIdleConnections()
	// Output:
	// before retry 1 wait 1s
	// before retry 2 wait 2s
	// before retry 3 wait 4s
}

// The truncated exponential backoff as many services document it: min(2^n s + a random number of milliseconds up to
// 1000, the maximum), with n counted from 0 and the random part drawn anew for each wait. The maximum is often 32 s or
// 64 s.
func ExampleExponential_truncated() {
	backoff := retry.Exponential{Base: time.Second, Max: 64 * time.Second, Jitter: retry.AdditiveJitter}
	for n := 1; n <= 8; n++ {
		least := min(time.Second<<(n-1), backoff.Max)
		most := min(least+time.Second, backoff.Max)
		d := backoff.Delay(n)
		fmt.Println("retry", n, "waits", least, "to", most, least <= d && d <= most)
	}
	one, another := backoff.Delay(1), backoff.Delay(1)
	fmt.Println("two draws are equal:", one == another)
	client := &http.Client{Transport: retry.New(nil, retry.Policy{MaxAttempts: 9, Backoff: backoff})}
	defer client.CloseIdleConnections()
	// Output:
	// retry 1 waits 1s to 2s true
	// retry 2 waits 2s to 3s true
	// retry 3 waits 4s to 5s true
	// retry 4 waits 8s to 9s true
	// retry 5 waits 16s to 17s true
	// retry 6 waits 32s to 33s true
	// retry 7 waits 1m4s to 1m4s true
	// retry 8 waits 1m4s to 1m4s true
	// two draws are equal: false
}

// Full jitter is the default: a wait of anything up to the exponential one, also when that is truncated.
func ExampleExponential_fullJitter() {
	backoff := retry.Exponential{} // Base: 1s, Max: 32s, Jitter: FullJitter
	for _, n := range []int{1, 2, 3, 6, 100} {
		most := min(time.Second<<min(n-1, 5), 32*time.Second)
		d := backoff.Delay(n)
		fmt.Println("retry", n, "waits up to", most, 0 <= d && d < most)
	}
	one, another := backoff.Delay(100), backoff.Delay(100)
	fmt.Println("two draws are equal:", one == another)
	// Output:
	// retry 1 waits up to 1s true
	// retry 2 waits up to 2s true
	// retry 3 waits up to 4s true
	// retry 6 waits up to 32s true
	// retry 100 waits up to 32s true
	// two draws are equal: false
}

// A predicate over the result: 501, 505 to 508, 510 and 511 do not pass by their definition, so this client does not
// ask again after them. Everything else is as the default has it.
func ExamplePolicy_classify() {
	lasting := []int{501, 505, 506, 507, 508, 510, 511}
	classify := func(a retry.Attempt) retry.Class {
		if a.Response != nil && slices.Contains(lasting, a.Response.StatusCode) {
			return retry.Final
		}
		return retry.Classify(a)
	}
	client := &http.Client{Transport: retry.New(nil, retry.Policy{
		MaxAttempts: 2,
		Backoff:     retry.Constant(0),
		Classify:    classify,
	})}

	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		status, err := strconv.Atoi(r.URL.Path[1:])
		if err != nil {
			status = http.StatusBadRequest
		}
		w.WriteHeader(status)
	}))
	defer server.Close()
	for _, path := range []string{"/500", "/501", "/503", "/511"} {
		show(client.Get(server.URL + path))
	}
	// Output:
	// 500 Internal Server Error at attempt 2
	// 501 Not Implemented at attempt 1
	// 503 Service Unavailable at attempt 2
	// 511 Network Authentication Required at attempt 1
}

// An action of one's own on a status, without a say in what is retried.
func ExamplePolicy_actionOnStatus() {
	server := answering(503, 404)
	defer server.Close()
	var missing []string
	client := &http.Client{Transport: retry.New(nil, retry.Policy{
		Backoff: retry.Constant(0),
		OnAttempt: func(a retry.Attempt, _ retry.Decision) {
			if a.Response != nil && a.Response.StatusCode == http.StatusNotFound {
				missing = append(missing, a.Request.URL.Path) // for many goroutines, under a lock
			}
		},
	})}
	show(client.Get(server.URL + "/orders/7"))
	fmt.Println("missing:", missing)
	// Output:
	// 404 Not Found at attempt 2
	// missing: [/orders/7]
}

// An action on each retry. It comes before the wait, so a log shows why nothing seems to happen.
func ExamplePolicy_actionOnRetry() {
	server := answering(429, 503, 200)
	defer server.Close()
	client := &http.Client{Transport: retry.New(nil, retry.Policy{
		Backoff: retry.Constant(time.Millisecond),
		OnAttempt: func(a retry.Attempt, d retry.Decision) {
			if d.Retry {
				fmt.Println("status", a.Response.StatusCode, "is", d.Class, "and waits", d.Delay)
			}
		},
	})}
	show(client.Get(server.URL))
	// Output:
	// status 429 is transient and waits 1ms
	// status 503 is transient and waits 1ms
	// 200 OK at attempt 3
}

// Once more after a 401, with a fresh token. A server that asks who is there has done nothing yet, so this is good for
// a POST too. If the fresh token is not taken either, there is nothing to gain.
func ExamplePolicy_freshToken() {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		order, _ := io.ReadAll(r.Body)
		fmt.Println(r.Header.Get("Authorization"), "for", string(order))
		if r.Header.Get("Authorization") == "Bearer token 0" {
			w.WriteHeader(http.StatusUnauthorized)
		}
	}))
	defer server.Close()
	var token atomic.Int64 // of the moment
	auth := roundTripperFunc(func(req *http.Request) (*http.Response, error) {
		req = req.Clone(req.Context())
		req.Header.Set("Authorization", fmt.Sprint("Bearer token ", token.Load()))
		return http.DefaultTransport.RoundTrip(req)
	})
	client := &http.Client{Transport: retry.New(auth, retry.Policy{
		Backoff: retry.Constant(0),
		Classify: func(a retry.Attempt) retry.Class {
			if a.Response == nil || a.Response.StatusCode != http.StatusUnauthorized {
				return retry.Classify(a)
			}
			if a.Number > 1 {
				return retry.Final
			}
			var taken int64 // by many, perhaps: the first to come back asks the authorization server for another
			fmt.Sscanf(a.Response.Request.Header.Get("Authorization"), "Bearer token %d", &taken)
			token.CompareAndSwap(taken, taken+1)
			return retry.Unprocessed
		},
	})}
	for _, order := range []string{"tea", "biscuits"} {
		show(client.Post(server.URL, "text/plain", strings.NewReader(order)))
	}
	// Output:
	// Bearer token 0 for tea
	// Bearer token 1 for tea
	// 200 OK at attempt 2
	// Bearer token 1 for biscuits
	// 200 OK at attempt 1
}
