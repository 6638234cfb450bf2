package realworld_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-e3550de8/retry"
)

// newToxic returns the address of a proxy whose connections all have the toxics.
func newToxic(t *testing.T, upstream string, toxics ...string) string {
	t.Helper()
	server := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(prometheus.NewRegistry()), zerolog.Nop())
	proxy := toxiproxy.NewProxy(server, t.Name(), "127.0.0.1:0", upstream)
	for _, toxic := range toxics {
		_, err := proxy.Toxics.AddToxicJson(strings.NewReader(toxic))
		require.NoError(t, err)
	}
	require.NoError(t, proxy.Start())
	t.Cleanup(proxy.Stop)
	return proxy.Listen
}

// down and up are toxics of what the server and the client send, in toxiproxy's JSON.
func down(kind, attributes string) string {
	return fmt.Sprintf(`{"type":%q,"stream":"downstream","attributes":{%s}}`, kind, attributes)
}

func up(kind, attributes string) string {
	return fmt.Sprintf(`{"type":%q,"stream":"upstream","attributes":{%s}}`, kind, attributes)
}

// The first connection has the fault, the others have none. A POST without a key is sent again only if no connection
// could be had.
func TestAConnectionThatFailsIsReplaced(t *testing.T) {
	short, long := retry.Policy{AttemptTimeout: 300 * time.Millisecond}, retry.Policy{AttemptTimeout: 20 * time.Second}
	for name, row := range map[string]struct {
		toxic     string
		policy    retry.Policy
		get, post int  // how many requests the server gets
		postOK    bool // whether the POST succeeds
	}{
		"late":                         {down("latency", `"latency":60000`), short, 2, 1, false},
		"late, but in time":            {down("latency", `"latency":100`), long, 1, 1, true},
		"reset before the request":     {up("reset_peer", `"timeout":0`), retry.Policy{}, 1, 0, false},
		"reset before the response":    {down("reset_peer", `"timeout":0`), retry.Policy{}, 2, 1, false},
		"closed before the request":    {up("limit_data", `"bytes":10`), retry.Policy{}, 1, 0, false},
		"closed in the header":         {down("limit_data", `"bytes":10`), retry.Policy{}, 2, 1, false},
		"silence, then closed":         {down("timeout", `"timeout":50`), retry.Policy{}, 2, 1, false},
		"silence":                      {down("timeout", `"timeout":0`), short, 2, 1, false},
		"closed in a body read ahead":  {down("limit_data", `"bytes":600`), retry.Policy{ReadAhead: 4096}, 2, 1, false},
		"small pieces":                 {down("slicer", `"average_size":100,"delay":1000`), retry.Policy{}, 1, 1, true},
		"a close that comes late":      {down("slow_close", `"delay":200`), retry.Policy{}, 1, 1, true},
		"a proxy that does not listen": {"", retry.Policy{}, 1, 1, true},
		"little bandwidth":             {down("bandwidth", `"rate":10`), retry.Policy{}, 1, 1, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			send(t, http.MethodGet, row.toxic, row.policy, true).requireServed(t, http.MethodGet, row.get)
			send(t, http.MethodPost, row.toxic, row.policy, row.postOK).requireServed(t, http.MethodPost, row.post)
		})
	}
}

// send sends a request, and returns what the server got.
func send(t *testing.T, method, toxic string, p retry.Policy, succeeds bool) *record {
	t.Helper()
	r := new(record)
	want := string(payload(1000))
	server := httptest.NewServer(r.watch(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, want)
	})))
	t.Cleanup(server.Close)
	upstream := server.Listener.Addr().String()
	first := freeAddr(t)
	if toxic != "" {
		first = newToxic(t, upstream, toxic)
	}
	p.Backoff = retry.Constant(0)
	client := &http.Client{Transport: retry.New(through(t, first, upstream), p)}
	err := exchange(t, client, method, server.URL, want)
	if succeeds {
		require.NoError(t, err, method)
	} else {
		require.Error(t, err, method)
	}
	return r
}

// exchange sends a request with a small body and returns the error, if any, of the response or its body.
func exchange(t *testing.T, client *http.Client, method, url, want string) error {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader("hello"))
	require.NoError(t, err)
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err == nil {
		assert.Equal(t, want, string(body))
	}
	return err
}
