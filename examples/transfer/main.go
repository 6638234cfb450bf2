// Command transfer sends a file to a server that breaks, fetches it back, and shows both at work: the upload is an
// *os.File as http.NewRequest takes it, sent again by package retry; the download breaks off again and again, and is
// continued by package resume.
//
//	go run . [-size 200000000]
//
// Its exit status is 0 only if the file is intact on both sides.
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

	"golang.org/x/term"
)

func main() {
	size := flag.Int64("size", 200_000_000, "the length of the file in bytes, at least 1000")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	s := &screen{out: os.Stdout, log: os.Stderr, live: term.IsTerminal(int(os.Stderr.Fd()))}
	if err := run(ctx, s, *size, whole); err != nil {
		fmt.Fprintln(os.Stderr, "transfer:", err)
		os.Exit(1)
	}
}

// whole is a server's handler as it is. A test has another one in its place.
func whole(h http.Handler) http.Handler { return h }

// run makes a file, and sends it there and back.
func run(ctx context.Context, s *screen, size int64, handler func(http.Handler) http.Handler) error {
	if size < 1000 {
		return fmt.Errorf("a file of %d bytes is too short to break: take 1000 or more", size)
	}
	dir, err := os.MkdirTemp("", "transfer")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	server := start(dir, size, handler)
	defer server.Close()
	c := newClient(server.URL, s)
	defer c.CloseIdleConnections()
	return c.thereAndBack(ctx, dir, size)
}

func (c *client) thereAndBack(ctx context.Context, dir string, size int64) error {
	file, want, err := create(dir, size)
	if err != nil {
		return err
	}
	there, err := c.upload(ctx, file, size)
	if err != nil {
		return fmt.Errorf("upload: %w", err)
	}
	back, err := c.download(ctx, dir, size)
	if err != nil {
		return fmt.Errorf("download: %w", err)
	}
	fmt.Fprintf(c.screen.out, "sha256 of the file   %s\nsha256 there         %s\nsha256 of what came  %s\n", want, there, back)
	if there != want || back != want {
		return errors.New("the checksums differ")
	}
	_, err = io.WriteString(c.screen.out, "intact there and back\n")
	return err
}
