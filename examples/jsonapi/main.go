// Command jsonapi shows a client of a JSON API, package orders, at a server that fails in several ways, and prints each
// attempt:
//
//	go run ./examples/jsonapi
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
	"github.com/seed-e3550de8/retry/examples/jsonapi/orders"
)

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	s := newShop()
	defer s.Close()
	if broken := run(ctx, show.New(os.Stdout, show.IsTerminal(os.Stdout)), s); broken > 0 {
		os.Exit(1)
	}
}

// run makes the calls and returns how many of them did not end as promised.
func run(ctx context.Context, t *show.Table, s *shop) (broken int) {
	client := orders.New(s.URL, retry.Policy{
		Backoff:   retry.Exponential{Base: 300 * time.Millisecond},
		OnAttempt: t.Attempt,
	})
	defer client.CloseIdleConnections()
	c := calls{client, s}
	t.Verdict("a GET survives a 503 and a reset connection", c.get(ctx))
	t.Verdict("an order whose answer was lost is sent again, and placed once", c.create(ctx))
	t.Verdict("what is not there is not asked for again", c.missing(ctx))
	t.Verdict("a server that stays down is asked four times, and no more", c.down(ctx))
	return t.End()
}

type calls struct {
	client *orders.Client
	shop   *shop
}

func (c calls) get(ctx context.Context) error {
	o, err := c.client.Get(ctx, 7)
	return cmp.Or(err, show.Equal("order", o, pencils), show.Equal("requests", c.shop.asked("GET", "/orders/7"), 3))
}

func (c calls) create(ctx context.Context) error {
	o, err := c.client.Create(ctx, "3d1f0c6e", orders.Order{Item: "eraser", Count: 2})
	return cmp.Or(err,
		show.Equal("order", o, orders.Order{ID: 1, Item: "eraser", Count: 2}),
		show.Equal("requests", c.shop.asked("POST", "/orders"), 2),
		show.Equal("orders placed", c.shop.placed(), 1))
}

func (c calls) missing(ctx context.Context) error {
	_, err := c.client.Get(ctx, 404)
	return cmp.Or(wantStatus(err, http.StatusNotFound, 1), show.Equal("requests", c.shop.asked("GET", "/orders/404"), 1))
}

func (c calls) down(ctx context.Context) error {
	_, err := c.client.Get(ctx, 9)
	return cmp.Or(wantStatus(err, http.StatusServiceUnavailable, 4),
		show.Equal("requests", c.shop.asked("GET", "/orders/9"), 4))
}

func wantStatus(err error, status, attempts int) error {
	var got *orders.StatusError
	if !errors.As(err, &got) {
		return fmt.Errorf("the error is %v, not one of status %d", err, status)
	}
	return cmp.Or(show.Equal("status", got.Status, status), show.Equal("attempts", got.Attempts, attempts))
}
