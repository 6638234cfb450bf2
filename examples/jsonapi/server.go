package main

import (
	"encoding/json"
	"net/http"
	"sync"

	"github.com/seed-e3550de8/retry/examples/jsonapi/orders"
	"github.com/seed-e3550de8/retry/httpfault"
)

var pencils = orders.Order{ID: 7, Item: "pencil", Count: 12}

// A shop is a server that fails by a script.
type shop struct {
	*httpfault.Server

	mu    sync.Mutex
	byKey map[string]orders.Order
}

// newShop starts a shop. It closes the connection before each that it resets or hangs up on: on a kept one net/http
// would send the request again by itself, and hide what happened.
func newShop() *shop {
	s := &shop{Server: httpfault.NewServer(nil), byKey: map[string]orders.Order{}}
	s.On("/orders/7", httpfault.Status(http.StatusServiceUnavailable).Close(), httpfault.Reset(),
		httpfault.OK(`{"id": 7, "item": "pencil", "count": 12}`).Close())
	s.On("/orders", httpfault.HandleFunc(s.placeAndHangUp), httpfault.HandleFunc(s.place))
	s.On("/orders/404", httpfault.Status(http.StatusNotFound))
	s.On("/orders/9", httpfault.Status(http.StatusServiceUnavailable).Times(4))
	return s
}

// place answers a key that it knows by the order that was placed under it: that is what the key is for.
func (s *shop) place(w http.ResponseWriter, r *http.Request) {
	o, err := s.enter(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.WriteHeader(http.StatusCreated)
	json.NewEncoder(w).Encode(o)
}

// placeAndHangUp places the order, and its answer is lost.
func (s *shop) placeAndHangUp(_ http.ResponseWriter, r *http.Request) {
	s.enter(r)
	panic(http.ErrAbortHandler)
}

func (s *shop) enter(r *http.Request) (o orders.Order, err error) {
	if err := json.NewDecoder(r.Body).Decode(&o); err != nil {
		return o, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	key := r.Header.Get("Idempotency-Key")
	if known, ok := s.byKey[key]; ok {
		return known, nil
	}
	o.ID = len(s.byKey) + 1
	s.byKey[key] = o
	return o, nil
}

// placed returns how many orders there are.
func (s *shop) placed() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.byKey)
}

// asked returns how many requests of a method came for a path.
func (s *shop) asked(method, path string) (n int) {
	for _, r := range s.Requests() {
		if r.Method == method && r.Path == path {
			n++
		}
	}
	return n
}
