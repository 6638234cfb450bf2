package retrytest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"sync"
	"time"
)

const earlyReplyWhy = "http.RoundTripper: callers wanting to reuse the body must wait for its Close. The transport is still sending the first body when the retry begins; if both attempts read the same bytes, the server stores a mixture and says 200 (golang/go#51907). Run the tests with -race to see the reads meet."

var uploadChecks = []check{
	{
		name:    "EarlyReplyUploadHTTP1",
		promise: "an upload of 8 MiB arrives intact when the server answers its first attempt before reading it.",
		why:     earlyReplyWhy,
		live:    true,
		run: func(p *probe) {
			var protocols http.Protocols
			protocols.SetHTTP1(true)
			earlyReplies(p, protocols)
		},
	},
	{
		name:    "EarlyReplyUploadHTTP2",
		promise: "an upload of 8 MiB over HTTP/2 arrives intact when the server answers its first attempt before reading it.",
		why:     earlyReplyWhy,
		live:    true,
		run: func(p *probe) {
			var protocols http.Protocols
			protocols.SetUnencryptedHTTP2(true)
			earlyReplies(p, protocols)
		},
	},
}

// uploadSize is larger than what sockets and servers hold back, so that much of it is unsent when the answer comes.
const uploadSize = 8 << 20

// earlyReplies needs the buffers of real sockets: over a pipe in memory nothing is on its way.
func earlyReplies(p *probe, protocols http.Protocols) {
	const uploads = 2
	s := &refusesFirst{p: p, seen: map[string]bool{}}
	server := httptest.NewUnstartedServer(s)
	server.Config.Protocols = &protocols
	server.Start()
	defer server.Close()
	tr := &http.Transport{Protocols: &protocols}
	defer tr.CloseIdleConnections()
	ctx, cancel := context.WithTimeout(p.Context(), time.Minute)
	defer cancel()

	outcomes := make(chan string, uploads)
	var all sync.WaitGroup
	for i := range uploads {
		all.Go(func() {
			outcomes <- s.upload(ctx, p.wrap(tr), fmt.Sprintf("%s/%d", server.URL, i), uint64(i))
		})
	}
	all.Wait()
	for range uploads {
		if outcome := <-outcomes; outcome != "" {
			p.broken("Of %d uploads, at least one did not arrive as it was: %s.", uploads, outcome)
		}
	}
}

// refusesFirst is a server which answers the first upload to each path before it reads it.
type refusesFirst struct {
	p *probe

	mu   sync.Mutex
	seen map[string]bool
}

func (s *refusesFirst) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	first := !s.seen[r.URL.Path]
	s.seen[r.URL.Path] = true
	s.mu.Unlock()
	if first {
		w.Header().Set("Retry-After", "0")
		w.WriteHeader(s.p.claims.failureStatus())
		return
	}
	sum := sha256.New()
	n, err := io.Copy(sum, r.Body)
	fmt.Fprintf(w, "%d bytes, sum %x, error %v", n, sum.Sum(nil), err)
}

// upload returns what went wrong, or "".
func (s *refusesFirst) upload(ctx context.Context, rt http.RoundTripper, url string, seed uint64) string {
	data := make([]byte, uploadSize)
	_, _ = rand.NewChaCha8([32]byte{byte(seed)}).Read(data)
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, url, nil)
	if err != nil {
		return err.Error()
	}
	// The body can be rewound, which is a temptation.
	req.Body, req.ContentLength = rewindable{bytes.NewReader(data)}, uploadSize
	req.GetBody = func() (io.ReadCloser, error) { return rewindable{bytes.NewReader(data)}, nil }
	resp, err := rt.RoundTrip(req)
	if err != nil {
		return err.Error()
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return err.Error()
	}
	if want := fmt.Sprintf("%d bytes, sum %x, error %v", uploadSize, sha256.Sum256(data), nil); string(text) != want {
		return fmt.Sprintf("status %d, %q instead of %q", resp.StatusCode, text, want)
	}
	return ""
}

type rewindable struct{ *bytes.Reader }

func (rewindable) Close() error { return nil }
