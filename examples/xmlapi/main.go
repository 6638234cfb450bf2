// Command xmlapi shows a client of an XML API, package items, at a server that limits the rate of its callers, and
// prints each attempt:
//
//	go run ./examples/xmlapi
//
// Its exit status is 0 only if each call ended as promised.
package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"time"

	"github.com/seed-e3550de8/retry"
	"github.com/seed-e3550de8/retry/examples/internal/show"
	"github.com/seed-e3550de8/retry/examples/xmlapi/items"
	"github.com/seed-e3550de8/retry/httpfault"
)

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	server := newServer()
	defer server.Close()
	if broken := run(ctx, show.New(os.Stdout, show.IsTerminal(os.Stdout)), server); broken > 0 {
		os.Exit(1)
	}
}

// run makes the calls and returns how many of them did not end as promised.
func run(ctx context.Context, t *show.Table, server *httpfault.Server) (broken int) {
	client := items.New(server.URL, 30*time.Second)
	defer client.CloseIdleConnections()
	// The client has a policy of its own; its user can still look on.
	ctx = retry.WithPolicy(ctx, retry.Policy{OnAttempt: t.Attempt})
	c := calls{client, server}
	t.Verdict("a PUT waits for as long as the server asks, and comes whole", c.put(ctx))
	t.Verdict("a GET waits until a date by the server's clock, an hour slow", c.get(ctx))
	t.Verdict("an answer that breaks off is asked for again", c.cut(ctx))
	t.Verdict("a pause beyond the client's patience is an error at once", c.busy(ctx))
	return t.End()
}

type calls struct {
	client *items.Client
	server *httpfault.Server
}

func (c calls) put(ctx context.Context) error {
	err := c.client.Put(ctx, "pencil", items.Item{Name: "pencil", Count: 12})
	r := c.requests("/items/pencil")
	if err := cmp.Or(err, paused(r, time.Second)); err != nil {
		return err
	}
	return show.Equal("body", string(r[1].Body), "<item><name>pencil</name><count>12</count></item>")
}

func (c calls) get(ctx context.Context) error {
	item, err := c.client.Get(ctx, "eraser")
	// Dates have whole seconds, so that "in two seconds" is more than one.
	return cmp.Or(err, show.Equal("count", item.Count, 3), paused(c.requests("/items/eraser"), time.Second))
}

func (c calls) cut(ctx context.Context) error {
	item, err := c.client.Get(ctx, "ruler")
	return cmp.Or(err, show.Equal("count", item.Count, 5), show.Equal("requests", len(c.requests("/items/ruler")), 2))
}

func (c calls) busy(ctx context.Context) error {
	start := time.Now()
	_, err := c.client.Get(ctx, "stapler")
	var busy *items.BusyError
	if !errors.As(err, &busy) {
		return fmt.Errorf("the error is %v, not that the server is busy", err)
	}
	return cmp.Or(show.Equal("pause", busy.RetryAfter, time.Hour),
		show.Equal("status", busy.Status, http.StatusTooManyRequests),
		show.Equal("requests", len(c.requests("/items/stapler")), 1), atOnce(start))
}

func atOnce(start time.Time) error {
	if took := time.Since(start); took > 10*time.Second {
		return fmt.Errorf("it took %v", took)
	}
	return nil
}

// requests returns what arrived for a path.
func (c calls) requests(path string) (r []httpfault.Request) {
	for _, request := range c.server.Requests() {
		if request.Path == path {
			r = append(r, request)
		}
	}
	return r
}

// paused is an error unless there were two requests, and the second came no sooner after the first than it was told to.
func paused(r []httpfault.Request, least time.Duration) error {
	if len(r) != 2 {
		return show.Equal("requests", len(r), 2)
	}
	if pause := r[1].Time.Sub(r[0].Time); pause < least {
		return fmt.Errorf("asked to wait for %v, it waited for %v", least, pause)
	}
	return nil
}
