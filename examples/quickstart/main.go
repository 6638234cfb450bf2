// Command quickstart shows a retry.Transport at work: it starts a server that fails in several ways, sends requests to
// it through a real http.Client, and prints each attempt as it happens, and what became of it.
//
// Its exit status is 0 only if each request ended as it should.
package main

import (
	"context"
	"net/http"
	"os"
	"time"

	"github.com/seed-e3550de8/retry"
	"github.com/seed-e3550de8/retry/examples/internal/show"
)

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), 9*time.Second)
	defer cancel()
	if failed := run(ctx, show.New(os.Stdout, show.IsTerminal(os.Stdout))); failed > 0 {
		os.Exit(1)
	}
}

// run makes the calls and returns how many of them did not end as they should.
func run(ctx context.Context, t *show.Table) (failed int) {
	server := newServer()
	defer server.Close()
	transport := retry.New(nil, retry.Policy{
		Backoff:   retry.Exponential{Base: 300 * time.Millisecond},
		OnAttempt: t.Attempt,
	})
	defer transport.CloseIdleConnections()
	c := &client{server.URL, &http.Client{Transport: transport}}

	for _, call := range calls {
		t.Verdict(call.promise, call.send(ctx, c))
	}
	return t.End()
}
