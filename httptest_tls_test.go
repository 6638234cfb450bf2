package retry_test

import (
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"math/big"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/seed-e3550de8/retry"
	"github.com/stretchr/testify/require"
)

// selfSigned returns a certificate for host, valid until the given year, and the pool that trusts it. A bubble's clock
// begins in the year 2000.
func selfSigned(t *testing.T, host string, until int) (tls.Certificate, *x509.CertPool) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber:          big.NewInt(1),
		Subject:               pkix.Name{CommonName: host},
		DNSNames:              []string{host},
		NotBefore:             time.Date(1990, 1, 1, 0, 0, 0, 0, time.UTC),
		NotAfter:              time.Date(until, 1, 1, 0, 0, 0, 0, time.UTC),
		IsCA:                  true,
		BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(t, err)
	leaf, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	pool := x509.NewCertPool()
	pool.AddCert(leaf)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
}

// shakeHands is a server's handshake. It reads on if it fails, since closing a connection with unread bytes could reach
// the client before the alert.
func shakeHands(c net.Conn, config *tls.Config) {
	if tls.Server(c, config).Handshake() != nil {
		_, _ = io.Copy(io.Discard, c)
	}
}

// handshake returns a base whose server and client shake hands with these certificates and changes.
func handshake(host string, until int, trusted bool,
	change func(server, client *tls.Config)) func(*testing.T) http.RoundTripper {
	return func(t *testing.T) http.RoundTripper {
		certificate, pool := selfSigned(t, host, until)
		server, client := &tls.Config{Certificates: []tls.Certificate{certificate}}, new(tls.Config)
		if trusted {
			client.RootCAs = pool
		}
		if change != nil {
			change(server, client)
		}
		s := serveRaw(t, http1, func(c net.Conn) { shakeHands(c, server) })
		s.base.TLSClientConfig = client
		return s.base
	}
}

// encryptedClientHello returns an ECHConfigList (RFC 9849 section 4) that the server of publicName has no key for.
func encryptedClientHello(t *testing.T, publicName string) []byte {
	key, err := ecdh.X25519().GenerateKey(rand.Reader)
	require.NoError(t, err)
	contents := append([]byte{1, 0, 0x20, 0, 32}, key.PublicKey().Bytes()...)
	contents = append(contents, 0, 4, 0, 1, 0, 1, 0, byte(len(publicName)))
	contents = append(contents, publicName+"\x00\x00"...)
	config := append([]byte{0xfe, 0x0d, 0, byte(len(contents))}, contents...)
	return append([]byte{0, byte(len(config))}, config...)
}

func TestFailuresOfTLS(t *testing.T) {
	wantClient := func(version uint16) func(server, client *tls.Config) {
		return func(server, _ *tls.Config) {
			server.ClientAuth, server.MaxVersion = tls.RequireAnyClientCert, version
		}
	}
	const url = "https://example.com/"
	unfold(t, true, []failure{
		{name: "unknown authority", url: url, text: "unknown authority", class: retry.Final,
			base: handshake("example.com", 2100, false, nil)},
		{name: "expired", url: url, text: "expired", class: retry.Final, base: handshake("example.com", 1995, true, nil)},
		{name: "for another name", url: url, text: "not example.com", class: retry.Final,
			base: handshake("example.org", 2100, true, nil)},
		{name: "no client certificate, TLS 1.3", url: url, text: "remote error: tls: certificate required",
			class: retry.Final,
			base:  handshake("example.com", 2100, true, wantClient(tls.VersionTLS13))},
		{name: "no client certificate, TLS 1.2", url: url, text: "remote error: tls:", class: retry.Final,
			base: handshake("example.com", 2100, true, wantClient(tls.VersionTLS12))},
		{name: "no version in common", url: url, text: "remote error: tls: protocol version", class: retry.Final,
			base: handshake("example.com", 2100, true, func(server, client *tls.Config) {
				server.MinVersion, client.MaxVersion = tls.VersionTLS13, tls.VersionTLS12
			})},
		{name: "no protocol in common", url: url, text: "remote error: tls: no application protocol", class: retry.Final,
			base: handshake("example.com", 2100, true, func(server, client *tls.Config) {
				server.NextProtos, client.NextProtos = []string{"other"}, []string{"http/1.1"}
			})},
		{name: "Encrypted Client Hello is rejected", url: url, text: "tls: server rejected ECH", class: retry.Final,
			base: handshake("example.com", 2100, true, func(_, client *tls.Config) {
				client.EncryptedClientHelloConfigList = encryptedClientHello(t, "example.com")
			})},
	})
}

func TestServersThatDoNotSpeakTLS(t *testing.T) {
	raw := func(handle func(net.Conn)) func(*testing.T) http.RoundTripper {
		return func(t *testing.T) http.RoundTripper {
			s := serveRaw(t, http1, handle)
			s.base.TLSHandshakeTimeout = time.Minute
			return s.base
		}
	}
	const url = "https://example.com/"
	unfold(t, true, []failure{
		{name: "HTTP in clear text", url: url, text: "first record does not look like a TLS handshake", class: retry.Final,
			base: raw(func(c net.Conn) {
				_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
				_, _ = io.Copy(io.Discard, c)
			})},
		{name: "the handshake stalls", url: url, text: "TLS handshake timeout", class: retry.Unprocessed,
			base: raw(func(c net.Conn) { _, _ = io.Copy(io.Discard, c) })},
		{name: "closed in the handshake", url: url, text: "EOF", class: retry.Transient,
			base: raw(func(c net.Conn) { _, _ = c.Read(make([]byte, 1<<10)) })},
		{name: "reset in the handshake", url: url, text: "reset", class: retry.Transient,
			base: raw(func(c net.Conn) { _, _ = c.Read(make([]byte, 1<<10)); reset(c) })},
	})
}
