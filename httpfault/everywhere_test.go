package httpfault_test

import (
	"io"
	"net/http"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/seed-e3550de8/retry/httpfault"
)

var protocols = []httpfault.Protocol{httpfault.HTTP1, httpfault.HTTPS, httpfault.H2C, httpfault.HTTP2}

// everywhere runs test over each of the protocols, on loopback and over pipes in a bubble.
func everywhere(t *testing.T, list []httpfault.Protocol, test func(t *testing.T, cfg httpfault.Config)) {
	for _, p := range list {
		t.Run(p.String()+" on loopback", func(t *testing.T) { test(t, httpfault.Config{Protocol: p}) })
		t.Run(p.String()+" over pipes", func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { test(t, httpfault.Config{Protocol: p, Pipe: true}) })
		})
	}
}

// get returns the body of the response to a GET of path, after its status.
func get(t *testing.T, srv *httpfault.Server, path string) string {
	t.Helper()
	resp, err := srv.Client().Get(srv.URL + path)
	require.NoError(t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return resp.Status[:3] + " " + string(body)
}

// bubble runs test with a server over pipes for each protocol.
func bubble(t *testing.T, list []httpfault.Protocol, test func(t *testing.T, cfg httpfault.Config)) {
	for _, p := range list {
		t.Run(p.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { test(t, httpfault.Config{Protocol: p, Pipe: true}) })
		})
	}
}

func newRequest(t *testing.T, srv *httpfault.Server, body io.Reader) *http.Request {
	t.Helper()
	method := http.MethodGet
	if body != nil {
		method = http.MethodPost
	}
	req, err := http.NewRequest(method, srv.URL, body)
	require.NoError(t, err)
	return req
}
