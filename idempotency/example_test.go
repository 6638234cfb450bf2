package idempotency_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"

	"github.com/seed-e3550de8/retry"
	"github.com/seed-e3550de8/retry/idempotency"
)

// orderKey is under what a context has the number of its order.
type orderKey struct{}

// The first answer is lost, after the server has done what it was asked to. It knows the second request by its key.
func ExampleTransport() {
	done := make(map[string]string)
	var lost atomic.Bool
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		key := r.Header.Get("Idempotency-Key")
		if _, ok := done[key]; !ok {
			done[key] = fmt.Sprintf("invoice %d", len(done)+1)
		}
		if !lost.Swap(true) {
			panic(http.ErrAbortHandler)
		}
		fmt.Fprint(w, done[key])
	}))
	defer server.Close()

	client := &http.Client{Transport: &idempotency.Transport{
		Base: retry.New(nil, retry.Policy{Backoff: retry.Constant(0)}), // a second and more is the default
	}}
	resp, err := client.Post(server.URL, "application/json", strings.NewReader(`{"total": 12}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer resp.Body.Close()
	fmt.Println(resp.Status, "at attempt", retry.AttemptNumber(resp.Request.Context()))
	fmt.Println("invoices made:", len(done))
	fmt.Println("the key sent is the key kept:", done[resp.Request.Header.Get("Idempotency-Key")] != "")
	// Output:
	// 200 OK at attempt 2
	// invoices made: 1
	// the key sent is the key kept: true
}

// Some servers have a name of their own for the field.
func ExampleTransport_header() {
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		fmt.Println(r.Method, "has a key:", r.Header.Get("PayPal-Request-Id") != "")
	}))
	defer server.Close()

	client := &http.Client{Transport: &idempotency.Transport{
		Base:    retry.New(nil, retry.Policy{}),
		Methods: []string{http.MethodPost, http.MethodPut},
		Header:  "PayPal-Request-Id",
	}}
	for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodGet} {
		req, err := http.NewRequest(method, server.URL, nil)
		if err != nil {
			fmt.Println(err)
			return
		}
		resp, err := client.Do(req)
		if err != nil {
			fmt.Println(err)
			return
		}
		resp.Body.Close()
	}
	// Output:
	// POST has a key: true
	// PUT has a key: true
	// GET has a key: false
}

// A key that lies with the order outlives the program: sent again tomorrow, it is still the same order.
func ExampleTransport_key() {
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		fmt.Println(r.Header.Get("Idempotency-Key"))
	}))
	defer server.Close()

	client := &http.Client{Transport: &idempotency.Transport{
		Base:   retry.New(nil, retry.Policy{}),
		Quoted: true,
		Key: func(req *http.Request) string {
			order, _ := req.Context().Value(orderKey{}).(string)
			return order // without one the request is an error, and is not sent
		},
	}}
	order17 := context.WithValue(context.Background(), orderKey{}, "order-17")
	for _, ctx := range []context.Context{order17, context.Background()} {
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, server.URL, nil)
		if err != nil {
			fmt.Println(err)
			return
		}
		resp, err := client.Do(req)
		if err != nil {
			fmt.Println(strings.ReplaceAll(err.Error(), server.URL, "https://api.example.com"))
			return
		}
		resp.Body.Close()
	}
	// Output:
	// "order-17"
	// Post "https://api.example.com": idempotency: the Key function returned an empty key
}
