package otelretry

import (
	"net/http"

	"github.com/hashicorp/go-cleanhttp"
	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	noopmetric "go.opentelemetry.io/otel/metric/noop"
	"go.opentelemetry.io/otel/propagation"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
	nooptrace "go.opentelemetry.io/otel/trace/noop"

	"github.com/seed-e3550de8/retry"
)

const scope = "github.com/seed-e3550de8/retry/otelretry"

// A Config says where telemetry goes. The zero Config is good: it has the global providers.
type Config struct {
	_ [0]func() // no comparison, no unkeyed literals

	// TracerProvider makes the spans. Nil means that of otel.GetTracerProvider, which may be set after New.
	TracerProvider trace.TracerProvider

	// MeterProvider makes the instruments. Nil means that of otel.GetMeterProvider, which may be set after New.
	MeterProvider metric.MeterProvider

	// Propagator writes each attempt's span into the header of its request. Nil means that of
	// otel.GetTextMapPropagator when New is called; but nothing is written if both providers are no-ops.
	Propagator propagation.TextMapPropagator

	// CallSpan asks for a span around all attempts of a call. It ends when the response's header is there, while that
	// of the last attempt ends with the response's body. The Transport is then given a shallow copy of the caller's
	// request.
	CallSpan bool

	// Servers is how many servers have series of their own, those that are met first. All others share the
	// server.address "_OTHER", and have no balance. Zero means 100, negative none.
	Servers int

	// Attributes are added to each measurement of this package, not to those of otelhttp. Two clients that ask the
	// same server under different budgets need an attribute that differs: there is one gauge for each set of
	// attributes. They must be few and constant. Nil means none. New does not keep the slice.
	Attributes []attribute.KeyValue
}

// New returns what [retry.New] returns for base and p, with telemetry as c says: an [http.RoundTripper] that makes each
// attempt through otelhttp's Transport around base, and whose response bodies are wrapped by that. Its
// CloseIdleConnections reaches base, and its WrappedRoundTripper is what it wraps.
//
// A nil base is a pooled [http.Transport] of its own, from go-cleanhttp. A Policy without a Budget gets one whose
// balance can be shown, as large as a Transport's own; but with more MaxAttempts in a [retry.WithPolicy] it does not
// grow, and a Budget in one is not shown. p.OnAttempt is called after what is measured.
//
// If both providers are those of the noop packages, and c.Propagator is nil, the result is retry.New(base, p) itself.
//
// The balances are no longer shown once the RoundTripper has been collected as garbage. An instrument that cannot be
// made is reported to otel.Handle, and measures nothing.
func New(base http.RoundTripper, p retry.Policy, c Config) http.RoundTripper {
	if c.silent() {
		return retry.New(base, p)
	}
	c.fill()
	if base == nil {
		base = cleanhttp.DefaultPooledTransport()
	}
	if p.Budget == nil {
		p.Budget = &retry.Budget{Floor: floor(p.MaxAttempts)}
	}
	p.OnAttempt = c.observers(p)
	t := retry.New(c.traced(base), p)
	if !c.CallSpan {
		return t
	}
	return calls{transport: t, tracer: c.tracer()}
}

// silent reports whether nothing of c can be seen.
func (c *Config) silent() bool {
	_, traceless := c.TracerProvider.(nooptrace.TracerProvider)
	_, meterless := c.MeterProvider.(noopmetric.MeterProvider)
	return traceless && meterless && c.Propagator == nil
}

func (c *Config) fill() {
	if c.TracerProvider == nil {
		c.TracerProvider = otel.GetTracerProvider()
	}
	if c.MeterProvider == nil {
		c.MeterProvider = otel.GetMeterProvider()
	}
	if c.Propagator == nil {
		c.Propagator = otel.GetTextMapPropagator()
	}
	if c.Servers == 0 {
		c.Servers = 100
	}
}

// floor is that of a Transport's own Budget: one call can make all its attempts, each of which may take one and a half.
func floor(attempts int) float64 {
	if attempts == 0 {
		attempts = 4
	}
	return max(5, 1.5*float64(min(max(attempts, 1), 101)-1))
}

// observers returns the OnAttempt of p with what c asks for before it.
func (c *Config) observers(p retry.Policy) func(retry.Attempt, retry.Decision) {
	m, span, own := newMeter(c, p.Budget), c.CallSpan, p.OnAttempt
	return func(a retry.Attempt, d retry.Decision) {
		m.observe(a, d)
		if span {
			annotate(a, d)
		}
		if own != nil {
			own(a, d)
		}
	}
}

func (c *Config) traced(base http.RoundTripper) http.RoundTripper {
	return attempts{
		traced: otelhttp.NewTransport(numbered{base},
			otelhttp.WithTracerProvider(c.TracerProvider),
			otelhttp.WithMeterProvider(c.MeterProvider),
			otelhttp.WithPropagators(c.Propagator),
		),
		base: base,
	}
}

func (c *Config) tracer() trace.Tracer {
	return c.TracerProvider.Tracer(scope, trace.WithSchemaURL(semconv.SchemaURL))
}
