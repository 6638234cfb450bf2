package retry_test

import (
	"bytes"
	"crypto/ecdh"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-e3550de8/retry"
	"github.com/seed-e3550de8/retry/httpfault"
)

// certificate returns a server's certificate for example.com, and the pool that trusts it.
var certificate = sync.OnceValues(func() (tls.Certificate, *x509.CertPool) {
	s := httptest.NewUnstartedServer(nil)
	s.StartTLS()
	defer s.Close()
	return s.TLS.Certificates[0], s.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
})

// shakeHands is a server's handshake. It reads on if it fails, since closing a connection with unread bytes could reach
// the client before the alert.
func shakeHands(c net.Conn, config *tls.Config) {
	if tls.Server(c, config).Handshake() != nil {
		_, _ = io.Copy(io.Discard, c)
	}
}

// handshake is a base whose server and client shake hands with these changes.
func handshake(change func(server, client *tls.Config)) setup {
	return func(t *testing.T) http.RoundTripper {
		one, pool := certificate()
		server, client := &tls.Config{Certificates: []tls.Certificate{one}}, &tls.Config{RootCAs: pool}
		change(server, client)
		base := serveRaw(t, http1, func(c net.Conn) { shakeHands(c, server) }).base
		base.TLSClientConfig = client
		return base
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
	unfold(t, true, secureURL, []failure{
		{name: "unknown authority", text: "unknown authority", class: retry.Final,
			base: meeting(overTLS1, httpfault.TLSUnknownCA())},
		{name: "expired", text: "expired", class: retry.Final, base: meeting(overTLS1, httpfault.TLSExpired())},
		{name: "for another name", text: "not example.com", class: retry.Final,
			base: meeting(overTLS1, httpfault.TLSWrongName())},
		{name: "no client certificate, TLS 1.3", text: "remote error: tls: certificate required",
			class: retry.Final, base: handshake(wantClient(tls.VersionTLS13))},
		{name: "no client certificate, TLS 1.2", text: "remote error: tls:", class: retry.Final,
			base: handshake(wantClient(tls.VersionTLS12))},
		{name: "no version in common", text: "remote error: tls: protocol version", class: retry.Final,
			base: handshake(func(server, client *tls.Config) {
				server.MinVersion, client.MaxVersion = tls.VersionTLS13, tls.VersionTLS12
			})},
		{name: "no protocol in common", text: "remote error: tls: no application protocol",
			class: retry.Final, base: handshake(func(server, client *tls.Config) {
				server.NextProtos, client.NextProtos = []string{"other"}, []string{"http/1.1"}
			})},
		{name: "no certificate yet, which may pass", text: "remote error: tls: internal error",
			class: retry.Transient, base: handshake(func(server, _ *tls.Config) {
				server.GetCertificate = func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return nil, errFileGone }
			})},
		{name: "Encrypted Client Hello is rejected", text: "tls: server rejected ECH", class: retry.Final,
			base: handshake(func(_, client *tls.Config) {
				client.EncryptedClientHelloConfigList = encryptedClientHello(t, "example.com")
			})},
	})
}

func TestServersThatDoNotSpeakTLS(t *testing.T) {
	unfold(t, true, secureURL, []failure{
		{name: "HTTP in clear text", text: "first record does not look like a TLS handshake",
			class: retry.Final, base: meeting(overTLS1, httpfault.TLSClearText())},
		{name: "the handshake stalls", text: "TLS handshake timeout", class: retry.Unprocessed,
			base: meeting(overTLS1, httpfault.TLSStall()).tuned(hastyTLS)},
		{name: "closed in the handshake", text: "EOF", class: retry.Transient,
			base: meeting(overTLS1, httpfault.CloseOnAccept())},
		{name: "reset in the handshake", text: "reset", class: retry.Transient,
			base: meeting(overTLS1, httpfault.ResetOnAccept())},
	})
}

func hastyTLS(tr *http.Transport) { tr.TLSHandshakeTimeout = time.Minute }

// A flipper is a TLS connection on whose way bits are flipped: in what is written next, the bit 1 of the byte at
// position, counted from the end if it is negative. At 0 it leaves everything as it is.
type flipper struct {
	net.Conn
	position int
}

func (f *flipper) Write(p []byte) (int, error) {
	at := f.position
	if at < 0 {
		at += len(p)
	}
	damaged := bytes.Clone(p)
	if at > 0 && at < len(p) {
		damaged[at] ^= 1
	}
	return f.Conn.Write(damaged)
}

// damaged is a base whose server flips bits of its handshake, and later those of its answer.
func damaged(version uint16, inHandshake, inAnswer int) setup {
	return func(t *testing.T) http.RoundTripper {
		one, pool := certificate()
		config := &tls.Config{Certificates: []tls.Certificate{one}, MaxVersion: version}
		base := serveRaw(t, http1, func(c net.Conn) {
			f := &flipper{c, inHandshake}
			server := tls.Server(f, config)
			if server.Handshake() == nil {
				f.position = inAnswer
				readRequest(server)
				_, _ = io.WriteString(server, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
			}
			stalled(c) // so that an alert is read before the end
		}).base
		base.TLSClientConfig = &tls.Config{RootCAs: pool}
		return base
	}
}

func TestDamageToATLSConnectionMayPass(t *testing.T) {
	const (
		version = 2 // of the record's header
		last    = -1
	)
	var rows []failure
	for name, tlsVersion := range map[string]uint16{"TLS 1.2": tls.VersionTLS12, "TLS 1.3": tls.VersionTLS13} {
		for _, row := range []struct {
			what, text          string
			inHandshake, answer int
		}{
			{"the response", "local error: tls: bad record MAC", 0, last},
			{"the response's record header", "received record with version", 0, version},
			{"the handshake", "tls: ", -10, 0},
		} {
			rows = append(rows, failure{name: name + ", a bit of " + row.what, text: row.text,
				class: retry.Transient, base: damaged(tlsVersion, row.inHandshake, row.answer)})
		}
	}
	unfold(t, true, secureURL, rows)
}
