package main

import (
	"net/http"
	"sync/atomic"
)

// lockedTwice answers two requests with 409, and then with 200.
func lockedTwice() http.Handler {
	var served atomic.Int64
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if served.Add(1) <= 2 {
			w.WriteHeader(http.StatusConflict)
		}
	})
}
