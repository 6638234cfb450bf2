package retry_test

import (
	"context"
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
	"net/url"
	"strings"
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
func handshake(host string, until int, trusted bool, change func(server, client *tls.Config)) func(*testing.T) http.RoundTripper {
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
	raw := func(handle func(net.Conn)) func(*testing.T) http.RoundTripper {
		return func(t *testing.T) http.RoundTripper {
			s := serveRaw(t, http1, handle)
			s.base.TLSHandshakeTimeout = time.Minute
			return s.base
		}
	}
	const url = "https://example.com/"
	unfold(t, true, []failure{
		{name: "unknown authority", url: url, text: "unknown authority", class: retry.Final,
			base: handshake("example.com", 2100, false, nil)},
		{name: "expired", url: url, text: "expired", class: retry.Final, base: handshake("example.com", 1995, true, nil)},
		{name: "for another name", url: url, text: "not example.com", class: retry.Final,
			base: handshake("example.org", 2100, true, nil)},
		{name: "no client certificate, TLS 1.3", url: url, text: "remote error: tls: certificate required", class: retry.Final,
			base: handshake("example.com", 2100, true, wantClient(tls.VersionTLS13))},
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

// via returns a base that goes through a proxy, which handles its connections by handle.
func via(proxy string, handle func(net.Conn)) func(*testing.T) http.RoundTripper {
	return func(t *testing.T) http.RoundTripper {
		s := serveRaw(t, http1, handle)
		u, err := url.Parse(proxy)
		require.NoError(t, err)
		s.base.Proxy = http.ProxyURL(u)
		return s.base
	}
}

func TestFailuresOfProxies(t *testing.T) {
	const (
		url   = "https://example.com/"
		proxy = "http://proxy.example.com:3128"
		socks = "socks5://proxy.example.com:1080"
	)
	away := func(proxy string) func(*testing.T) http.RoundTripper {
		return func(t *testing.T) http.RoundTripper {
			base := via(proxy, nil)(t).(*http.Transport)
			addr := closedPort(t)
			base.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
				return new(net.Dialer).DialContext(ctx, "tcp", addr)
			}
			return base
		}
	}
	unfold(t, false, []failure{
		{name: "the proxy of an http URL is away", url: "http://example.com/", text: "proxyconnect tcp: dial tcp", class: retry.Unprocessed,
			base: away(proxy)},
		{name: "the proxy of an https URL is away", url: url, text: "proxyconnect tcp: dial tcp", class: retry.Unprocessed,
			base: away(proxy)},
		{name: "the SOCKS proxy is away", url: url, text: "proxyconnect tcp: dial tcp", class: retry.Unprocessed,
			base: away(socks)},
	})
	unfold(t, true, []failure{
		{name: "CONNECT is not answered", url: url, text: "EOF", class: retry.Transient, base: via(proxy, sending(""))},
		{name: "the proxy's certificate is unknown", url: url, text: "unknown authority", class: retry.Final,
			base: func(t *testing.T) http.RoundTripper {
				certificate, _ := selfSigned(t, "proxy.example.com", 2100)
				config := &tls.Config{Certificates: []tls.Certificate{certificate}}
				return via("https://proxy.example.com:3128", func(c net.Conn) { shakeHands(c, config) })(t)
			}},
		{name: "the proxy ends the handshake", url: url, text: "proxyconnect tcp: EOF", class: retry.Unprocessed,
			base: via("https://proxy.example.com:3128", func(c net.Conn) { _, _ = c.Read(make([]byte, 1<<10)) })},
		{name: "the proxy's handshake stalls", url: url, text: "proxyconnect tcp: net/http: TLS handshake timeout", class: retry.Unprocessed,
			base: func(t *testing.T) http.RoundTripper {
				base := via("https://proxy.example.com:3128", func(c net.Conn) { _, _ = io.Copy(io.Discard, c) })(t).(*http.Transport)
				base.TLSHandshakeTimeout = time.Minute
				return base
			}},
		{name: "the SOCKS proxy does not take the password", url: url, text: "authentication failed", class: retry.Final,
			base: via("socks5://user:wrong@proxy.example.com:1080", func(c net.Conn) {
				_, _ = io.ReadFull(c, make([]byte, 4)) // RFC 1928 section 3: two methods
				_, _ = c.Write([]byte{5, 2})
				_, _ = c.Read(make([]byte, 1<<10)) // RFC 1929 section 2
				_, _ = c.Write([]byte{1, 1})
			})},
		{name: "the SOCKS proxy does not allow it", url: url, text: "not allowed by ruleset", class: retry.Final,
			base: via(socks, answerSOCKS(2))},
		{name: "the SOCKS proxy cannot reach the host", url: url, text: "socks connect tcp", class: retry.Unprocessed,
			base: via(socks, answerSOCKS(4))},
	})
}

// answerSOCKS is a SOCKS proxy that asks for no password and answers with code (RFC 1928 section 6).
func answerSOCKS(code byte) func(net.Conn) {
	return func(c net.Conn) {
		_, _ = io.ReadFull(c, make([]byte, 3)) // RFC 1928 section 3
		_, _ = c.Write([]byte{5, 0})
		_, _ = c.Read(make([]byte, 1<<10))
		_, _ = c.Write([]byte{5, code, 0, 1, 0, 0, 0, 0, 0, 0})
	}
}

// Nothing but the reason phrase is left of a proxy's answer to CONNECT. It is enough to know that there is no point in
// asking again, but it proves nothing of the request.
func TestTheAnswerOfAProxyToCONNECT(t *testing.T) {
	certificate, pool := selfSigned(t, "proxy.example.com", 2100)
	config := &tls.Config{Certificates: []tls.Certificate{certificate}}
	for status, class := range map[string]retry.Class{
		"400 Bad Request": retry.Final, "403 Forbidden": retry.Final, "403 FORBIDDEN": retry.Final, "404 Not Found": retry.Final,
		"407 Proxy Authentication Required":                         retry.Final,
		"407 Proxy Authentication Required ( The server says so. )": retry.Final,
		"408 Request Timeout":                                       retry.Transient, "429 Too Many Requests": retry.Transient, "500 Internal Server Error": retry.Transient,
		"502 Bad Gateway": retry.Transient, "503 Service Unavailable": retry.Transient, "504 Gateway Timeout": retry.Transient,
		"403 ": retry.Transient, "403": retry.Transient, "403 Go away": retry.Transient, "302 Found": retry.Transient,
	} {
		_, text, _ := strings.Cut(status, " ")
		answer := sending("HTTP/1.1 " + status + "\r\nContent-Length: 0\r\n\r\n")
		unfold(t, true, []failure{
			{name: status, url: "https://example.com/", text: text, class: class,
				base: via("http://proxy.example.com:3128", answer)},
			{name: status + ", over TLS", url: "https://example.com/", text: text, class: class,
				base: func(t *testing.T) http.RoundTripper {
					base := via("https://proxy.example.com:3128", func(c net.Conn) { answer(tls.Server(c, config)) })(t).(*http.Transport)
					base.TLSClientConfig = &tls.Config{RootCAs: pool}
					return base
				}},
		})
	}
}
