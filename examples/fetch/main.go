// Command fetch downloads one URL, through servers that fail and connections that break:
//
//	go run ./examples/fetch -attempts 6 -timeout 10m -o image.iso https://example.com/image.iso
//
// Package retry repeats the request, package resume continues a download that breaks off. What happens is told on
// standard error. Its exit status is 0 if the download is whole, 1 if it is not, 2 if the command line makes no sense,
// and 130 if SIGINT ended it, which it does at once, in a wait too.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"

	"github.com/seed-e3550de8/retry/examples/internal/show"
)

const (
	statusFailed      = 1
	statusUsage       = 2
	statusInterrupted = 128 + 2 // as a shell reports a program that SIGINT ended
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	context.AfterFunc(ctx, stop) // a second SIGINT ends the program as if there were no handler
	p := program{out: os.Stdout, log: os.Stderr, live: show.IsTerminal(os.Stderr)}
	os.Exit(p.run(ctx, os.Args[1:]))
}

// A program is what a command line runs in.
type program struct {
	out, log io.Writer
	live     bool              // log is a terminal
	base     http.RoundTripper // nil means http.DefaultTransport
}

// run returns the exit status. That ctx is done means that the program is interrupted.
func (p program) run(ctx context.Context, args []string) (status int) {
	s, err := parse(args)
	if errors.Is(err, flag.ErrHelp) {
		fmt.Fprint(p.out, usage())
		return 0
	}
	if err != nil {
		fmt.Fprintf(p.log, "fetch: %v\n%s", err, usage())
		return statusUsage
	}
	err = p.fetch(ctx, s)
	switch {
	case err == nil:
		return 0
	case ctx.Err() != nil:
		fmt.Fprintln(p.log, "fetch: interrupted")
		return statusInterrupted
	}
	fmt.Fprintln(p.log, "fetch:", err)
	return statusFailed
}

func (p program) fetch(ctx context.Context, s settings) error {
	if s.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, s.timeout)
		defer cancel()
	}
	t, err := open(s.file, p.out)
	if err != nil {
		return err
	}
	d := newDownload(s, p)
	defer d.client.CloseIdleConnections()
	if err := d.to(ctx, t, s.url); err != nil {
		t.discard()
		return err
	}
	return t.keep()
}
