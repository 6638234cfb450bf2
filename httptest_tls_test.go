package retry_test

import (
	"bytes"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/binary"
	"errors"
	"io"
	"math/big"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-e3550de8/retry"
)

const secureURL = "https://example.com/"

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
	unfold(t, true, []failure{
		{name: "unknown authority", url: secureURL, text: "unknown authority", class: retry.Final,
			base: handshake("example.com", 2100, false, nil)},
		{name: "expired", url: secureURL, text: "expired", class: retry.Final, base: handshake("example.com", 1995, true, nil)},
		{name: "for another name", url: secureURL, text: "not example.com", class: retry.Final,
			base: handshake("example.org", 2100, true, nil)},
		{name: "no client certificate, TLS 1.3", url: secureURL, text: "remote error: tls: certificate required",
			class: retry.Final, base: handshake("example.com", 2100, true, wantClient(tls.VersionTLS13))},
		{name: "no client certificate, TLS 1.2", url: secureURL, text: "remote error: tls:", class: retry.Final,
			base: handshake("example.com", 2100, true, wantClient(tls.VersionTLS12))},
		{name: "no version in common", url: secureURL, text: "remote error: tls: protocol version", class: retry.Final,
			base: handshake("example.com", 2100, true, func(server, client *tls.Config) {
				server.MinVersion, client.MaxVersion = tls.VersionTLS13, tls.VersionTLS12
			})},
		{name: "no protocol in common", url: secureURL, text: "remote error: tls: no application protocol", class: retry.Final,
			base: handshake("example.com", 2100, true, func(server, client *tls.Config) {
				server.NextProtos, client.NextProtos = []string{"other"}, []string{"http/1.1"}
			})},
		{name: "no certificate yet, which may pass", url: secureURL, text: "remote error: tls: internal error",
			class: retry.Transient, base: handshake("example.com", 2100, true, func(server, _ *tls.Config) {
				server.Certificates = nil
				server.GetCertificate = func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return nil, errors.New("not yet") }
			})},
		{name: "Encrypted Client Hello is rejected", url: secureURL, text: "tls: server rejected ECH", class: retry.Final,
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
	unfold(t, true, []failure{
		{name: "HTTP in clear text", url: secureURL, text: "first record does not look like a TLS handshake", class: retry.Final,
			base: raw(func(c net.Conn) {
				_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
				_, _ = io.Copy(io.Discard, c)
			})},
		{name: "the handshake stalls", url: secureURL, text: "TLS handshake timeout", class: retry.Unprocessed,
			base: raw(func(c net.Conn) { _, _ = io.Copy(io.Discard, c) })},
		{name: "closed in the handshake", url: secureURL, text: "EOF", class: retry.Transient,
			base: raw(func(c net.Conn) { _, _ = c.Read(make([]byte, 1<<10)) })},
		{name: "reset in the handshake", url: secureURL, text: "reset", class: retry.Transient,
			base: raw(func(c net.Conn) { _, _ = c.Read(make([]byte, 1<<10)); reset(c) })},
	})
}

// A flipper is a TLS connection on whose way bits are flipped: in what is read or written next, the bit 1 of the byte
// at position, counted from the end if it is negative. Zero positions leave everything as it is.
type flipper struct {
	net.Conn
	read, write int
	left        int // of the record that is being read
}

// Read returns the header of a record or what comes of its content, and damages the latter. It does not read on,
// because the request may have come together with the end of the handshake.
func (f *flipper) Read(p []byte) (int, error) {
	if f.left == 0 {
		n, err := io.ReadFull(f.Conn, p[:5])
		f.left = int(binary.BigEndian.Uint16(p[3:]))
		return n, err
	}
	n, err := f.Conn.Read(p[:min(len(p), f.left)])
	f.left -= n
	flip(p[:n], f.read)
	return n, err
}

func (f *flipper) Write(p []byte) (int, error) {
	damaged := bytes.Clone(p)
	flip(damaged, f.write)
	return f.Conn.Write(damaged)
}

func flip(p []byte, position int) {
	if position < 0 {
		position += len(p)
	}
	if position > 0 && position < len(p) {
		p[position] ^= 1
	}
}

// damaged returns a base whose server does what handle says on its side of a TLS connection that can be damaged.
func damaged(version uint16, handle func(*flipper, *tls.Conn)) func(*testing.T) http.RoundTripper {
	return func(t *testing.T) http.RoundTripper {
		certificate, pool := selfSigned(t, "example.com", 2100)
		config := &tls.Config{Certificates: []tls.Certificate{certificate}, MaxVersion: version}
		s := serveRaw(t, http1, func(c net.Conn) {
			f := &flipper{Conn: c}
			handle(f, tls.Server(f, config))
			_, _ = io.Copy(io.Discard, c) // so that an alert is read before the end
		})
		s.base.TLSClientConfig = &tls.Config{RootCAs: pool}
		return s.base
	}
}

// answerAfter damages a connection once the handshake is done, and then answers a request.
func answerAfter(damage func(*flipper)) func(*flipper, *tls.Conn) {
	return func(f *flipper, c *tls.Conn) {
		if c.Handshake() != nil {
			return
		}
		damage(f)
		readRequest(c)
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
	}
}

func TestDamageToATLSConnectionMayPass(t *testing.T) {
	const (
		version = 2 // of the record's header
		last    = -1
	)
	var rows []failure
	for name, tlsVersion := range map[string]uint16{"TLS 1.2": tls.VersionTLS12, "TLS 1.3": tls.VersionTLS13} {
		rows = append(rows,
			failure{name: name + ", a bit of the response", url: secureURL, text: "local error: tls: bad record MAC",
				class: retry.Transient, base: damaged(tlsVersion, answerAfter(func(f *flipper) { f.write = last }))},
			failure{name: name + ", a bit of the request", url: secureURL, text: "remote error: tls: bad record MAC",
				class: retry.Transient, base: damaged(tlsVersion, answerAfter(func(f *flipper) { f.read = last }))},
			failure{name: name + ", a bit of the response's record header", url: secureURL, text: "received record with version",
				class: retry.Transient, base: damaged(tlsVersion, answerAfter(func(f *flipper) { f.write = version }))},
			failure{name: name + ", a bit of the handshake", url: secureURL, class: retry.Transient, text: "tls: ",
				base: damaged(tlsVersion, func(f *flipper, c *tls.Conn) { f.write = -10; _ = c.Handshake() })},
			failure{name: name + ", cut off in the handshake", url: secureURL, class: retry.Transient, text: "EOF",
				base: damaged(tlsVersion, func(f *flipper, c *tls.Conn) {
					f.Conn = &cut{Conn: f.Conn, left: 100}
					_ = c.Handshake()
				})},
		)
	}
	unfold(t, true, rows)
}

// A cut connection closes after some bytes were written.
type cut struct {
	net.Conn
	left int
}

func (c *cut) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p[:min(len(p), c.left)])
	if c.left -= n; c.left == 0 {
		c.Close()
	}
	return n, err
}
