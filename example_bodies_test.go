package retry_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"

	"github.com/seed-e3550de8/retry"
)

// saying starts a server that answers with one status and these bodies in turn, and with the last one from then on.
func saying(status int, bodies ...string) *httptest.Server {
	var served atomic.Int64
	return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, bodies[min(int(served.Add(1)), len(bodies))-1])
	}))
}

// ask prints what a client with this Classify is told.
func ask(url string, classify func(retry.Attempt) retry.Class) {
	client := &http.Client{Transport: retry.New(nil, retry.Policy{Backoff: retry.Constant(0), Classify: classify})}
	resp, err := client.Get(url)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	fmt.Println("attempt", retry.AttemptNumber(resp.Request.Context()), resp.StatusCode, string(body), err)
}

// A server says 200 and means something else. The answer that is returned is whole.
func ExamplePeek() {
	server := saying(200, `{"status":"throttled"}`, `{"status":"ok"}`)
	defer server.Close()
	ask(server.URL, func(a retry.Attempt) retry.Class {
		page, _ := retry.Peek(a.Response, 1<<10)
		if bytes.HasPrefix(page, []byte(`{"status":"throttled"`)) {
			return retry.Transient
		}
		return retry.Classify(a)
	})
	// Output: attempt 2 200 {"status":"ok"} <nil>
}

// S3 begins to answer CompleteMultipartUpload and CopyObject with 200, and then tells in the body if it failed.
func ExamplePeek_s3() {
	const declaration = `<?xml version="1.0" encoding="UTF-8"?>`
	server := saying(200, declaration+"\n<Error><Code>InternalError</Code></Error>", declaration+"\n<CopyObjectResult/>")
	defer server.Close()
	ask(server.URL, func(a retry.Attempt) retry.Class {
		page, err := retry.Peek(a.Response, 1<<10)
		if err != nil || bytes.Contains(page, []byte("<Error>")) {
			return retry.Transient
		}
		return retry.Classify(a)
	})
	// Output:
	// attempt 2 200 <?xml version="1.0" encoding="UTF-8"?>
	// <CopyObjectResult/> <nil>
}

// GraphQL answers 200 whatever happens, with a list of errors. Only some of them may pass.
func ExamplePeek_graphQL() {
	server := saying(200, `{"errors":[{"extensions":{"code":"RATE_LIMITED"}}]}`, `{"data":{"name":"Ada"}}`)
	defer server.Close()
	ask(server.URL, func(a retry.Attempt) retry.Class {
		var answer struct {
			Errors []struct{ Extensions struct{ Code string } }
		}
		page, _ := retry.Peek(a.Response, 64<<10)
		if json.Unmarshal(page, &answer) != nil || len(answer.Errors) == 0 {
			return retry.Classify(a)
		}
		if answer.Errors[0].Extensions.Code == "RATE_LIMITED" {
			return retry.Transient
		}
		return retry.Classify(a)
	})
	// Output: attempt 2 200 {"data":{"name":"Ada"}} <nil>
}

// A 429 that means that the money is gone does not pass by itself.
func ExamplePeek_quota() {
	server := saying(429, `{"error":{"code":"insufficient_quota"}}`)
	defer server.Close()
	ask(server.URL, func(a retry.Attempt) retry.Class {
		if page, _ := retry.Peek(a.Response, 4<<10); strings.Contains(string(page), "insufficient_quota") {
			return retry.Final
		}
		return retry.Classify(a)
	})
	// Output: attempt 1 429 {"error":{"code":"insufficient_quota"}} <nil>
}

// A file is replayable as it is. Nothing of it is kept in memory.
func ExampleReplayable() {
	server := answering(503, 200)
	defer server.Close()
	path, remove := temporaryFile("much data")
	defer remove()

	file, err := os.Open(path)
	if err != nil {
		fmt.Println(err)
		return
	}
	req, err := http.NewRequest(http.MethodPut, server.URL, file) // closed by the client
	if err != nil {
		fmt.Println(err)
		return
	}
	req.ContentLength = int64(len("much data")) // net/http does not ask a file for its size, and would send chunks
	fmt.Println("as it is:", retry.Replayable(req))

	client := &http.Client{Transport: retry.New(nil, retry.Policy{Backoff: retry.Constant(0)})}
	resp, err := client.Do(req)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer resp.Body.Close()
	fmt.Println(resp.Status)
	// Output:
	// as it is: true
	// 200 OK
}

// A part of a file, or anything else that can be read at an offset, is the body of a request by one line.
func ExampleSetBody() {
	server := answering(503, 200)
	defer server.Close()
	part := io.NewSectionReader(strings.NewReader("one part of much data"), 4, 4)

	req, err := http.NewRequest(http.MethodPut, server.URL, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	retry.SetBody(req, part, part.Size())
	client := &http.Client{Transport: retry.New(nil, retry.Policy{Backoff: retry.Constant(0)})}
	resp, err := client.Do(req)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer resp.Body.Close()
	fmt.Println(resp.Status, "for", req.ContentLength, "bytes")
	// Output: 200 OK for 4 bytes
}

func temporaryFile(content string) (path string, remove func()) {
	f, err := os.CreateTemp("", "retry-example")
	if err != nil {
		panic(err)
	}
	defer f.Close()
	if _, err := f.WriteString(content); err != nil {
		panic(err)
	}
	return f.Name(), func() { os.Remove(f.Name()) }
}
