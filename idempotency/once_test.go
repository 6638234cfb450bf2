package idempotency_test

import (
	"context"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-e3550de8/retry"
	"github.com/seed-e3550de8/retry/httpfault"
	"github.com/seed-e3550de8/retry/idempotency"
)

// A shop carries an order out once for each key, and once more whenever it comes without.
type shop struct {
	mu       sync.Mutex
	receipts map[string]string // by key
	executed map[string]int    // by order
	arrived  int
}

func newShop() *shop {
	return &shop{receipts: make(map[string]string), executed: make(map[string]int)}
}

func (s *shop) execute(key, order string) (receipt string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.arrived++
	if receipt, ok := s.receipts[key]; ok && key != "" {
		return receipt
	}
	s.executed[order]++
	receipt = fmt.Sprintf("%s carried out %d", order, s.executed[order])
	s.receipts[key] = receipt
	return receipt
}

// then carries the order out and does something else than to answer with the receipt.
func (s *shop) then(instead http.HandlerFunc) httpfault.Step {
	return httpfault.HandleFunc(func(w http.ResponseWriter, r *http.Request) {
		if order, err := io.ReadAll(r.Body); err == nil {
			receipt := s.execute(r.Header.Get("Idempotency-Key"), string(order))
			w.Header().Set("Receipt", receipt)
			instead(w, r)
		}
	})
}

func (s *shop) answers() httpfault.Step {
	return s.then(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusCreated) })
}

// faults are what may happen to an attempt, before the order is carried out or after it.
func (s *shop) faults(http2 bool) []httpfault.Step {
	faults := []httpfault.Step{
		httpfault.Reset(),
		httpfault.Reset().Early(),
		httpfault.Close(),
		httpfault.Status(503),
		httpfault.Status(503).Early(),
		httpfault.Status(429).RetryAfter(time.Second),
		s.then(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) }),
		s.then(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusGatewayTimeout) }),
		s.then(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }),
		s.then(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }), // for a minute
	}
	if http2 {
		return append(faults, httpfault.RSTStream(httpfault.RefusedStream),
			httpfault.RSTStream(httpfault.InternalError))
	}
	return append(faults, httpfault.CloseInHeader(), httpfault.MalformedStatus(), httpfault.ResetInHeader())
}

const orders = 1000

// A wrapping is what makes a client of a Transport that retries.
type wrapping func(*retry.Transport) *http.Client

// sell sends the orders through up to six faults each, some of them at once, and returns their receipts by order.
func sell(ctx context.Context, t *testing.T, s *shop, p httpfault.Protocol, wrap wrapping) map[string]string {
	srv := httpfault.Config{Protocol: p, Pipe: true, Default: s.answers()}.NewServer(t)
	random := rand.New(rand.NewPCG(11, 4))
	for i := range orders {
		faults := s.faults(p == httpfault.H2C)
		for range random.IntN(7) {
			srv.On(fmt.Sprintf("/%d", i), faults[random.IntN(len(faults))])
		}
	}
	client := wrap(retry.New(srv.Transport(), retry.Policy{
		MaxAttempts:    50, // over HTTP/2 a connection that is reset takes others' attempts with it
		Budget:         retry.Unlimited,
		AttemptTimeout: time.Minute,
	}))
	receipts := make([]string, orders)
	limit := make(chan struct{}, 20)
	var all sync.WaitGroup
	for i := range orders {
		limit <- struct{}{}
		all.Go(func() {
			defer func() { <-limit }()
			receipts[i] = buy(ctx, t, client, fmt.Sprintf("%s/%d", srv.URL, i), order(i))
		})
	}
	all.Wait()
	client.CloseIdleConnections()
	byOrder := make(map[string]string)
	for i, receipt := range receipts {
		byOrder[order(i)] = receipt
	}
	return byOrder
}

func order(i int) string { return fmt.Sprintf("order %d", i) }

func buy(ctx context.Context, t *testing.T, client *http.Client, url, order string) (receipt string) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader(order))
	if !assert.NoError(t, err) {
		return ""
	}
	resp, err := client.Do(req)
	if !assert.NoError(t, err) {
		return ""
	}
	defer resp.Body.Close()
	assert.Equal(t, http.StatusCreated, resp.StatusCode)
	return resp.Header.Get("Receipt")
}

func TestAThousandPOSTsThroughFaultsAreCarriedOutOnceEach(t *testing.T) {
	for _, p := range []httpfault.Protocol{httpfault.HTTP1, httpfault.H2C} {
		t.Run(p.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newShop()
				receipts := sell(t.Context(), t, s, p, func(base *retry.Transport) *http.Client {
					return &http.Client{Transport: &idempotency.Transport{Base: base}}
				})
				require.Len(t, s.executed, orders)
				for order, times := range s.executed {
					assert.Equal(t, 1, times, order)
					assert.Equal(t, order+" carried out 1", receipts[order])
				}
				assert.Len(t, s.receipts, orders, "one key per order")
				assert.Greater(t, s.arrived, orders+orders/2, "many were lost after they had been carried out")
			})
		})
	}
}

func TestWithoutKeysTheSameFaultsCarryOrdersOutTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop()
		sell(retry.AsIdempotent(t.Context()), t, s, httpfault.HTTP1, func(base *retry.Transport) *http.Client {
			return &http.Client{Transport: base}
		})
		require.Len(t, s.executed, orders)
		assert.Greater(t, slices.Max(slices.Collect(maps.Values(s.executed))), 1)
	})
}
