package layers_test

import (
	"net"
	"net/http"
	"testing"

	vault "github.com/hashicorp/vault/api"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	utilnet "k8s.io/apimachinery/pkg/util/net"

	"github.com/seed-e3550de8/retry"
	"github.com/seed-e3550de8/retry/httpfault"
)

func TestKubernetesFindsTheTransportInside(t *testing.T) {
	base := &http.Transport{DialContext: (&net.Dialer{}).DialContext}
	want, err := utilnet.TLSClientConfig(base)
	require.NoError(t, err)
	tr := retry.New(base, retry.Policy{})
	for _, rt := range []http.RoundTripper{tr, tr.PlainErrors()} {
		got, err := utilnet.TLSClientConfig(rt)
		require.NoError(t, err)
		assert.Same(t, want, got)
		dial, err := utilnet.DialerFor(rt)
		require.NoError(t, err)
		assert.NotNil(t, dial)
		assert.NotPanics(t, func() { utilnet.CloseIdleConnectionsFor(rt) })
	}
}

func newVault(address string, tlsConfig *vault.TLSConfig, p retry.Policy) (*vault.Client, error) {
	cfg := vault.DefaultConfig()
	if cfg.Error != nil {
		return nil, cfg.Error
	}
	cfg.Address = address
	if err := cfg.ConfigureTLS(tlsConfig); err != nil {
		return nil, err
	}
	cfg.HttpClient.Transport.(*http.Transport).MaxIdleConns = 10
	cfg.HttpClient.Transport = retry.New(cfg.HttpClient.Transport, p)
	cfg.MaxRetries = 0
	return vault.NewClient(cfg)
}

func TestAClientThatWantsAnHTTPTransportIsSetUpBeforeItIsWrapped(t *testing.T) {
	answer := httpfault.OK(`{"data": {"a": "b"}}`).Header("Content-Type", "application/json")
	srv := httpfault.NewServer(t, httpfault.Status(503), answer)
	soon := retry.Policy{Backoff: retry.Constant(0)}
	c, err := newVault(srv.URL, &vault.TLSConfig{TLSServerName: "vault.example"}, soon)
	require.NoError(t, err)
	secret, err := c.Logical().ReadWithContext(t.Context(), "secret/thing")
	require.NoError(t, err)
	assert.Equal(t, "b", secret.Data["a"])
	c.CloneConfig().HttpClient.CloseIdleConnections()

	assert.Error(t, c.CloneConfig().ConfigureTLS(&vault.TLSConfig{}), "afterwards it is too late")
	assert.Panics(t, func() { c.SetMaxIdleConnections(7) }, "and this panics")
}
