package main

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/seed-e3550de8/retry/examples/internal/show"
)

// A call is one request and what it should come to.
type call struct {
	promise string
	send    func(context.Context, *client) error
}

var calls = []call{
	{"a JSON GET survives a 503 and a reset connection", getJSON},
	{"an XML PUT waits for as long as Retry-After asks", putXML},
	{"an upload whose first attempt was refused half-way arrives whole", upload},
	{"a POST that fails is not sent again", post},
	{"a POST with an Idempotency-Key is", postWithKey},
	{"a Retry-After beyond the deadline ends the call at once, with the response", beyondDeadline},
}

func getJSON(ctx context.Context, c *client) error {
	a, err := c.do(ctx, http.StatusOK, "GET", "/orders/7", nil, nil)
	if err != nil {
		return err
	}
	var order struct{ ID int }
	return cmp.Or(json.Unmarshal(a.body, &order), show.Equal("order", order.ID, 7), show.Equal("attempts", a.attempts, 3))
}

func putXML(ctx context.Context, c *client) error {
	type item struct {
		XMLName xml.Name `xml:"item"`
		Name    string   `xml:"name"`
	}
	sent, err := xml.Marshal(item{Name: "pencil"})
	if err != nil {
		return err
	}
	start := time.Now()
	a, err := c.do(ctx, http.StatusOK, "PUT", "/items/1", sent, http.Header{"Content-Type": {"application/xml"}})
	if err != nil {
		return err
	}
	if waited := time.Since(start); waited < time.Second {
		return fmt.Errorf("asked to wait for 1s, it waited for %v", waited)
	}
	return show.Equal("stored item", string(a.body), string(sent))
}

func upload(ctx context.Context, c *client) error {
	data := bytes.Repeat([]byte("8 MiB of it. "), 8<<20/13)
	a, err := c.do(ctx, http.StatusOK, "PUT", "/files/big", data, nil)
	if err != nil {
		return err
	}
	return show.Equal("checksum", string(a.body), fmt.Sprintf("%x", sha256.Sum256(data)))
}

// The server would answer a second sending with 201.
func post(ctx context.Context, c *client) error {
	a, err := c.do(ctx, http.StatusServiceUnavailable, "POST", "/payments", []byte(`{"amount": 10}`), nil)
	if err != nil {
		return err
	}
	return show.Equal("attempts", a.attempts, 1)
}

func postWithKey(ctx context.Context, c *client) error {
	key := http.Header{"Idempotency-Key": {"3d1f0c6e"}}
	a, err := c.do(ctx, http.StatusCreated, "POST", "/payments/keyed", []byte(`{"amount": 10}`), key)
	if err != nil {
		return err
	}
	return show.Equal("attempts", a.attempts, 2)
}

func beyondDeadline(ctx context.Context, c *client) error {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	a, err := c.do(ctx, http.StatusServiceUnavailable, "GET", "/maintenance", nil, nil)
	if err != nil {
		return err
	}
	if ctx.Err() != nil {
		return errors.New("it waited for the deadline")
	}
	return cmp.Or(show.Equal("Retry-After", a.header.Get("Retry-After"), "60"), show.Equal("attempts", a.attempts, 1))
}
