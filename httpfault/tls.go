package httpfault

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"io"
	"math/big"
	"net"
	"sync"
	"time"
)

// TLSWrongName shows a connection a certificate for wrong.example. It needs TLS.
// A client that takes it goes on with the next step.
func TLSWrongName() Step {
	return withCertificate("TLSWrongName()", func(c *certificateSet) tls.Certificate { return c.wrongName })
}

// TLSExpired shows a connection a certificate that expired in 1991. It needs TLS.
// A client that takes it goes on with the next step.
func TLSExpired() Step {
	return withCertificate("TLSExpired()", func(c *certificateSet) tls.Certificate { return c.expired })
}

// TLSUnknownCA shows a connection a certificate of an authority that nobody knows. It needs TLS.
// A client that takes it goes on with the next step.
func TLSUnknownCA() Step {
	return withCertificate("TLSUnknownCA()", func(c *certificateSet) tls.Certificate { return c.unknown })
}

// TLSStall reads what the client sends of a handshake and says nothing. It needs TLS.
func TLSStall() Step {
	s := onConn("TLSStall()", func(_ *Server, c *conn) { c.discard() })
	s.needs = needsTLS
	return s
}

// TLSAlert answers the client's hello by a fatal alert (RFC 8446 6), 40 for a handshake
// failure, say, and closes the connection in good order. It needs TLS.
func TLSAlert(code uint8) Step {
	s := onConn(fmt.Sprintf("TLSAlert(%d)", code), func(_ *Server, c *conn) {
		c.afterHello([]byte{21, 3, 3, 0, 2, 2, code})
	})
	s.needs = needsTLS
	return s
}

// TLSClearText answers the client's hello by an HTTP/1 response in clear text, as
// an HTTP server on this port would. It needs TLS.
func TLSClearText() Step {
	s := onConn("TLSClearText()", func(_ *Server, c *conn) {
		c.afterHello([]byte("HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n"))
	})
	s.needs = needsTLS
	return s
}

// afterHello reads the first TLS record, answers it and hangs up.
func (c *conn) afterHello(text []byte) {
	head := make([]byte, 5)
	if _, err := io.ReadFull(c.raw, head); err == nil {
		io.CopyN(io.Discard, c.raw, int64(head[3])<<8|int64(head[4]))
		c.raw.Write(text)
	}
	c.closeWrite()
	c.discard()
}

func withCertificate(name string, which func(*certificateSet) tls.Certificate) Step {
	s := onConn(name, func(s *Server, c *conn) {
		cert := which(certificates())
		s.greet(c, &cert)
	})
	s.needs = needsTLS
	return s
}

// startTLS makes the server's side of the handshake. A nil cert is the right one.
func (c *conn) startTLS(s *Server, cert *tls.Certificate) bool {
	if cert == nil {
		cert = &certificates().right
	}
	cfg := &tls.Config{Certificates: []tls.Certificate{*cert}, NextProtos: []string{"http/1.1"}}
	if s.cfg.Protocol == HTTP2 {
		cfg.NextProtos = []string{"h2", "http/1.1"}
	}
	tc := tls.Server(c.raw, cfg)
	c.Conn = tc
	if err := tc.Handshake(); err != nil {
		return false
	}
	state := tc.ConnectionState()
	c.tls = &state
	return true
}

// A certificateSet has all certificates. They are valid for any time that
// a test may think it is: a bubble's clock starts in the year 2000.
type certificateSet struct {
	ca                                 *x509.Certificate
	right, wrongName, expired, unknown tls.Certificate
}

func (c *certificateSet) pool() *x509.CertPool {
	p := x509.NewCertPool()
	p.AddCert(c.ca)
	return p
}

var (
	validFrom  = time.Date(1990, 1, 1, 0, 0, 0, 0, time.UTC)
	validUntil = time.Date(2190, 1, 1, 0, 0, 0, 0, time.UTC)
	expiredOn  = time.Date(1991, 1, 1, 0, 0, 0, 0, time.UTC)
)

// certificates makes them once in a process, because that takes a millisecond.
var certificates = sync.OnceValue(func() *certificateSet {
	ca, stranger := newAuthority("httpfault"), newAuthority("nobody knows me")
	names := []string{"example.com", "*.example.com", "localhost"}
	return &certificateSet{
		ca:        ca.Leaf,
		right:     newCertificate(ca, validUntil, names...),
		wrongName: newCertificate(ca, validUntil, "wrong.example"),
		expired:   newCertificate(ca, expiredOn, names...),
		unknown:   newCertificate(stranger, validUntil, names...),
	}
})

func newAuthority(name string) tls.Certificate {
	template := &x509.Certificate{
		Subject:               pkix.Name{CommonName: name},
		NotAfter:              validUntil,
		IsCA:                  true,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageCertSign,
	}
	return sign(template, nil)
}

func newCertificate(ca tls.Certificate, until time.Time, names ...string) tls.Certificate {
	template := &x509.Certificate{
		Subject:     pkix.Name{CommonName: names[0]},
		NotAfter:    until,
		DNSNames:    names,
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	if len(names) > 1 {
		template.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback}
	} else {
		template.IPAddresses = []net.IP{net.IPv4(192, 0, 2, 1)}
	}
	return sign(template, &ca)
}

// sign makes a key and a certificate for it, signed by ca or, if that is nil, by itself. It panics
// if the system has no randomness, which nothing could work without.
func sign(template *x509.Certificate, ca *tls.Certificate) tls.Certificate {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	template.SerialNumber = big.NewInt(time.Now().UnixNano())
	template.NotBefore = validFrom
	parent, signer := template, any(key)
	if ca != nil {
		parent, signer = ca.Leaf, ca.PrivateKey
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		panic(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		panic(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}
