package hint_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/seed-e3550de8/retry"
	"github.com/seed-e3550de8/retry/hint"
)

// busy starts a server whose first answer has a status, a body, and fields as name, value pairs. Then it is fine.
func busy(status int, body string, header ...string) *httptest.Server {
	var asked atomic.Bool
	return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if asked.Swap(true) {
			return
		}
		for i := 0; i < len(header); i += 2 {
			w.Header().Add(header[i], header[i+1])
		}
		w.WriteHeader(status)
		fmt.Fprint(w, body)
	}))
}

// show prints what became of an attempt.
func show(a retry.Attempt, d retry.Decision) {
	if !d.Retry {
		fmt.Println(a.Response.StatusCode, "and no retry")
		return
	}
	fmt.Println(a.Response.StatusCode, "and a retry after", d.Delay)
}

func get(client *http.Client, url string) {
	resp, err := client.Get(url)
	if err != nil {
		fmt.Println(err)
		return
	}
	resp.Body.Close()
}

func post(client *http.Client, url string) {
	resp, err := client.Post(url, "application/json", strings.NewReader("{}"))
	if err != nil {
		fmt.Println(err)
		return
	}
	resp.Body.Close()
}

// A primary limit whose window ends in this second.
func ExampleGitHub() {
	github := busy(403, `{"message":"API rate limit exceeded for user ID 1."}`,
		"X-RateLimit-Remaining", "0", "X-RateLimit-Reset", strconv.FormatInt(time.Now().Unix(), 10))
	defer github.Close()

	client := &http.Client{Transport: retry.New(nil, retry.Policy{
		RetryAfter:    hint.GitHub,
		Classify:      hint.GitHubLimit(nil),
		MaxRetryAfter: time.Hour,
		Backoff:       retry.Constant(0), // a second and more is the default
		OnAttempt:     show,
	})}
	get(client, github.URL+"/repos/octocat/hello-world")
	// Output:
	// 403 and a retry after 0s
	// 200 and no retry
}

// Not every 403 is a limit.
func ExampleGitHubLimit() {
	github := busy(403, `{"message":"Resource not accessible by integration"}`, "X-RateLimit-Remaining", "4998")
	defer github.Close()

	client := &http.Client{Transport: retry.New(nil, retry.Policy{
		RetryAfter: hint.GitHub,
		Classify:   hint.GitHubLimit(nil),
		OnAttempt:  show,
	})}
	get(client, github.URL+"/repos/octocat/hello-world/issues")
	// Output: 403 and no retry
}

// Gemini says in the body how long to wait. A POST to it may be repeated, because it only makes a text.
func ExampleRetryInfo() {
	gemini := busy(429, `{"error":{"code":429,"status":"RESOURCE_EXHAUSTED","details":[
		{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"0.045837s"}]}}`)
	defer gemini.Close()

	client := &http.Client{Transport: retry.New(nil, retry.Policy{
		RetryAfter: hint.RetryInfo,
		Classify:   hint.GoogleQuota(nil),
		Idempotent: func(*http.Request) bool { return true },
		Backoff:    retry.Constant(0),
		OnAttempt:  show,
	})}
	post(client, gemini.URL+"/v1beta/models/gemini:generateContent")
	// Output:
	// 429 and a retry after 45.837ms
	// 200 and no retry
}

// The quota of a day is used up: no wait of this request would bring it back.
func ExampleGoogleQuota() {
	gemini := busy(429, `{"error":{"code":429,"status":"RESOURCE_EXHAUSTED","details":[
		{"@type":"type.googleapis.com/google.rpc.QuotaFailure",
		 "violations":[{"quotaId":"GenerateRequestsPerDayPerProjectPerModel-FreeTier"}]},
		{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"18s"}]}}`)
	defer gemini.Close()

	client := &http.Client{Transport: retry.New(nil, retry.Policy{
		RetryAfter: hint.RetryInfo,
		Classify:   hint.GoogleQuota(nil),
		OnAttempt:  show,
	})}
	get(client, gemini.URL+"/v1beta/models")
	// Output: 429 and no retry
}

// The window is longer than this client waits, so that it has the answer at once.
func ExampleRateLimit() {
	server := busy(429, "", "RateLimit-Policy", `"hourly";q=1000;w=3600`, "RateLimit", `"hourly";r=0;t=1200`)
	defer server.Close()

	client := &http.Client{Transport: retry.New(nil, retry.Policy{
		RetryAfter: hint.RateLimit,
		Backoff:    retry.Constant(0),
		OnAttempt:  func(_ retry.Attempt, d retry.Decision) { fmt.Println(d.Delay, d.Reason) },
	})}
	get(client, server.URL)
	// Output: 20m0s Retry-After too long
}

// OpenAI says how long each of two limits lasts, in the form of a Duration. The one that is met has nothing remaining.
func ExampleReset() {
	server := busy(429, `{"error":{"code":"rate_limit_exceeded"}}`,
		"x-ratelimit-remaining-requests", "0", "x-ratelimit-reset-requests", "20ms",
		"x-ratelimit-remaining-tokens", "149984", "x-ratelimit-reset-tokens", "6m0s")
	defer server.Close()

	client := &http.Client{Transport: retry.New(nil, retry.Policy{
		RetryAfter: hint.Longest(
			hint.Reset("X-RateLimit-Reset-Requests", hint.Seconds),
			hint.Reset("X-RateLimit-Reset-Tokens", hint.Seconds),
		),
		Classify:  hint.Directed("X-Should-Retry", nil),
		Backoff:   retry.Constant(0),
		OnAttempt: show,
	})}
	get(client, server.URL+"/v1/models")
	// Output:
	// 429 and a retry after 20ms
	// 200 and no retry
}

// A client of several servers reads what each of them says.
func ExampleLongest() {
	wait := hint.Longest(hint.GitHub, hint.RetryInfo, hint.RateLimit)
	for _, header := range []http.Header{
		{"Retry-After": {"2.5"}},
		{"Ratelimit": {`"default";r=0;t=30`}},
	} {
		fmt.Println(wait(&http.Response{StatusCode: 503, Header: header}, time.Now()))
	}
	// Output:
	// 2.5s true
	// 30s true
}

// Stripe knows whether the same request would fail again.
func ExampleDirected() {
	stripe := busy(500, "", "Stripe-Should-Retry", "false")
	defer stripe.Close()

	client := &http.Client{Transport: retry.New(nil, retry.Policy{
		Classify:  hint.Directed("Stripe-Should-Retry", nil),
		OnAttempt: show,
	})}
	get(client, stripe.URL+"/v1/charges")
	// Output: 500 and no retry
}

// The proxy could not connect, so that a POST may be sent again: nobody has seen it.
func ExampleProxyStatus() {
	proxy := busy(502, "", "Proxy-Status", `egress; error=connection_refused`)
	defer proxy.Close()

	client := &http.Client{Transport: retry.New(nil, retry.Policy{
		Classify:  hint.ProxyStatus("egress", nil),
		Backoff:   retry.Constant(0),
		OnAttempt: show,
	})}
	post(client, proxy.URL+"/orders")
	// Output:
	// 502 and a retry after 0s
	// 200 and no retry
}
