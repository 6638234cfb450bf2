package httpfault_test

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-e3550de8/retry/httpfault"
)

var tlsOnly = []httpfault.Protocol{httpfault.HTTPS, httpfault.HTTP2}

func TestABadCertificateIsRefused(t *testing.T) {
	everywhere(t, tlsOnly, func(t *testing.T, cfg httpfault.Config) {
		srv := cfg.NewServer(t,
			httpfault.TLSWrongName(), httpfault.TLSExpired(), httpfault.TLSUnknownCA(), httpfault.OK("x"))
		var verification *tls.CertificateVerificationError

		_, err := outcome(t, srv, nil)
		require.ErrorAs(t, err, &verification)
		var hostname x509.HostnameError
		assert.ErrorAs(t, err, &hostname)

		_, err = outcome(t, srv, nil)
		require.ErrorAs(t, err, &verification)
		var invalid x509.CertificateInvalidError
		require.ErrorAs(t, err, &invalid)
		assert.Equal(t, x509.Expired, invalid.Reason)

		_, err = outcome(t, srv, nil)
		require.ErrorAs(t, err, &verification)
		var unknown x509.UnknownAuthorityError
		assert.ErrorAs(t, err, &unknown)

		assert.Equal(t, "200 x", get(t, srv, "/"))
		assert.Len(t, srv.Requests(), 1)
	})
}

func TestAClientThatTakesABadCertificateGoesOn(t *testing.T) {
	srv := httpfault.Config{Protocol: httpfault.HTTPS}.NewServer(t, httpfault.TLSExpired(), httpfault.OK("x"))
	tr := srv.Transport()
	tr.TLSClientConfig.InsecureSkipVerify = true
	resp, err := tr.RoundTrip(newRequest(t, srv, nil))
	require.NoError(t, err)
	resp.Body.Close()
	assert.Equal(t, `OK("x")`, srv.Requests()[0].Step)
}

func TestAnAlertIsARemoteError(t *testing.T) {
	everywhere(t, tlsOnly, func(t *testing.T, cfg httpfault.Config) {
		srv := cfg.NewServer(t, httpfault.TLSAlert(40), httpfault.TLSAlert(80))
		for _, want := range []string{"handshake failure", "internal error"} {
			_, err := outcome(t, srv, nil)
			var op *net.OpError
			require.ErrorAs(t, err, &op)
			assert.Equal(t, "remote error", op.Op)
			assert.ErrorContains(t, err, want)
		}
	})
}

func TestClearTextIsNoTLSRecord(t *testing.T) {
	everywhere(t, tlsOnly, func(t *testing.T, cfg httpfault.Config) {
		srv := cfg.NewServer(t, httpfault.TLSClearText())
		_, err := outcome(t, srv, nil)
		var record tls.RecordHeaderError
		require.ErrorAs(t, err, &record)
		assert.Equal(t, "HTTP/", string(record.RecordHeader[:]))
	})
}

func TestAStalledHandshakeTimesOut(t *testing.T) {
	bubble(t, tlsOnly, func(t *testing.T, cfg httpfault.Config) {
		srv := cfg.NewServer(t, httpfault.TLSStall(), httpfault.NoAccept())
		for range 2 {
			tr := srv.Transport()
			tr.TLSHandshakeTimeout = time.Hour
			start := time.Now()
			_, err := tr.RoundTrip(newRequest(t, srv, nil))
			assert.True(t, timeout(err), "%v", err)
			assert.Equal(t, time.Hour, time.Since(start))
		}
	})
}

func TestAnotherClientNeedsTheRootCAs(t *testing.T) {
	srv := httpfault.Config{Protocol: httpfault.HTTPS}.NewServer(t)
	tr := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: srv.RootCAs()}}
	defer tr.CloseIdleConnections()
	resp, err := tr.RoundTrip(newRequest(t, srv, nil))
	require.NoError(t, err)
	resp.Body.Close()
	require.NotNil(t, resp.TLS)
	assert.Equal(t, "example.com", resp.TLS.PeerCertificates[0].Subject.CommonName)
}
