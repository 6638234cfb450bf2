package orders_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-e3550de8/retry"
	"github.com/seed-e3550de8/retry/examples/jsonapi/orders"
)

var soon = retry.Policy{Backoff: retry.Constant(0)}

// serve starts a server that answers the nth request by the nth handler, and the rest by the last one.
func serve(t *testing.T, handlers ...http.HandlerFunc) (url string, requests *atomic.Int64) {
	requests = new(atomic.Int64)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := min(requests.Add(1), int64(len(handlers)))
		handlers[n-1](w, r)
	}))
	t.Cleanup(server.Close)
	return server.URL, requests
}

func status(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
}

func hangUp(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

func TestGetSurvivesA503AndALostConnection(t *testing.T) {
	url, requests := serve(t, status(503), hangUp, func(w http.ResponseWriter, r *http.Request) {
		assert.Equal(t, "/orders/7", r.URL.Path)
		io.WriteString(w, `{"id": 7, "item": "pencil", "count": 12}`)
	})
	order, err := orders.New(url, soon).Get(t.Context(), 7)
	require.NoError(t, err)
	assert.Equal(t, orders.Order{ID: 7, Item: "pencil", Count: 12}, order)
	assert.EqualValues(t, 3, requests.Load())
}

func TestCreateSendsTheWholeOrderAgainUnderTheSameKey(t *testing.T) {
	keep := func(w http.ResponseWriter, r *http.Request) {
		var o orders.Order
		assert.NoError(t, json.NewDecoder(r.Body).Decode(&o))
		assert.Equal(t, "k1", r.Header.Get("Idempotency-Key"))
		o.ID = 1
		w.WriteHeader(http.StatusCreated)
		json.NewEncoder(w).Encode(o)
	}
	url, requests := serve(t, status(503), keep)
	order, err := orders.New(url, soon).Create(t.Context(), "k1", orders.Order{Item: "pencil", Count: 1})
	require.NoError(t, err)
	assert.Equal(t, orders.Order{ID: 1, Item: "pencil", Count: 1}, order)
	assert.EqualValues(t, 2, requests.Load())
}

func TestAnErrorSaysHowManyAttemptsThereWere(t *testing.T) {
	for code, attempts := range map[int]int{404: 1, 503: 4} {
		url, _ := serve(t, status(code))
		_, err := orders.New(url, soon).Get(t.Context(), 1)
		assert.Equal(t, &orders.StatusError{Status: code, Attempts: attempts}, err)
	}
}
