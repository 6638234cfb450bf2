package otelretry_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel"
	noopmetric "go.opentelemetry.io/otel/metric/noop"
	"go.opentelemetry.io/otel/propagation"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	nooptrace "go.opentelemetry.io/otel/trace/noop"

	"github.com/seed-e3550de8/retry"
	"github.com/seed-e3550de8/retry/otelretry"
	"github.com/seed-e3550de8/retry/retrytest"
)

func TestItKeepsThePromisesOfATransport(t *testing.T) {
	for name, callSpan := range map[string]bool{"spans of attempts": false, "spans of calls too": true} {
		t.Run(name, func(t *testing.T) {
			wrap := func(p retry.Policy) func(http.RoundTripper) http.RoundTripper {
				return func(base http.RoundTripper) http.RoundTripper {
					return otelretry.New(base, p, recording(callSpan))
				}
			}
			retrytest.TestRoundTripper(t, wrap(retry.Policy{}), retrytest.Claims{
				Attempts:       4,
				LongestBackoff: 32 * time.Second,
				Persistent:     wrap(retry.Policy{MaxAttempts: 120, Budget: retry.Unlimited}),
				Hasty:          wrap(retry.Policy{Backoff: retry.Constant(time.Millisecond)}),
				Unclaimed: map[string]string{
					"BodyNotWrapped": "the span of an attempt ends with the body, which otelhttp wraps for that",
				},
			})
		})
	}
}

// recording is a Config whose spans and measurements are made, and kept nowhere.
func recording(callSpan bool) otelretry.Config {
	return otelretry.Config{
		TracerProvider: sdktrace.NewTracerProvider(),
		MeterProvider:  sdkmetric.NewMeterProvider(sdkmetric.WithReader(sdkmetric.NewManualReader())),
		Propagator:     propagation.TraceContext{},
		CallSpan:       callSpan,
	}
}

var silent = otelretry.Config{
	TracerProvider: nooptrace.NewTracerProvider(),
	MeterProvider:  noopmetric.NewMeterProvider(),
	CallSpan:       true,
}

func TestNoOpProvidersCostNothing(t *testing.T) {
	client := otelretry.New(answering{}, retry.Policy{}, silent)
	req := request(t)
	_, _ = client.RoundTrip(req)
	assert.Equal(t, 1.0, testing.AllocsPerRun(100, func() { _, _ = client.RoundTrip(req) }), "which is the response")
}

func TestAPropagatorOfOnesOwnIsUsedEvenIfNothingIsRecorded(t *testing.T) {
	config := silent
	config.Propagator = propagation.Baggage{}
	_, plain := otelretry.New(nil, retry.Policy{}, config).(*retry.Transport)
	assert.False(t, plain, "it would not pass on the caller's baggage")
}

func TestTheZeroConfigHasTheGlobalProviders(t *testing.T) {
	client := otelretry.New(answering{}, retry.Policy{}, otelretry.Config{})
	reader := sdkmetric.NewManualReader()
	otel.SetMeterProvider(sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader))) // after New
	_, _ = client.RoundTrip(request(t))
	lines := measured{reader: reader}.read(t)
	assert.Contains(t, strings.Join(lines, "\n"), "retry.attempts")
	assert.Contains(t, strings.Join(lines, "\n"), "retry.budget.balance")
}

// answering is a base that costs an allocation.
type answering struct{}

func (answering) RoundTrip(req *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: 200, Body: http.NoBody, Request: req}, nil
}

func request(tb testing.TB) *http.Request {
	req, err := http.NewRequest(http.MethodGet, "http://example.com/", nil)
	if err != nil {
		tb.Fatal(err)
	}
	return req
}

func BenchmarkSuccess(b *testing.B) {
	all := recording(false)
	for _, c := range []struct {
		name   string
		client http.RoundTripper
	}{
		{"without telemetry", retry.New(answering{}, retry.Policy{})},
		{"no-op providers", otelretry.New(answering{}, retry.Policy{}, silent)},
		{"global providers, unset", otelretry.New(answering{}, retry.Policy{}, otelretry.Config{})},
		{"recording, otelhttp alone", retry.New(otelhttp.NewTransport(answering{},
			otelhttp.WithTracerProvider(all.TracerProvider), otelhttp.WithMeterProvider(all.MeterProvider),
			otelhttp.WithPropagators(all.Propagator)), retry.Policy{})},
		{"recording", otelretry.New(answering{}, retry.Policy{}, recording(false))},
		{"recording, span of the call", otelretry.New(answering{}, retry.Policy{}, recording(true))},
	} {
		b.Run(c.name, func(b *testing.B) {
			req := request(b)
			b.ReportAllocs()
			for b.Loop() {
				resp, _ := c.client.RoundTrip(req)
				_ = resp.Body.Close()
			}
		})
	}
}
