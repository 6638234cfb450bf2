package retry_test

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"

	"github.com/seed-e3550de8/retry"
)

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
