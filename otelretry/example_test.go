package otelretry_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	otelprometheus "go.opentelemetry.io/otel/exporters/prometheus"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"

	"github.com/seed-e3550de8/retry"
	"github.com/seed-e3550de8/retry/otelretry"
)

// What a Prometheus server scrapes of a client whose budget is spent on a server that is down.
func ExampleNew_prometheus() {
	registry := prometheus.NewRegistry()
	exporter, err := otelprometheus.New(otelprometheus.WithRegisterer(registry), otelprometheus.WithoutScopeInfo())
	if err != nil {
		fmt.Println(err)
		return
	}
	client := &http.Client{Transport: otelretry.New(nil,
		retry.Policy{Backoff: retry.Constant(10 * time.Millisecond), Budget: &retry.Budget{Floor: 2.5}},
		otelretry.Config{MeterProvider: sdkmetric.NewMeterProvider(sdkmetric.WithReader(exporter))})}

	down := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(503) }))
	defer down.Close()
	for range 2 {
		if resp, err := client.Get(down.URL + "/orders?customer=7"); err == nil {
			_ = resp.Body.Close()
		}
	}

	metrics := httptest.NewServer(promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	defer metrics.Close()
	fmt.Print(scrape(metrics.URL))
	// Output:
	// retry_attempts_total{error_type="503",http_request_method="GET",http_response_status_code="503",
	//   retry_class="transient",retry_outcome="response"} 4
	// retry_budget_balance{} 0.5
	// retry_decisions_total{http_request_method="GET",
	//   retry_class="transient",retry_decision="give_up",retry_reason="budget"} 2
	// retry_decisions_total{http_request_method="GET",
	//   retry_class="transient",retry_decision="retry"} 2
	// retry_wait_duration_seconds_count{retry_wait_source="backoff"} 2
}

// scrape returns what this package measures, sorted and broken into short lines, without the server, the buckets and
// what depends on time.
func scrape(url string) string {
	resp, err := http.Get(url)
	if err != nil {
		return err.Error()
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return err.Error()
	}
	var kept []string
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "retry_") && !strings.Contains(line, "_bucket") && !strings.Contains(line, "_sum") {
			line = regexp.MustCompile(`,?server_(address|port)="[^"]*"`).ReplaceAllString(line, "")
			line = regexp.MustCompile(`(\d\.\d)\d+`).ReplaceAllString(line, "$1")
			kept = append(kept, strings.Replace(line, ",retry_class", ",\n  retry_class", 1))
		}
	}
	slices.Sort(kept)
	return strings.Join(kept, "")
}
