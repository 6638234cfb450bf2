package otelretry_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/seed-e3550de8/retry"
	"github.com/seed-e3550de8/retry/httpfault"
	"github.com/seed-e3550de8/retry/otelretry"
)

// measured is a client whose measurements can be read.
type measured struct {
	*http.Client
	reader *sdkmetric.ManualReader
}

func measure(base http.RoundTripper, p retry.Policy, c otelretry.Config) measured {
	reader := sdkmetric.NewManualReader()
	c.MeterProvider = sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader))
	return measured{&http.Client{Transport: otelretry.New(base, p, c)}, reader}
}

// send sends a request and reads the response, if there is one.
func (m measured) send(ctx context.Context, method, url string) {
	req, err := http.NewRequestWithContext(ctx, method, url, nil)
	if err != nil {
		panic(err)
	}
	resp, err := m.Do(req)
	if err == nil {
		_, _ = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
	}
}

// read returns the measurements of this package, a line each, sorted, without the server.
func (m measured) read(t *testing.T) []string {
	var all metricdata.ResourceMetrics
	require.NoError(t, m.reader.Collect(context.Background(), &all))
	var lines []string
	for _, scope := range all.ScopeMetrics {
		for _, one := range scope.Metrics {
			if strings.HasPrefix(one.Name, "retry.") {
				lines = append(lines, points(one)...)
			}
		}
	}
	slices.Sort(lines)
	return lines
}

func points(m metricdata.Metrics) (lines []string) {
	switch data := m.Data.(type) {
	case metricdata.Sum[int64]:
		for _, p := range data.DataPoints {
			lines = append(lines, line(m.Name, p.Attributes, fmt.Sprint(p.Value)))
		}
	case metricdata.Histogram[float64]:
		for _, p := range data.DataPoints {
			lines = append(lines, line(m.Name, p.Attributes, fmt.Sprintf("%d in %gs", p.Count, p.Sum)))
		}
	case metricdata.Gauge[float64]:
		for _, p := range data.DataPoints {
			lines = append(lines, line(m.Name, p.Attributes, fmt.Sprintf("%.3g", p.Value)))
		}
	}
	return lines
}

var short = strings.NewReplacer("http.request.method", "method", "http.response.status_code", "status")

func line(name string, set attribute.Set, value string) string {
	var attrs []string
	for _, kv := range set.ToSlice() {
		if kv.Key != "server.port" && (kv.Key != "server.address" || kv.Value.AsString() == "_OTHER") {
			attrs = append(attrs, short.Replace(string(kv.Key))+"="+kv.Value.String())
		}
	}
	return name + "{" + strings.Join(attrs, " ") + "} " + value
}

var measurements = []struct {
	name   string
	method string
	policy retry.Policy
	limit  time.Duration // of the request's context; 0 for none
	steps  []httpfault.Step
	want   []string
}{
	{
		name:  "a success",
		steps: []httpfault.Step{httpfault.OK("")},
		want: []string{
			"retry.attempts{method=GET status=200 retry.class=final retry.outcome=response} 1",
			"retry.budget.balance{} 5",
		},
	},
	{
		name:   "a wait that the server asks for, and one that is only backoff",
		policy: retry.Policy{Budget: retry.Unlimited},
		steps: []httpfault.Step{
			httpfault.Status(503).RetryAfter(time.Minute).Close(), httpfault.Reset(), httpfault.OK(""),
		},
		want: []string{
			"retry.attempts{error.type=503 method=GET status=503 retry.class=transient retry.outcome=response} 1",
			"retry.attempts{error.type=connection_lost method=GET retry.class=transient retry.outcome=error} 1",
			"retry.attempts{method=GET status=200 retry.class=final retry.outcome=response} 1",
			"retry.decisions{method=GET retry.class=transient retry.decision=retry} 2",
			"retry.wait.duration{retry.wait.source=backoff} 1 in 2s",
			"retry.wait.duration{retry.wait.source=server} 1 in 62s",
		},
	},
	{
		name:   "a POST that must not be repeated",
		method: http.MethodPost,
		steps:  []httpfault.Step{httpfault.Status(503)},
		want: []string{
			"retry.attempts{error.type=503 method=POST status=503 retry.class=transient retry.outcome=response} 1",
			"retry.budget.balance{} 5",
			"retry.decisions{method=POST retry.class=transient retry.decision=give_up retry.reason=not_idempotent} 1",
		},
	},
	{
		name:   "a retry that the budget suppresses",
		policy: retry.Policy{Budget: &retry.Budget{Floor: 1}},
		steps:  []httpfault.Step{httpfault.Status(500).Times(2)},
		want: []string{
			"retry.attempts{error.type=500 method=GET status=500 retry.class=transient retry.outcome=response} 2",
			"retry.budget.balance{} 0.002",
			"retry.decisions{method=GET retry.class=transient retry.decision=give_up retry.reason=budget} 1",
			"retry.decisions{method=GET retry.class=transient retry.decision=retry} 1",
			"retry.wait.duration{retry.wait.source=backoff} 1 in 2s",
		},
	},
	{
		name:   "a method that nobody knows, whose failure is no matter of retries",
		method: "BREW",
		steps:  []httpfault.Step{httpfault.Status(418)},
		want: []string{
			"retry.attempts{error.type=418 method=_OTHER status=418 retry.class=final retry.outcome=response} 1",
			"retry.budget.balance{} 5",
		},
	},
	{
		name:  "a context that is done",
		limit: time.Second,
		steps: []httpfault.Step{httpfault.Hang()},
		want: []string{
			"retry.attempts{error.type=timeout method=GET retry.class=transient retry.outcome=error} 1",
			"retry.budget.balance{} 5",
			"retry.decisions{method=GET retry.class=transient retry.decision=give_up retry.reason=deadline_exceeded} 1",
		},
	},
}

func TestWhatIsMeasured(t *testing.T) {
	for _, tt := range measurements {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server := httpfault.Config{Pipe: true}.NewServer(t, tt.steps...)
				tt.policy.Backoff = retry.Constant(2 * time.Second)
				m := measure(server.Transport(), tt.policy, otelretry.Config{})
				ctx := t.Context()
				if tt.limit > 0 {
					limited, cancel := context.WithTimeout(ctx, tt.limit)
					defer cancel()
					ctx = limited
				}
				m.send(ctx, tt.method, server.URL)
				assert.Equal(t, tt.want, m.read(t))
			})
		})
	}
}

func TestWhatAGateHoldsIsMeasured(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := httpfault.Config{Pipe: true}.NewServer(t,
			httpfault.Status(429).RetryAfter(10*time.Second), httpfault.OK(""))
		gate := &retry.Gate{Rand: func() float64 { return 0 }}
		m := measure(server.Transport(), retry.Policy{Gate: gate, MaxAttempts: 1}, otelretry.Config{})
		m.send(t.Context(), http.MethodGet, server.URL)
		soon, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		m.send(soon, http.MethodGet, server.URL)
		m.send(t.Context(), http.MethodGet, server.URL)
		assert.Equal(t, []string{
			"retry.attempts{error.type=429 method=GET status=429 retry.class=transient retry.outcome=response} 1",
			"retry.attempts{method=GET status=200 retry.class=final retry.outcome=response} 1",
			"retry.budget.balance{} 5",
			"retry.decisions{method=GET retry.class=transient retry.decision=give_up retry.reason=deadline} 1",
			"retry.decisions{method=GET retry.class=transient retry.decision=give_up retry.reason=max_attempts} 1",
			"retry.held.requests{retry.outcome=refused retry.reason=deadline} 1",
			"retry.held.requests{retry.outcome=sent} 1",
			"retry.wait.duration{retry.wait.source=gate} 1 in 10s",
		}, m.read(t))
	})
}
