package otelretry_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"

	"github.com/seed-e3550de8/retry"
	"github.com/seed-e3550de8/retry/httpfault"
	"github.com/seed-e3550de8/retry/otelretry"
)

func TestEachKindOfErrorHasAName(t *testing.T) {
	for want, steps := range map[string][]httpfault.Step{
		"connection_lost": {httpfault.Close(), httpfault.Reset()},
		"connect_error":   {httpfault.Refuse()},
		"tls_error":       {httpfault.TLSWrongName(), httpfault.TLSUnknownCA(), httpfault.TLSAlert(80)},
		"_OTHER":          {httpfault.MalformedStatus(), httpfault.CloseInHeader()},
	} {
		for _, step := range steps {
			t.Run(want+" "+step.String(), func(t *testing.T) {
				config := httpfault.Config{Protocol: httpfault.HTTP1}
				if want == "tls_error" {
					config.Protocol = httpfault.HTTPS
				}
				server := config.NewServer(t, step)
				m := measure(server.Transport(), retry.Policy{MaxAttempts: 1}, otelretry.Config{})
				m.send(t.Context(), http.MethodPost, server.URL)
				assert.Contains(t, strings.Join(m.read(t), "\n"), "retry.attempts{error.type="+want+" ")
			})
		}
	}
}

// hostile is an error whose methods panic.
type hostile struct{ *int }

func (e hostile) Error() string   { return fmt.Sprint(*e.int) }
func (e hostile) Is(error) bool   { return *e.int > 0 }
func (e hostile) As(any) bool     { return *e.int > 0 }
func (e hostile) Unwrap() []error { return []error{errors.New(e.Error())} }

type failing struct{ err error }

func (f failing) RoundTrip(*http.Request) (*http.Response, error) { return nil, f.err }

func TestACauseThatPanicsIsAnotherReason(t *testing.T) {
	m := measure(failing{io.EOF}, retry.Policy{}, otelretry.Config{})
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(hostile{})
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://example.com/", nil)
	require.NoError(t, err)
	assert.NotPanics(t, func() { _, _ = m.Transport.RoundTrip(req) })
	assert.Contains(t, strings.Join(m.read(t), "\n"), "retry.reason=_OTHER} 1")
}

func TestOnlyTheFirstServersHaveSeriesOfTheirOwn(t *testing.T) {
	m := measure(failing{io.EOF}, retry.Policy{MaxAttempts: 1}, otelretry.Config{Servers: 2})
	for i := range 1000 {
		m.send(t.Context(), http.MethodPost, fmt.Sprintf("http://host%d.example/", i))
	}
	lines := m.read(t)
	assert.Len(t, lines, 3+3+2, "attempts and decisions of three servers, balances of two: %s", lines)
	assert.Contains(t, strings.Join(lines, "\n"), "server.address=_OTHER} 998")
}

// A redirect may name any host, and what is not UTF-8 would keep an exporter from sending all the rest.
func TestAHostThatIsNoTextIsAnotherServer(t *testing.T) {
	m, spans := observed(failing{io.EOF}, retry.Policy{MaxAttempts: 1}, true)
	m.send(t.Context(), http.MethodPost, "http://%ff.example/")
	lines := m.read(t)
	assert.Len(t, lines, 2, "no balance: %s", lines)
	for _, line := range lines {
		assert.Contains(t, line, "server.address=_OTHER} 1")
	}
	all := spans.GetSpans()
	require.Len(t, all, 2)
	assert.Equal(t, "_OTHER", value(all[1].Attributes, "server.address"))
}

func TestABudgetIsShownUntilItsTransportIsGone(t *testing.T) {
	server := httpfault.NewServer(t, httpfault.Status(500).Times(2))
	fixed := []attribute.KeyValue{attribute.String("client", "orders")}
	policy := retry.Policy{MaxAttempts: 2, Backoff: retry.Constant(0)}
	m := measure(server.Transport(), policy, otelretry.Config{Attributes: fixed})
	fixed[0] = attribute.String("client", "changed")
	m.send(t.Context(), http.MethodGet, server.URL)
	assert.Contains(t, m.read(t), "retry.budget.balance{client=orders} 4")
	m.Client = nil
	assert.Eventually(t, func() bool {
		runtime.GC()
		return !strings.Contains(strings.Join(m.read(t), "\n"), "retry.budget.balance")
	}, 10*time.Second, time.Millisecond)
}

func TestABudgetOfItsOwnHasRoomForAllAttempts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := httpfault.Config{Pipe: true}.NewServer(t, httpfault.Reset().Times(20))
		m := measure(server.Transport(), retry.Policy{MaxAttempts: 20}, otelretry.Config{})
		m.send(t.Context(), http.MethodGet, server.URL)
		assert.Len(t, server.Requests(), 20)
	})
	for _, attempts := range []int{math.MinInt, -1, 1} {
		m := measure(failing{io.EOF}, retry.Policy{MaxAttempts: attempts}, otelretry.Config{})
		m.send(t.Context(), http.MethodGet, "http://example.com")
		assert.Contains(t, m.read(t), "retry.budget.balance{} 5", "%d attempts", attempts)
	}
}
