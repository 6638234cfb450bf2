package items_test

import (
	"encoding/xml"
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-e3550de8/retry/examples/xmlapi/items"
)

// limited starts a server that answers the first request with 429 and retryAfter, and the rest by next.
func limited(t *testing.T, header, retryAfter string, next http.HandlerFunc) (url string, requests *atomic.Int64) {
	requests = new(atomic.Int64)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if requests.Add(1) > 1 {
			next(w, r)
			return
		}
		w.Header().Set(header, retryAfter)
		w.WriteHeader(http.StatusTooManyRequests)
	}))
	t.Cleanup(server.Close)
	return server.URL, requests
}

func TestPutIsSentAgainWholeWhenTheServerAllowsIt(t *testing.T) {
	item := items.Item{XMLName: xml.Name{Local: "item"}, Name: "pencil", Count: 12}
	var refused, stored time.Time
	url, _ := limited(t, "Retry-After-Ms", "120", func(w http.ResponseWriter, r *http.Request) {
		stored = time.Now()
		var got items.Item
		assert.NoError(t, xml.NewDecoder(r.Body).Decode(&got))
		assert.Equal(t, item, got)
	})
	refused = time.Now()
	require.NoError(t, items.New(url, 0).Put(t.Context(), "a/b", item))
	assert.GreaterOrEqual(t, stored.Sub(refused), 120*time.Millisecond)
}

func TestGetDecodesTheAnswerToTheSecondAttempt(t *testing.T) {
	url, requests := limited(t, "Retry-After", "0", func(w http.ResponseWriter, r *http.Request) {
		assert.Equal(t, "/items/pencil", r.URL.Path)
		io.WriteString(w, "<item><name>pencil</name><count>3</count></item>")
	})
	item, err := items.New(url, 0).Get(t.Context(), "pencil")
	require.NoError(t, err)
	assert.Equal(t, 3, item.Count)
	assert.EqualValues(t, 2, requests.Load())
}

func TestALongerPauseThanThePatienceIsAnErrorAtOnce(t *testing.T) {
	url, requests := limited(t, "Retry-After", "3600", http.NotFound)
	_, err := items.New(url, time.Second).Get(t.Context(), "pencil")
	assert.Equal(t, &items.BusyError{Status: 429, RetryAfter: time.Hour}, err)
	assert.EqualValues(t, 1, requests.Load())
}

func TestAFinalStatusIsAnError(t *testing.T) {
	url, requests := limited(t, "Retry-After", "0", http.NotFound)
	_, err := items.New(url, 0).Get(t.Context(), "pencil")
	assert.EqualError(t, err, "status 404 Not Found")
	assert.EqualValues(t, 2, requests.Load())
}
