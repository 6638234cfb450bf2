package retry_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-e3550de8/retry"
)

// CONNECT to a server, not through a proxy: the response's body is what the tunnel sends, the request's what it gets.
// It is not idempotent.
func TestCONNECTPassesAsItIs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serveRaw(t, http1, func(c net.Conn) {
			r := bufio.NewReader(c)
			_, _ = http.ReadRequest(r)
			_, _ = io.WriteString(c, "HTTP/1.1 200 Connection established\r\n\r\n")
			_, _ = io.Copy(c, r)
		})
		r, w := io.Pipe()
		req := newRequest(t, "CONNECT", "http://example.com/", "")
		req.Body, req.ContentLength = r, -1
		req.Header.Set("X", "y")
		go func() { _, _ = io.WriteString(w, "hello\n") }()
		resp, err := retry.New(s.base, new(trail).eager(4)).RoundTrip(req)
		require.NoError(t, err)
		line, err := bufio.NewReader(resp.Body).ReadString('\n')
		require.NoError(t, err)
		assert.Equal(t, "hello\n", line)
		w.Close()
		assert.NoError(t, resp.Body.Close())
	})
}

func TestACONNECTThatIsRefusedIsSentOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, tr := serveRaw(t, http1, func(c net.Conn) {
			readRequest(c)
			_, _ = io.WriteString(c, "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n")
		}), new(trail)
		resp, err := retry.New(s.base, tr.eager(4)).RoundTrip(newRequest(t, "CONNECT", "http://example.com/", ""))
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		assert.Equal(t, http.StatusServiceUnavailable, resp.StatusCode)
		assert.ErrorIs(t, tr.last().Reason, retry.ErrNotIdempotent)
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

const (
	proxyURL = "http://proxy.example.com:3128"
	socksURL = "socks5://proxy.example.com:1080"
)

func TestProxiesThatAreAway(t *testing.T) {
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
		{name: "the proxy of an http URL is away", url: "http://example.com/", text: "proxyconnect tcp: dial tcp",
			class: retry.Unprocessed,
			base:  away(proxyURL)},
		{name: "the proxy of an https URL is away", url: "https://example.com/", text: "proxyconnect tcp: dial tcp",
			class: retry.Unprocessed,
			base:  away(proxyURL)},
		{name: "the SOCKS proxy is away", url: "https://example.com/", text: "proxyconnect tcp: dial tcp",
			class: retry.Unprocessed,
			base:  away(socksURL)},
	})
}

func TestFailuresOfProxies(t *testing.T) {
	unfold(t, true, []failure{
		{name: "CONNECT is not answered", url: "https://example.com/", text: "EOF", class: retry.Transient,
			base: via(proxyURL, sending(""))},
		{name: "the proxy's certificate is unknown", url: "https://example.com/", text: "unknown authority",
			class: retry.Final,
			base: func(t *testing.T) http.RoundTripper {
				certificate, _ := selfSigned(t, "proxy.example.com", 2100)
				config := &tls.Config{Certificates: []tls.Certificate{certificate}}
				return via("https://proxy.example.com:3128", func(c net.Conn) { shakeHands(c, config) })(t)
			}},
		{name: "the proxy ends the handshake", url: "https://example.com/", text: "proxyconnect tcp: EOF",
			class: retry.Unprocessed,
			base:  via("https://proxy.example.com:3128", func(c net.Conn) { _, _ = c.Read(make([]byte, 1<<10)) })},
		{name: "the proxy's handshake stalls", url: "https://example.com/",
			text:  "proxyconnect tcp: net/http: TLS handshake timeout",
			class: retry.Unprocessed,
			base: func(t *testing.T) http.RoundTripper {
				base := via("https://proxy.example.com:3128",
					func(c net.Conn) { _, _ = io.Copy(io.Discard, c) })(t).(*http.Transport)
				base.TLSHandshakeTimeout = time.Minute
				return base
			}},
	})
}

func TestFailuresOfSOCKS(t *testing.T) {
	unfold(t, true, []failure{
		{name: "the SOCKS proxy does not take the password", url: "https://example.com/", text: "authentication failed",
			class: retry.Final,
			base: via("socks5://user:wrong@proxy.example.com:1080", func(c net.Conn) {
				_, _ = io.ReadFull(c, make([]byte, 4)) // RFC 1928 section 3: two methods
				_, _ = c.Write([]byte{5, 2})
				_, _ = c.Read(make([]byte, 1<<10)) // RFC 1929 section 2
				_, _ = c.Write([]byte{1, 1})
			})},
		{name: "the SOCKS proxy does not allow it", url: "https://example.com/", text: "not allowed by ruleset",
			class: retry.Final,
			base:  via(socksURL, answerSOCKS(2))},
		{name: "the SOCKS proxy cannot reach the host", url: "https://example.com/", text: "socks connect tcp",
			class: retry.Unprocessed,
			base:  via(socksURL, answerSOCKS(4))},
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
		"400 Bad Request": retry.Final, "403 Forbidden": retry.Final, "403 FORBIDDEN": retry.Final,
		"404 Not Found":                     retry.Final,
		"407 Proxy Authentication Required": retry.Final,
		"407 Proxy Authentication Required ( The server says so. )": retry.Final,
		"408 Request Timeout":   retry.Transient,
		"429 Too Many Requests": retry.Transient, "500 Internal Server Error": retry.Transient,
		"502 Bad Gateway": retry.Transient, "503 Service Unavailable": retry.Transient,
		"504 Gateway Timeout": retry.Transient,
		"403 ":                retry.Transient, "403": retry.Transient, "403 Go away": retry.Transient,
		"302 Found": retry.Transient,
	} {
		_, text, _ := strings.Cut(status, " ")
		answer := sending("HTTP/1.1 " + status + "\r\nContent-Length: 0\r\n\r\n")
		unfold(t, true, []failure{
			{name: status, url: "https://example.com/", text: text, class: class,
				base: via("http://proxy.example.com:3128", answer)},
			{name: status + ", over TLS", url: "https://example.com/", text: text, class: class,
				base: func(t *testing.T) http.RoundTripper {
					base := via("https://proxy.example.com:3128",
						func(c net.Conn) { answer(tls.Server(c, config)) })(t).(*http.Transport)
					base.TLSClientConfig = &tls.Config{RootCAs: pool}
					return base
				}},
		})
	}
}

// The default base keeps the status, whatever the proxy calls it.
func TestTheAnswerOfAProxyToTheDefaultBase(t *testing.T) {
	granted := &http.Response{StatusCode: http.StatusOK}
	assert.NoError(t, retry.DefaultBase().OnProxyConnectResponse(t.Context(), nil, nil, granted))
	for status, class := range map[string]retry.Class{
		"400 Bad Request": retry.Final, "403 Go away": retry.Final, "407 ": retry.Final, "407": retry.Final,
		"451 No": retry.Final, "499 No": retry.Final, "399 No": retry.Unprocessed, "600 No": retry.Unprocessed,
		"408 Request Timeout": retry.Unprocessed, "429 Slow down": retry.Unprocessed,
		"503 Service Unavailable": retry.Unprocessed,
		"502 ":                    retry.Unprocessed, "302 Found": retry.Unprocessed,
	} {
		code, _ := strconv.Atoi(status[:3])
		phrase := strings.TrimSpace(status[:3] + " " + http.StatusText(code))
		unfold(t, true, []failure{{name: status, url: "https://example.com/", text: "proxyconnect tcp: " + phrase,
			class: class,
			base: func(t *testing.T) http.RoundTripper {
				proxied := via("http://proxy.example.com:3128",
					sending("HTTP/1.1 "+status+"\r\nContent-Length: 0\r\n\r\n"))(t).(*http.Transport)
				base := retry.DefaultBase()
				base.Proxy, base.DialContext = proxied.Proxy, proxied.DialContext
				t.Cleanup(base.CloseIdleConnections)
				return base
			}}})
	}
}
