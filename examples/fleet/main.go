// Fleet shows what a shared budget does for processes that live for two requests each:
//
//	cd examples/fleet && go run .
//
// It keeps forty such processes going, on a server that goes down for two seconds and afterwards can't serve anybody as
// long as it gets more attempts than it can bear. First each has a budget of its own, and then all share one, on a
// store that this program has inside. It takes twenty seconds.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"time"

	"github.com/alicebob/miniredis/v2"
)

// A plan is how long everything takes.
type plan struct {
	processes int
	seconds   int
	second    time.Duration // a second of the table
	down, up  int           // the seconds in which the server goes down and comes back
}

func main() {
	if work, ok := workOf(os.Getenv(workEnv)); ok {
		os.Exit(work.run())
	}
	if err := run(os.Stdout, plan{processes: 40, seconds: 10, second: time.Second, down: 2, up: 4}); err != nil {
		fmt.Fprintln(os.Stderr, "fleet:", err)
		os.Exit(1)
	}
}

func run(w io.Writer, p plan) error {
	store, err := miniredis.Run()
	if err != nil {
		return err
	}
	defer store.Close()
	for _, round := range []struct{ title, store string }{
		{"each process has a budget of its own", ""},
		{"all processes share one", store.Addr()},
	} {
		fmt.Fprintf(w, "\n%d processes, of %d requests each; %s\n\n", p.processes, requests, round.title)
		fmt.Fprintf(w, "%6s  %-8s  %8s  %8s  %10s\n", "second", "server", "attempts", "served", "suppressed")
		p.round(w, round.store)
	}
	return nil
}

// round keeps the processes going for the time of the plan, and prints a line each second.
func (p plan) round(w io.Writer, store string) {
	s := newServer(p)
	defer s.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Duration(p.seconds)*p.second)
	defer cancel()
	var all sync.WaitGroup
	for range p.processes {
		all.Go(func() {
			for ctx.Err() == nil {
				launch(ctx, work{URL: s.URL, Store: store})
			}
		})
	}
	for second := range p.seconds {
		state := "up"
		if second >= p.down && second < p.up {
			state = "down"
		}
		s.down.Store(state == "down")
		time.Sleep(p.second)
		c := s.count()
		fmt.Fprintf(w, "%6d  %-8s  %8d  %8d  %10d\n", second, state, c.attempts, c.served, c.suppressed)
	}
	all.Wait()
}

// launch runs one process to its end, or until the context is done.
func launch(ctx context.Context, job work) {
	cmd := exec.CommandContext(ctx, os.Args[0])
	cmd.Env = append(os.Environ(), workEnv+"="+job.String())
	_ = cmd.Run() // one that fails has its successor
}
