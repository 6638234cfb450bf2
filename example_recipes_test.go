package retry_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"

	"github.com/seed-e3550de8/retry"
)

// tokens gives each attempt the token of the moment, and makes another when that one is no longer taken.
type tokens struct {
	mu   sync.Mutex
	made int
}

func (t *tokens) RoundTrip(req *http.Request) (*http.Response, error) {
	req = req.Clone(req.Context())
	req.Header.Set("Authorization", "Bearer "+t.current())
	return http.DefaultTransport.RoundTrip(req)
}

func (t *tokens) current() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return "token " + strconv.Itoa(t.made)
}

// reject sees to it that the next token is another. Many attempts may have had the one that was not taken.
func (t *tokens) reject(authorization string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if authorization == "Bearer token "+strconv.Itoa(t.made) {
		t.made++ // here a real one asks its authorization server
	}
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

	auth := &tokens{}
	client := &http.Client{Transport: retry.New(auth, retry.Policy{
		Backoff: retry.Constant(0),
		Classify: func(a retry.Attempt) retry.Class {
			if a.Response == nil || a.Response.StatusCode != http.StatusUnauthorized {
				return retry.Classify(a)
			}
			if a.Number > 1 {
				return retry.Final
			}
			auth.reject(a.Response.Request.Header.Get("Authorization"))
			return retry.Unprocessed
		},
	})}
	for _, order := range []string{"tea", "biscuits"} {
		resp, err := client.Post(server.URL, "text/plain", strings.NewReader(order))
		if err != nil {
			fmt.Println(err)
			return
		}
		resp.Body.Close()
		fmt.Println(resp.Status)
	}
	// Output:
	// Bearer token 0 for tea
	// Bearer token 1 for tea
	// 200 OK
	// Bearer token 1 for biscuits
	// 200 OK
}

// A POST is sent again after a 429. No standard says that a server which answers that has not acted, so by default it
// is not; but nearly every limiter stands in front of what it guards. Say so for a server of which you know it.
func ExamplePolicy_tooManyRequests() {
	server := answering(429, 201)
	defer server.Close()
	client := &http.Client{Transport: retry.New(nil, retry.Policy{
		Backoff: retry.Constant(0),
		Classify: func(a retry.Attempt) retry.Class {
			if a.Response != nil && a.Response.StatusCode == http.StatusTooManyRequests {
				return retry.Unprocessed
			}
			return retry.Classify(a)
		},
	})}
	resp, err := client.Post(server.URL, "text/plain", strings.NewReader("tea"))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer resp.Body.Close()
	fmt.Println(resp.Status, "at attempt", retry.AttemptNumber(resp.Request.Context()))
	// Output: 201 Created at attempt 2
}

// A header field on retries only. A server that has too much to do can turn those away first: the people behind them
// have waited already, and the ones behind first attempts have not. First attempts go out as they came, uncopied.
func ExampleAttemptNumber_onRetries() {
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
	resp, err := client.Get(server.URL)
	if err != nil {
		fmt.Println(err)
		return
	}
	resp.Body.Close()
	// Output:
	// Retry-Attempt: ""
	// Retry-Attempt: "1"
	// Retry-Attempt: "2"
}

// If no attempt got a response, the error says how many there were, why there are no more, and what the last one met.
func ExampleError() {
	server := answering(200)
	server.Close() // from now on connections are refused

	client := &http.Client{Transport: retry.New(nil, retry.Policy{MaxAttempts: 3, Backoff: retry.Constant(0)})}
	_, err := client.Get(server.URL)

	var failure *retry.Error
	if errors.As(err, &failure) {
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
