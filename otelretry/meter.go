package otelretry

import (
	"context"
	"slices"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	noopmetric "go.opentelemetry.io/otel/metric/noop"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"

	"github.com/seed-e3550de8/retry"
)

// A meter measures attempts and what becomes of them.
type meter struct {
	attempts  metric.Int64Counter
	decisions metric.Int64Counter
	waits     metric.Float64Histogram
	held      metric.Int64Counter
	servers   *servers
	fixed     []attribute.KeyValue
	balances  *balances // only kept: they are shown for as long as the meter is in use
}

func newMeter(c *Config, b *retry.Budget) *meter {
	own := c.MeterProvider.Meter(scope, metric.WithSchemaURL(semconv.SchemaURL))
	m := &meter{servers: &servers{limit: c.Servers}, fixed: slices.Clone(c.Attributes)}
	m.attempts = counter(own, "retry.attempts", "{attempt}",
		"Number of attempts at HTTP requests, the first ones included.")
	m.decisions = counter(own, "retry.decisions", "{decision}",
		"Number of failed attempts, by whether there is a retry and why not.")
	m.held = counter(own, "retry.held.requests", "{request}",
		"Number of requests that were held because their server had asked for a Retry-After.")
	m.waits = waits(own)
	m.balances = showBalances(own, b, m.servers, m.fixed)
	return m
}

// counter returns an instrument that measures nothing if there is an error, as a view of the SDK's can make one.
func counter(own metric.Meter, name, unit, description string) metric.Int64Counter {
	c, err := own.Int64Counter(name, metric.WithUnit(unit), metric.WithDescription(description))
	if err != nil {
		otel.Handle(err)
		return noopmetric.Int64Counter{}
	}
	return c
}

func waits(own metric.Meter) metric.Float64Histogram {
	h, err := own.Float64Histogram("retry.wait.duration", metric.WithUnit("s"),
		metric.WithDescription("Duration of the waits before retries, and of being held."),
		metric.WithExplicitBucketBoundaries(0.01, 0.05, 0.1, 0.25, 0.5, 1, 2, 4, 8, 16, 32, 64, 128))
	if err != nil {
		otel.Handle(err)
		return noopmetric.Float64Histogram{}
	}
	return h
}

// enabled reports whether anybody hears of what is measured.
func (m *meter) enabled(ctx context.Context) bool {
	return m.attempts.Enabled(ctx) || m.decisions.Enabled(ctx) || m.waits.Enabled(ctx) || m.held.Enabled(ctx)
}

// observe is an OnAttempt.
func (m *meter) observe(a retry.Attempt, d retry.Decision) {
	ctx := a.Request.Context()
	server := m.servers.of(a.Request.URL) // the balance of a server may be shown when nothing else is
	if !m.enabled(ctx) {
		return
	}
	if a.Number > 0 {
		m.countAttempt(ctx, server, a, d)
	}
	if d.Retry || d.Reason != nil {
		m.countDecision(ctx, server, a, d)
	}
	if a.Held > 0 || a.Number == 0 {
		m.countHeld(ctx, server, a, d)
	}
	if d.Retry {
		m.waits.Record(ctx, d.Delay.Seconds(), m.with(server, sourceKey.String(sourceOf(d))))
	}
}

func (m *meter) countAttempt(ctx context.Context, server []attribute.KeyValue, a retry.Attempt, d retry.Decision) {
	outcome := "response"
	if a.Err != nil {
		outcome = "error"
	}
	m.attempts.Add(ctx, 1, m.with(server, append(outcomeOf(a.Response, a.Err),
		semconv.HTTPRequestMethodKey.String(methodOf(a.Request)),
		classKey.String(d.Class.String()),
		outcomeKey.String(outcome))...))
}

func (m *meter) countDecision(ctx context.Context, server []attribute.KeyValue, a retry.Attempt, d retry.Decision) {
	attrs := append(make([]attribute.KeyValue, 0, 4),
		semconv.HTTPRequestMethodKey.String(methodOf(a.Request)),
		classKey.String(d.Class.String()))
	if d.Retry {
		attrs = append(attrs, decisionKey.String("retry"))
	} else {
		attrs = append(attrs, decisionKey.String("give_up"), reasonKey.String(reasonOf(d.Reason)))
	}
	m.decisions.Add(ctx, 1, m.with(server, attrs...))
}

func (m *meter) countHeld(ctx context.Context, server []attribute.KeyValue, a retry.Attempt, d retry.Decision) {
	if a.Number == 0 {
		m.held.Add(ctx, 1, m.with(server, outcomeKey.String("refused"), reasonKey.String(reasonOf(d.Reason))))
	} else {
		m.held.Add(ctx, 1, m.with(server, outcomeKey.String("sent")))
	}
	if a.Held > 0 {
		m.waits.Record(ctx, a.Held.Seconds(), m.with(server, sourceKey.String("gate")))
	}
}

// with returns attributes together with those of a server and those of the Config, in a slice of their own: the SDK
// sorts what it gets.
func (m *meter) with(server []attribute.KeyValue, attrs ...attribute.KeyValue) metric.MeasurementOption {
	all := make([]attribute.KeyValue, 0, len(server)+len(attrs)+len(m.fixed))
	return metric.WithAttributes(append(append(append(all, attrs...), server...), m.fixed...)...)
}
