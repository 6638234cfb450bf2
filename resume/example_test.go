package resume_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/seed-e3550de8/retry"
	"github.com/seed-e3550de8/retry/httpfault"
	"github.com/seed-e3550de8/retry/resume"
)

// flaky breaks off each of its first answers after six bytes.
func flaky(answers int, content string) *httpfault.Server {
	return httpfault.Config{Default: httpfault.HandleFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", `"2026-11-25"`)
		if answers--; answers >= 0 {
			w = &breaker{w, 6}
		}
		http.ServeContent(w, r, "", time.Time{}, strings.NewReader(content))
	})}.NewServer(nil)
}

func Example() {
	server := flaky(2, "arrives in three parts")
	defer server.Close()

	client := &http.Client{Transport: resume.New(retry.New(nil, retry.Policy{}), resume.Policy{
		Backoff: retry.Constant(0), // for the sake of the example; leave it out
		OnContinue: func(c resume.Continuation) {
			fmt.Printf("%d of %d bytes: %v\n", c.Offset, c.Total, c.Err)
		},
	})}
	resp, err := client.Get(server.URL)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	fmt.Printf("%q, %v\n", body, err)
	client.CloseIdleConnections()
	// Output:
	// 6 of 22 bytes: unexpected EOF
	// 12 of 22 bytes: unexpected EOF
	// "arrives in three parts", <nil>
}

// A download whose content changes meanwhile can only be begun anew.
func ExampleError() {
	versions := []string{"the first version", "the second version"}
	requests := 0
	changes := httpfault.HandleFunc(func(w http.ResponseWriter, r *http.Request) {
		version := min(requests, 1)
		w.Header().Set("ETag", fmt.Sprintf(`"v%d"`, version+1))
		if requests++; version == 0 {
			w = &breaker{w, 6}
		}
		http.ServeContent(w, r, "", time.Time{}, strings.NewReader(versions[version]))
	})
	server := httpfault.Config{Default: changes}.NewServer(nil)
	defer server.Close()

	client := &http.Client{Transport: resume.New(nil, resume.Policy{Backoff: retry.Constant(0)})}
	defer client.CloseIdleConnections()
	for range 2 {
		resp, err := client.Get(server.URL)
		if err != nil {
			fmt.Println(err)
			return
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		fmt.Printf("%q, %v\n", body, err)
		if !errors.Is(err, resume.ErrChanged) {
			return
		}
	}
	// Output:
	// "the fi", resume: at byte 6 of 17 after 1 continuation: status 200 OK: unexpected EOF: content changed
	// "the second version", <nil>
}
