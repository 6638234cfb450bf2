package retry_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-e3550de8/retry"
	"github.com/seed-e3550de8/retry/httpfault"
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

		refused, tr := faulty(t, http1, httpfault.Status(503)), new(trail)
		again := &order{Request: newRequest(t, "CONNECT", refused.URL, "")}
		resp = mustEnd(t, retry.New(refused.Transport(), tr.eager(4)), again)
		assert.Equal(t, http.StatusServiceUnavailable, resp.StatusCode)
		assert.ErrorIs(t, tr.last().Reason, retry.ErrNotIdempotent)
	})
}

const (
	proxyURL = "http://proxy.example.com:3128"
	tlsProxy = "https://proxy.example.com:3128"
	socksURL = "socks5://proxy.example.com:1080"
)

func TestProxiesThatAreAway(t *testing.T) {
	away := meeting(plainHTTP, httpfault.Refuse())
	var rows []failure
	for _, proxy := range []string{proxyURL, tlsProxy, socksURL} {
		rows = append(rows, failure{name: proxy, base: away.via(proxy), text: "proxyconnect tcp: dial tcp",
			class: retry.Unprocessed})
	}
	unfold(t, false, plainURL, rows)
	unfold(t, false, secureURL, rows)
}

func TestFailuresOfProxies(t *testing.T) {
	unfold(t, true, secureURL, []failure{
		{name: "CONNECT is not answered", text: "EOF", class: retry.Transient,
			base: doing(plainHTTP, httpfault.Close()).via(proxyURL)},
		{name: "the proxy's certificate is unknown", text: "unknown authority", class: retry.Final,
			base: meeting(overTLS1, httpfault.TLSUnknownCA()).via(tlsProxy)},
		{name: "the proxy ends the handshake", text: "proxyconnect tcp: EOF", class: retry.Unprocessed,
			base: meeting(overTLS1, httpfault.CloseOnAccept()).via(tlsProxy)},
		{name: "the proxy's handshake stalls", class: retry.Unprocessed,
			text: "proxyconnect tcp: net/http: TLS handshake timeout",
			base: meeting(overTLS1, httpfault.TLSStall()).via(tlsProxy).tuned(hastyTLS)},

		{name: "SOCKS does not take the password", text: "authentication failed", class: retry.Final,
			base: handling(func(c net.Conn) {
				_, _ = io.ReadFull(c, make([]byte, 4)) // RFC 1928 section 3: two methods
				_, _ = c.Write([]byte{5, 2})
				_, _ = c.Read(make([]byte, 1<<10)) // RFC 1929 section 2
				_, _ = c.Write([]byte{1, 1})
			}).via("socks5://user:wrong@proxy.example.com:1080")},
		{name: "SOCKS does not allow it", text: "not allowed by ruleset", class: retry.Final,
			base: handling(answerSOCKS(2)).via(socksURL)},
		{name: "SOCKS cannot reach the host", text: "socks connect tcp", class: retry.Unprocessed,
			base: handling(answerSOCKS(4)).via(socksURL)},
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

// answeringCONNECT is a proxy that answers with a status line of its own words.
func answeringCONNECT(p httpfault.Protocol, status string) setup {
	return doing(p, httpfault.Raw("HTTP/1.1 "+status+"\r\nContent-Length: 0\r\n\r\n"))
}

// Nothing but the reason phrase is left of a proxy's answer to CONNECT. It is enough to know that there is no point in
// asking again, but it proves nothing of the request.
func TestTheAnswerOfAProxyToCONNECT(t *testing.T) {
	var rows []failure
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
		rows = append(rows,
			failure{name: status, text: text, class: class,
				base: answeringCONNECT(plainHTTP, status).via(proxyURL)},
			failure{name: status + ", over TLS", text: text, class: class,
				base: answeringCONNECT(overTLS1, status).via(tlsProxy)})
	}
	unfold(t, true, secureURL, rows)
}

// The default base keeps the status, whatever the proxy calls it.
func TestTheAnswerOfAProxyToTheDefaultBase(t *testing.T) {
	granted := &http.Response{StatusCode: http.StatusOK}
	assert.NoError(t, retry.DefaultBase().OnProxyConnectResponse(t.Context(), nil, nil, granted))
	asByDefault := func(tr *http.Transport) { tr.OnProxyConnectResponse = retry.DefaultBase().OnProxyConnectResponse }
	var rows []failure
	for status, class := range map[string]retry.Class{
		"400 Bad Request": retry.Final, "403 Go away": retry.Final, "407 ": retry.Final, "407": retry.Final,
		"451 No": retry.Final, "499 No": retry.Final, "399 No": retry.Unprocessed, "600 No": retry.Unprocessed,
		"408 Request Timeout": retry.Unprocessed, "429 Slow down": retry.Unprocessed,
		"503 Service Unavailable": retry.Unprocessed,
		"502 ":                    retry.Unprocessed, "302 Found": retry.Unprocessed,
	} {
		code, _ := strconv.Atoi(status[:3])
		phrase := strings.TrimSpace(status[:3] + " " + http.StatusText(code))
		rows = append(rows, failure{name: status, text: "proxyconnect tcp: " + phrase, class: class,
			base: answeringCONNECT(plainHTTP, status).via(proxyURL).tuned(asByDefault)})
	}
	unfold(t, true, secureURL, rows)
}
