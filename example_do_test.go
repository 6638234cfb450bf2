package retry_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
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
	policy := retry.Policy{Backoff: retry.Constant(0)}
	got, err := retry.Do(context.Background(), policy, func(ctx context.Context) (o order, err error) {
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

// saying starts a server that answers with one status and these bodies in turn, and with the last one from then on.
func saying(status int, bodies ...string) *httptest.Server {
	var served atomic.Int64
	return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, bodies[min(int(served.Add(1)), len(bodies))-1])
	}))
}

// S3 begins to answer CompleteMultipartUpload and CopyObject with 200, and then tells in the body if it failed. The
// answer that is returned is whole.
func ExamplePeek() {
	server := saying(200, "<Error><Code>InternalError</Code></Error>", "<CopyObjectResult/>")
	defer server.Close()
	client := &http.Client{Transport: retry.New(nil, retry.Policy{
		Backoff: retry.Constant(0),
		Classify: func(a retry.Attempt) retry.Class {
			page, err := retry.Peek(a.Response, 1<<10)
			if err != nil || bytes.Contains(page, []byte("<Error>")) {
				return retry.Transient
			}
			return retry.Classify(a)
		},
	})}
	resp, err := client.Get(server.URL)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	fmt.Println(string(body), err, "at attempt", retry.AttemptNumber(resp.Request.Context()))
	// Output: <CopyObjectResult/> <nil> at attempt 2
}

// A 429 that means that the money is gone does not pass by itself.
func ExamplePeek_quota() {
	server := saying(429, `{"error":{"code":"insufficient_quota"}}`)
	defer server.Close()
	client := &http.Client{Transport: retry.New(nil, retry.Policy{
		Classify: func(a retry.Attempt) retry.Class {
			if page, _ := retry.Peek(a.Response, 4<<10); bytes.Contains(page, []byte("insufficient_quota")) {
				return retry.Final
			}
			return retry.Classify(a)
		},
	})}
	show(client.Get(server.URL))
	// Output: 429 Too Many Requests at attempt 1
}

// A file is replayable as it is. Nothing of it is kept in memory.
func ExampleReplayable() {
	server := answering(503, 200)
	defer server.Close()
	file, err := os.Open("LICENSE")
	if err != nil {
		fmt.Println(err)
		return
	}
	req, _ := http.NewRequest(http.MethodPut, server.URL, file) // closed by the client
	if info, err := file.Stat(); err == nil {
		req.ContentLength = info.Size() // net/http does not ask a file for its size, and would send chunks
	}
	fmt.Println("as it is:", retry.Replayable(req))

	client := &http.Client{Transport: retry.New(nil, retry.Policy{Backoff: retry.Constant(0)})}
	show(client.Do(req))
	// Output:
	// as it is: true
	// 200 OK at attempt 2
}

// A part of a file, or anything else that can be read at an offset, is the body of a request by one line.
func ExampleSetBody() {
	server := answering(503, 200)
	defer server.Close()
	part := io.NewSectionReader(strings.NewReader("one part of much data"), 4, 4)

	req, _ := http.NewRequest(http.MethodPut, server.URL, nil)
	retry.SetBody(req, part, part.Size())
	client := &http.Client{Transport: retry.New(nil, retry.Policy{Backoff: retry.Constant(0)})}
	show(client.Do(req))
	fmt.Println(req.ContentLength, "bytes")
	// Output:
	// 200 OK at attempt 2
	// 4 bytes
}
