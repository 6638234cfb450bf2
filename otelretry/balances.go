package otelretry

import (
	"context"
	"math"
	"net/url"
	"runtime"
	"strings"
	"sync"
	"weak"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"

	"github.com/seed-e3550de8/retry"
)

// servers are those that have series of their own: the first ones that were met.
type servers struct {
	limit int

	mu    sync.RWMutex
	known map[url.URL][]attribute.KeyValue // by scheme and host; len(known) <= limit
}

var rest = []attribute.KeyValue{semconv.ServerAddress(other)}

// of returns the attributes of u's server. They must not be changed.
func (s *servers) of(u *url.URL) []attribute.KeyValue {
	if !isText(u) {
		return rest
	}
	key := url.URL{Scheme: u.Scheme, Host: u.Host}
	s.mu.RLock()
	attrs, ok := s.known[key]
	s.mu.RUnlock()
	if ok {
		return attrs
	}
	return s.meet(key)
}

func (s *servers) meet(key url.URL) []attribute.KeyValue {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.known) >= s.limit {
		return rest
	}
	if s.known == nil {
		s.known = make(map[url.URL][]attribute.KeyValue)
	}
	// They are parts of the URL's text, which must not stay in memory for them.
	key.Scheme, key.Host = strings.Clone(key.Scheme), strings.Clone(key.Host)
	attrs := serverOf(&key)
	s.known[key] = attrs
	return attrs
}

// balances are what a Budget has left for each server.
type balances struct {
	budget  *retry.Budget
	servers *servers
	fixed   []attribute.KeyValue
	gauge   metric.Float64ObservableGauge
}

// showBalances registers the gauge of b for as long as the result is in use.
func showBalances(own metric.Meter, b *retry.Budget, s *servers, fixed []attribute.KeyValue) *balances {
	gauge, err := own.Float64ObservableGauge("retry.budget.balance", metric.WithUnit("{retry}"),
		metric.WithDescription("Number of retries that the budget has left for a server."))
	if err != nil {
		otel.Handle(err)
		return nil
	}
	shown := &balances{budget: b, servers: s, fixed: fixed, gauge: gauge}
	// A provider lives as long as the program, and would keep every client that was ever made.
	reference := weak.Make(shown)
	registration, err := own.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		if shown := reference.Value(); shown != nil {
			shown.observe(o)
		}
		return nil
	}, gauge)
	if err != nil {
		otel.Handle(err)
		return nil
	}
	runtime.AddCleanup(shown, func(r metric.Registration) { _ = r.Unregister() }, registration)
	return shown
}

func (b *balances) observe(o metric.Observer) {
	b.servers.mu.RLock()
	defer b.servers.mu.RUnlock()
	for server, attrs := range b.servers.known {
		balance := b.budget.Balance(&server)
		if math.IsInf(balance, 0) {
			continue
		}
		all := append(make([]attribute.KeyValue, 0, len(attrs)+len(b.fixed)), attrs...)
		o.ObserveFloat64(b.gauge, balance, metric.WithAttributes(append(all, b.fixed...)...))
	}
}
