package main

import (
	"crypto/sha256"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
)

// newServer starts a server that fails before it answers.
func newServer() *httptest.Server {
	mux := http.NewServeMux()
	mux.Handle("GET /orders/7", script(unavailable, reset, text(http.StatusOK, `{"id": 7}`)))
	mux.Handle("PUT /items/1", script(after("1", http.StatusTooManyRequests), echo))
	mux.Handle("PUT /files/big", script(unavailable, checksum))
	mux.Handle("POST /payments", script(unavailable, text(http.StatusCreated, "")))
	mux.Handle("POST /payments/keyed", script(unavailable, text(http.StatusCreated, "")))
	mux.Handle("GET /maintenance", script(after("60", http.StatusServiceUnavailable)))
	return httptest.NewServer(mux)
}

// script answers the first request by the first step, and so on, and the rest by the last step.
func script(steps ...http.HandlerFunc) http.Handler {
	var served atomic.Int64
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := min(served.Add(1), int64(len(steps)))
		steps[n-1](w, r)
	})
}

// unavailable answers without reading the request's body, and closes the connection. On a kept one net/http would hide
// the reset that follows: it sends such a request again by itself.
func unavailable(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Connection", "close")
	http.Error(w, "come back later", http.StatusServiceUnavailable)
}

// reset resets the connection.
func reset(w http.ResponseWriter, _ *http.Request) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(err)
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		tcp.SetLinger(0)
	}
	conn.Close()
}

func after(seconds string, status int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", seconds)
		w.WriteHeader(status)
	}
}

func text(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		io.WriteString(w, body)
	}
}

// echo sends the request's body back.
func echo(w http.ResponseWriter, r *http.Request) { io.Copy(w, r.Body) }

// checksum sends the checksum of the request's body back.
func checksum(w http.ResponseWriter, r *http.Request) {
	sum := sha256.New()
	io.Copy(sum, r.Body)
	fmt.Fprintf(w, "%x", sum.Sum(nil))
}
