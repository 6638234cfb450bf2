package otelretry_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/seed-e3550de8/retry"
	"github.com/seed-e3550de8/retry/httpfault"
	"github.com/seed-e3550de8/retry/otelretry"
)

// observed is a client, and where its spans arrive.
func observed(base http.RoundTripper, p retry.Policy, callSpan bool) (measured, *tracetest.InMemoryExporter) {
	spans := tracetest.NewInMemoryExporter()
	return measure(base, p, otelretry.Config{
		TracerProvider: sdktrace.NewTracerProvider(sdktrace.WithSyncer(spans)),
		Propagator:     propagation.TraceContext{},
		CallSpan:       callSpan,
	}), spans
}

// value returns an attribute of a span, or nil.
func value(attrs []attribute.KeyValue, key attribute.Key) any {
	for _, kv := range attrs {
		if kv.Key == key {
			return kv.Value.AsInterface()
		}
	}
	return nil
}

func TestEachAttemptIsASpanThatTheServerHearsOf(t *testing.T) {
	for _, callSpan := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			server := httpfault.Config{Pipe: true}.NewServer(t,
				httpfault.Status(503).Close(), httpfault.Reset(), httpfault.OK("hello"))
			client, exporter := observed(server.Transport(), retry.Policy{}, callSpan)
			client.send(t.Context(), http.MethodGet, server.URL)

			var attempts tracetest.SpanStubs
			for _, span := range exporter.GetSpans() {
				if span.SpanKind == trace.SpanKindClient {
					attempts = append(attempts, span)
				}
			}
			require.Len(t, attempts, 3)
			for i, want := range []any{nil, int64(1), int64(2)} {
				assert.Equal(t, want, value(attempts[i].Attributes, "http.request.resend_count"))
				own := attempts[i].SpanContext
				header := "00-" + own.TraceID().String() + "-" + own.SpanID().String() + "-01"
				assert.Equal(t, header, server.Requests()[i].Header.Get("Traceparent"))
				assert.Equal(t, callSpan, attempts[i].Parent.IsValid())
			}
		})
	}
}

func TestRedirectsAreCountedAsResends(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := httpfault.Config{Pipe: true}.NewServer(t,
			httpfault.Status(503), httpfault.Status(302).Header("Location", "/b"),
			httpfault.Status(503), httpfault.OK(""))
		client, exporter := observed(server.Transport(), retry.Policy{}, false)
		client.send(t.Context(), http.MethodGet, server.URL+"/a")
		var counts []any
		for _, span := range exporter.GetSpans() {
			counts = append(counts, value(span.Attributes, "http.request.resend_count"))
		}
		assert.Equal(t, []any{nil, int64(1), int64(2), int64(3)}, counts)
	})
}

func TestTheCallHasASpanAroundItsAttempts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := httpfault.Config{Pipe: true}.NewServer(t, httpfault.Status(503).RetryAfter(time.Minute).Times(2))
		policy := retry.Policy{MaxAttempts: 2, Backoff: retry.Constant(time.Second)}
		client, exporter := observed(server.Transport(), policy, true)
		client.send(t.Context(), http.MethodGet, server.URL)

		spans := exporter.GetSpans()
		require.Len(t, spans, 3)
		call := spans[1] // the last attempt's ends with the response's body
		assert.Equal(t, "call GET", call.Name)
		assert.Equal(t, trace.SpanKindInternal, call.SpanKind)
		assert.Equal(t, codes.Error, call.Status.Code)
		assert.Equal(t, call.SpanContext.SpanID(), spans[0].Parent.SpanID())
		assert.Equal(t, call.SpanContext.SpanID(), spans[2].Parent.SpanID())
		assert.Equal(t, 61*time.Second, call.EndTime.Sub(call.StartTime))
		assert.Equal(t, int64(2), value(call.Attributes, "retry.attempts"))
		assert.Equal(t, "max_attempts", value(call.Attributes, "retry.reason"))
		assert.Equal(t, int64(503), value(call.Attributes, "http.response.status_code"))
		require.Len(t, call.Events, 1)
		event := call.Events[0]
		assert.Equal(t, "retry", event.Name)
		assert.Equal(t, int64(1), value(event.Attributes, "retry.attempt"))
		assert.Equal(t, 61.0, value(event.Attributes, "retry.wait.duration"))
		assert.Equal(t, "server", value(event.Attributes, "retry.wait.source"))
	})
}

func TestACallThatFailsNamesItsErrorInTheSpan(t *testing.T) {
	server := httpfault.NewServer(t, httpfault.Close())
	client, exporter := observed(server.Transport(), retry.Policy{}, true)
	client.send(t.Context(), http.MethodPost, server.URL)
	spans := exporter.GetSpans()
	require.Len(t, spans, 2)
	assert.Equal(t, "connection_lost", value(spans[1].Attributes, "error.type"))
	assert.Equal(t, "not_idempotent", value(spans[1].Attributes, "retry.reason"))
	assert.Equal(t, codes.Error, spans[1].Status.Code)
}

type closer struct {
	http.RoundTripper
	closed int
}

func (c *closer) CloseIdleConnections() { c.closed++ }

func TestTheBaseIsReachedThroughAllThatIsAroundIt(t *testing.T) {
	for _, callSpan := range []bool{false, true} {
		base := &closer{}
		client, _ := observed(base, retry.Policy{}, callSpan)
		client.CloseIdleConnections()
		assert.Equal(t, 1, base.closed)
		inner := client.Transport
		for inner != http.RoundTripper(base) {
			wrapper, ok := inner.(interface{ WrappedRoundTripper() http.RoundTripper })
			require.True(t, ok, "%T", inner)
			inner = wrapper.WrappedRoundTripper()
		}
	}
}

func TestTheHookOfThePolicyIsCalledToo(t *testing.T) {
	server := httpfault.NewServer(t, httpfault.Status(503), httpfault.OK(""))
	var told []bool
	client, _ := observed(server.Transport(), retry.Policy{
		Backoff:   retry.Constant(0),
		OnAttempt: func(_ retry.Attempt, d retry.Decision) { told = append(told, d.Retry) },
	}, true)
	client.send(t.Context(), http.MethodGet, server.URL)
	assert.Equal(t, []bool{true, false}, told)
}
