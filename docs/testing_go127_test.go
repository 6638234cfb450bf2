//go:build go1.27

package docs_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-e3550de8/retry"
)

func TestFetchFromATestServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		served := 0
		server := httptest.NewTestServer(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			if served++; served < 3 {
				w.WriteHeader(http.StatusServiceUnavailable)
			}
		}))
		client := &http.Client{Transport: retry.New(server.Client().Transport, retry.Policy{})}

		_, err := fetch(t.Context(), client, "http://orders.example/7")
		require.NoError(t, err)
		assert.Equal(t, 3, served)
	})
}
