package retry_test

import (
	"bytes"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/http"
	"testing"

	"github.com/seed-e3550de8/retry"
)

// A flipper is a TLS connection on whose way bits are flipped: in what is read or written next, the bit 1 of the byte at
// position, counted from the end if it is negative. Zero positions leave everything as it is.
type flipper struct {
	net.Conn
	read, write int
	left        int // of the record that is being read
}

// Read returns the header of a record or what comes of its content, and damages the latter. It does not read on, because
// the request may have come together with the end of the handshake.
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
		url     = "https://example.com/"
		version = 2 // of the record's header
		last    = -1
	)
	var rows []failure
	for name, tlsVersion := range map[string]uint16{"TLS 1.2": tls.VersionTLS12, "TLS 1.3": tls.VersionTLS13} {
		rows = append(rows,
			failure{name: name + ", a bit of the response", url: url, text: "local error: tls: bad record MAC",
				class: retry.Transient,
				base:  damaged(tlsVersion, answerAfter(func(f *flipper) { f.write = last }))},
			failure{name: name + ", a bit of the request", url: url, text: "remote error: tls: bad record MAC",
				class: retry.Transient,
				base:  damaged(tlsVersion, answerAfter(func(f *flipper) { f.read = last }))},
			failure{name: name + ", a bit of the response's record header", url: url, text: "received record with version",
				class: retry.Transient, base: damaged(tlsVersion, answerAfter(func(f *flipper) { f.write = version }))},
			failure{name: name + ", a bit of the handshake", url: url, class: retry.Transient, text: "tls: ",
				base: damaged(tlsVersion, func(f *flipper, c *tls.Conn) { f.write = -10; _ = c.Handshake() })},
			failure{name: name + ", cut off in the handshake", url: url, class: retry.Transient, text: "EOF",
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

func TestAServerThatHasNoCertificateYetMayHaveOneSoon(t *testing.T) {
	unfold(t, true, []failure{
		{name: "internal_error", url: "https://example.com/", text: "remote error: tls: internal error",
			class: retry.Transient,
			base: handshake("example.com", 2100, true, func(server, _ *tls.Config) {
				server.Certificates = nil
				server.GetCertificate = func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return nil, errors.New("not yet") }
			})},
	})
}
