package retryhttp3_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-e3550de8/retry"
	"github.com/seed-e3550de8/retry/retryhttp3"
)

const (
	final       = retry.Final
	transient   = retry.Transient
	unprocessed = retry.Unprocessed
)

func TestAPOSTIsSentAgainIfNobodyAnsweredTheHandshake(t *testing.T) {
	s := serve(t, fine, nil)
	c := newClient(t, s.roots, retry.Policy{}, nobody(t), s.addr)
	got, err := c.do(t, http.MethodPost, strings.NewReader("order"))
	require.NoError(t, err)
	assert.Equal(t, "fine", got)
	assert.Equal(t, []string{"POST order"}, s.got())
	assert.Equal(t, []retry.Class{unprocessed, final}, c.classes)
}

func TestABodyOfAnyKindIsSentAgainIfThereWasNoConnection(t *testing.T) {
	s := serve(t, fine, nil)
	c := newClient(t, s.roots, retry.Policy{}, nobody(t), s.addr)
	newBody := func() (io.ReadCloser, error) { return io.NopCloser(io.MultiReader(strings.NewReader("order"))), nil }
	body, _ := newBody()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://127.0.0.1/", body)
	require.NoError(t, err)
	req.GetBody = newBody
	resp, err := c.Do(req)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	assert.Equal(t, []string{"POST order"}, s.got())
}

func TestAPOSTIsSentAgainIfThereWasNoVersionInCommon(t *testing.T) {
	s := serve(t, fine, nil)
	c := newClient(t, s.roots, retry.Policy{MaxAttempts: 2}, s.addr)
	c.base.QUICConfig.Versions = []quic.Version{quic.Version2} // the servers here speak the other one
	c.base.Dial = c.plainly
	_, err := c.do(t, http.MethodPost, nil)
	var negotiation *quic.VersionNegotiationError
	require.ErrorAs(t, err, &negotiation)
	assert.Equal(t, []retry.Class{unprocessed, unprocessed}, c.classes)
}

func TestAPOSTIsSentAgainIfItsStreamWasRejected(t *testing.T) {
	s := serve(t, func(n int, w http.ResponseWriter) {
		if n < 2 { // quic-go itself sends it once more
			reset(w, http3.ErrCodeRequestRejected)
			return
		}
		fine(n, w)
	}, nil)
	c := newClient(t, s.roots, retry.Policy{}, s.addr)
	_, err := c.do(t, http.MethodPost, strings.NewReader("order"))
	require.NoError(t, err)
	assert.Equal(t, []string{"POST order", "POST order", "POST order"}, s.got())
	assert.Equal(t, []retry.Class{unprocessed, final}, c.classes)
}

func TestAFileIsSentAgainIfItsStreamWasRejected(t *testing.T) {
	s := serve(t, func(n int, w http.ResponseWriter) {
		if n == 0 {
			reset(w, http3.ErrCodeRequestRejected)
			return
		}
		fine(n, w)
	}, nil)
	name := filepath.Join(t.TempDir(), "order")
	require.NoError(t, os.WriteFile(name, []byte("order"), 0o600))
	file, err := os.Open(name)
	require.NoError(t, err)
	c := newClient(t, s.roots, retry.Policy{}, s.addr)
	_, err = c.do(t, http.MethodPost, file) // which has no GetBody for quic-go
	require.NoError(t, err)
	assert.Equal(t, []string{"POST order", "POST order"}, s.got())
}

func TestAPOSTIsNotSentAgainIfItsStreamFailedOtherwise(t *testing.T) {
	for _, code := range []http3.ErrCode{
		http3.ErrCodeInternalError, http3.ErrCodeRequestCanceled, http3.ErrCodeRequestIncomplete,
	} {
		s := serve(t, func(_ int, w http.ResponseWriter) { reset(w, code) }, nil)
		c := newClient(t, s.roots, retry.Policy{}, s.addr)
		_, err := c.do(t, http.MethodPost, strings.NewReader("order"))
		require.Error(t, err)
		assert.Equal(t, []string{"POST order"}, s.got())
		assert.Equal(t, []retry.Class{transient}, c.classes)
	}
}

func TestACertificateThatIsNotTrustedIsFinal(t *testing.T) {
	s := serve(t, fine, nil)
	c := newClient(t, x509.NewCertPool(), retry.Policy{}, s.addr)
	_, err := c.do(t, http.MethodGet, nil)
	require.Error(t, err)
	assert.Equal(t, []retry.Class{final}, c.classes)
}

func TestAnAlertOfTheServerIsFinal(t *testing.T) {
	s := serve(t, fine, func(_ *quic.Transport, config *tls.Config) { config.ClientAuth = tls.RequireAnyClientCert })
	c := newClient(t, s.roots, retry.Policy{}, s.addr)
	_, err := c.do(t, http.MethodGet, nil)
	var transport *quic.TransportError
	require.ErrorAs(t, err, &transport)
	assert.True(t, transport.Remote)
	assert.Equal(t, []retry.Class{final}, c.classes)
}

func TestWithoutDialOnlyARequestOfZeroRTTIsNeverUnprocessed(t *testing.T) {
	for method, class := range map[string]retry.Class{
		http.MethodPost:     unprocessed,
		http3.MethodGet0RTT: transient,
	} {
		s := serve(t, fine, func(transport *quic.Transport, _ *tls.Config) {
			transport.ConnContext = func(context.Context, *quic.ClientInfo) (context.Context, error) {
				return nil, io.EOF
			}
		})
		c := newClient(t, s.roots, retry.Policy{MaxAttempts: 1}, s.addr)
		c.base.Dial = c.plainly
		_, err := c.do(t, method, nil)
		require.Error(t, err)
		assert.Equal(t, []retry.Class{class}, c.classes)
	}
}

func TestAClosedTransportIsFinal(t *testing.T) {
	c := newClient(t, x509.NewCertPool(), retry.Policy{}, nobody(t))
	require.NoError(t, c.base.Close())
	_, err := c.do(t, http.MethodGet, nil)
	require.ErrorIs(t, err, http3.ErrTransportClosed)
	assert.Equal(t, []retry.Class{final}, c.classes)
}

// wordless is an error that cannot say anything.
type wordless struct{ *int }

func (e wordless) Error() string { panic(e.int) }
func (e wordless) Unwrap() error { panic(e.int) }

func TestAnErrorThatPanicsProvesNothing(t *testing.T) {
	for _, err := range []error{
		wordless{}, (*net.OpError)(nil), (*net.DNSError)(nil), (*http3.Error)(nil), (*quic.TransportError)(nil),
	} {
		assert.Equal(t, transient, retryhttp3.Classify(retry.Attempt{Number: 1, Err: err}), "%T", err)
	}
}

func TestANameThatCannotBeLookedUpForNowIsUnprocessed(t *testing.T) {
	before := net.DefaultResolver
	defer func() { net.DefaultResolver = before }()
	net.DefaultResolver = &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "tcp", "127.0.0.1:1") // where nobody listens
	}}
	c := newClient(t, x509.NewCertPool(), retry.Policy{MaxAttempts: 2}, "")
	c.base.Dial = nil
	_, err := c.Post("https://name.example/", "text/plain", strings.NewReader("order"))
	require.Error(t, err)
	assert.Equal(t, []retry.Class{unprocessed, unprocessed}, c.classes)
}
