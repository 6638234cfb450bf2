package retry_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"reflect"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/seed-e3550de8/retry"
)

func TestClassifyStatusKnowsEachCode(t *testing.T) {
	transient := map[int]bool{408: true, 425: true, 429: true}
	for code := -600; code <= 1200; code++ {
		want := retry.Final
		if transient[code] || code >= 500 && code <= 599 {
			want = retry.Transient
		}
		assert.Equal(t, want, retry.ClassifyStatus(code), "%d", code)
		assert.Equal(t, want, retry.Classify(retry.Attempt{Response: &http.Response{StatusCode: code}}), "%d", code)
	}
}

// streamError has the shape and the As method of the stream error of net/http.
type streamError struct {
	StreamID uint32
	Code     uint32
	Cause    error
}

func (e streamError) Error() string { return fmt.Sprint("stream error: code ", e.Code) }

func (e streamError) As(target any) bool {
	dst, src := reflect.ValueOf(target).Elem(), reflect.ValueOf(e)
	if !src.CanConvert(dst.Type()) {
		return false
	}
	dst.Set(src.Convert(dst.Type()))
	return true
}

// errorRows are errors as net/http has them, and their class. Those of them that a server or a resolver can provoke are
// provoked elsewhere; here is the table.
var errorRows = []struct {
	name string
	err  error
	want retry.Class
}{
	{"connection refused", errDialRefused, retry.Unprocessed},
	{"dial timeout", &net.OpError{Op: "dial", Err: os.ErrDeadlineExceeded}, retry.Unprocessed},
	{"DNS timeout", &net.OpError{Op: "dial", Err: &net.DNSError{IsTimeout: true}}, retry.Unprocessed},
	{"DNS server failure", &net.OpError{Op: "dial", Err: &net.DNSError{IsTemporary: true}}, retry.Unprocessed},
	{"proxy refused", &net.OpError{Op: "proxyconnect", Err: errDialRefused}, retry.Unprocessed},
	{"SOCKS failure", &net.OpError{Op: "socks connect", Err: io.EOF}, retry.Unprocessed},
	{"HTTP/2 REFUSED_STREAM", streamError{Code: 7}, retry.Unprocessed},
	{"wrapped refusal", fmt.Errorf("sign: %w", fmt.Errorf("send: %w", errDialRefused)), retry.Unprocessed},

	{"connection reset", errPeerReset, retry.Transient},
	{"broken pipe", &net.OpError{Op: "write", Err: os.NewSyscallError("write", syscall.EPIPE)}, retry.Transient},
	{"end of file", io.EOF, retry.Transient},
	{"unexpected end of file", io.ErrUnexpectedEOF, retry.Transient},
	{"idle connection closed", errors.New("http: server closed idle connection"), retry.Transient},
	{"malformed response", errors.New(`malformed HTTP status code "x"`), retry.Transient},
	{"response header timeout", os.ErrDeadlineExceeded, retry.Transient},
	{"attempt timeout", retry.ErrAttemptTimeout, retry.Transient},
	{"someone's deadline", context.DeadlineExceeded, retry.Transient},
	{"someone's cancellation", context.Canceled, retry.Transient},
	{"connection closed by us", net.ErrClosed, retry.Transient},
	{"HTTP/2 INTERNAL_ERROR", streamError{Code: 2}, retry.Transient},
	{"HTTP/2 ENHANCE_YOUR_CALM", streamError{Code: 11}, retry.Transient},
	{"HTTP/2 connection lost", errors.New("http2: client connection lost"), retry.Transient},
	{"proxy refused CONNECT", errors.New(http.StatusText(http.StatusServiceUnavailable)), retry.Transient},
	{"error of the base's own", errors.New("queue is full"), retry.Transient},
	{"refusal after a redirect", &url.Error{Op: "Get", URL: "http://other.example/", Err: errDialRefused}, retry.Transient},

	{"host not found", &net.OpError{Op: "dial", Err: &net.DNSError{IsNotFound: true}}, retry.Final},
	{"bad port", &net.OpError{Op: "dial", Err: &net.AddrError{Err: "invalid port"}}, retry.Final},
	{"bad address", &net.OpError{Op: "dial", Err: &net.ParseError{}}, retry.Final},
	{"invalid address", net.InvalidAddrError("x"), retry.Final},
	{"unknown network", &net.OpError{Op: "dial", Err: net.UnknownNetworkError("x")}, retry.Final},
	{"certificate unknown", &tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}}, retry.Final},
	{"certificate unknown, bare", x509.UnknownAuthorityError{}, retry.Final},
	{"certificate for another name", x509.HostnameError{Certificate: &x509.Certificate{}}, retry.Final},
	{"certificate expired", x509.CertificateInvalidError{Reason: x509.Expired}, retry.Final},
	{"certificate of the proxy", &net.OpError{Op: "proxyconnect", Err: x509.UnknownAuthorityError{}}, retry.Final},
	{"plain HTTP to an HTTPS client", tls.RecordHeaderError{Msg: "first record does not look like TLS"}, retry.Final},
	{"TLS alert from the server", &net.OpError{Op: "remote error", Err: tls.AlertError(40)}, retry.Final},
	{"TLS alert through a proxy", &net.OpError{Op: "proxyconnect", Err: &net.OpError{Op: "remote error", Err: io.EOF}}, retry.Final},
	{"TLS failure here", &net.OpError{Op: "local error", Err: io.EOF}, retry.Final},
	{"ECH rejected", &tls.ECHRejectionError{}, retry.Final},
	{"ErrSkipAltProtocol", http.ErrSkipAltProtocol, retry.Final},
	{"Transport.CancelRequest", errors.New("net/http: request canceled"), retry.Final},
	{"Transport.CancelRequest, waiting", errors.New("net/http: request canceled while waiting for connection"), retry.Final},
}

func TestClassifyKnowsEachError(t *testing.T) {
	for _, row := range errorRows {
		a := retry.Attempt{Request: place("GET", "").Request, Err: row.err}
		assert.Equal(t, row.want, retry.Classify(a), row.name)
		a.Err = fmt.Errorf("wrapped: %w", row.err)
		if row.err.Error() != "net/http: request canceled" && row.err.Error() != "net/http: request canceled while waiting for connection" {
			assert.Equal(t, row.want, retry.Classify(a), "%s, wrapped", row.name)
		}
	}
	assert.Equal(t, retry.Final, retry.Classify(retry.Attempt{}), "neither a response nor an error")
	assert.Equal(t, retry.Transient, retry.Classify(retry.Attempt{Err: io.EOF}), "an attempt without a request")
}

// defects are requests that http.Transport refuses with an error that is a plain text.
var defects = map[string]func(*http.Request){
	"nil URL":                  func(r *http.Request) { r.URL = nil },
	"nil Header":               func(r *http.Request) { r.Header = nil },
	"no scheme":                func(r *http.Request) { r.URL = &url.URL{Host: "api.example"} },
	"another scheme":           func(r *http.Request) { r.URL = &url.URL{Scheme: "ftp", Host: "api.example"} },
	"no host":                  func(r *http.Request) { r.URL = &url.URL{Scheme: "http"} },
	"method with a blank":      func(r *http.Request) { r.Method = "GET IT" },
	"field name with a colon":  func(r *http.Request) { r.Header = http.Header{"X:": {"1"}} },
	"field name that is empty": func(r *http.Request) { r.Header = http.Header{"": {"1"}} },
	"field value of two lines": func(r *http.Request) { r.Header = http.Header{"X": {"1\r\n2"}} },
	"field value with a NUL":   func(r *http.Request) { r.Header = http.Header{"X": {"a", "\x00"}} },
	"field value with DEL":     func(r *http.Request) { r.Header = http.Header{"X": {"\x7f"}} },
}

func TestARequestThatTransportRefusesIsFinal(t *testing.T) {
	for name, spoil := range defects {
		o := place("GET", "")
		spoil(o.Request)
		_, err := (&http.Transport{}).RoundTrip(o.Request)
		if assert.Error(t, err, name) {
			assert.Equal(t, retry.Final, retry.Classify(retry.Attempt{Request: o.Request, Err: err}), "%s: %v", name, err)
		}
		assert.Equal(t, retry.Transient, retry.Classify(retry.Attempt{Request: o.Request, Err: errPeerReset}), "%s: it got as far as the network", name)
	}
	good := place("", "")
	good.Method, good.Header = "", http.Header{"X-!#$%&'*+.^_`|~9": {"tab\tand \u00fc"}}
	assert.Equal(t, retry.Transient, retry.Classify(retry.Attempt{Request: good.Request, Err: errors.New("queue is full")}))
}

func TestIdempotentAsksTheMethodTheKeyAndTheContext(t *testing.T) {
	for method, want := range map[string]bool{
		"": true, "GET": true, "HEAD": true, "OPTIONS": true, "TRACE": true, "PUT": true, "DELETE": true, "QUERY": true,
		"POST": false, "PATCH": false, "CONNECT": false, "get": false, "Put": false, "PROPFIND": false, "query": false,
	} {
		assert.Equal(t, want, retry.Idempotent(place(method, "").Request), "%q", method)
		for name, header := range map[string]http.Header{
			"key":               {"Idempotency-Key": {"1"}},
			"X- key":            {"X-Idempotency-Key": {"1"}},
			"key without value": {"Idempotency-Key": nil},
			"empty key":         {"X-Idempotency-Key": {""}},
		} {
			o := once(method, "")
			o.Header = header
			assert.True(t, retry.Idempotent(o.Request), "%q with %s", method, name)
		}
		assert.True(t, retry.Idempotent(place(method, "").under(retry.AsIdempotent(t.Context())).Request), "%q", method)
	}
	o := once("POST", "")
	o.Header = http.Header{"idempotency-key": {"1"}, "X-Request-Id": {"1"}}
	assert.False(t, retry.Idempotent(o.Request), "header maps have canonical keys")
	o.Header = nil
	assert.False(t, retry.Idempotent(o.Request))
	assert.False(t, retry.Idempotent(nil))
	assert.True(t, retry.Idempotent(&http.Request{}))
}

func TestReplayableAsksForGetBodyOnlyIfThereIsABody(t *testing.T) {
	getBody := func() (io.ReadCloser, error) { return http.NoBody, nil }
	for _, row := range []struct {
		name string
		req  *http.Request
		want bool
	}{
		{"nil request", nil, false},
		{"no body", &http.Request{}, true},
		{"NoBody", &http.Request{Body: http.NoBody}, true},
		{"a body", &http.Request{Body: io.NopCloser(nil)}, false},
		{"a body and its length", &http.Request{Body: io.NopCloser(nil), ContentLength: 7}, false},
		{"a body and GetBody", &http.Request{Body: io.NopCloser(nil), GetBody: getBody}, true},
		{"GetBody alone", &http.Request{GetBody: getBody}, true},
	} {
		assert.Equal(t, row.want, retry.Replayable(row.req), row.name)
	}
}

func TestAClassHasAName(t *testing.T) {
	assert.Equal(t, "final transient unprocessed Class(7) Class(-1)",
		fmt.Sprint(retry.Final, " ", retry.Transient, " ", retry.Unprocessed, " ", retry.Class(7), " ", retry.Class(-1)))
}
