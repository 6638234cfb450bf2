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
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/seed-e3550de8/retry"
)

var errHostNotFound = &net.OpError{Op: "dial", Err: &net.DNSError{IsNotFound: true}}

func overTLS(r *http.Request) { r.URL.Scheme = "https" }

func unixScheme(r *http.Request) { r.URL.Scheme = "http+unix" }

// fedFromElsewhere gives the request a body whose Read could fail as a connection does.
func fedFromElsewhere(r *http.Request) {
	source := func() (io.ReadCloser, error) {
		pr, pw := io.Pipe()
		pw.Close()
		return struct{ io.ReadCloser }{pr}, nil
	}
	if r.Body == nil || r.GetBody != nil {
		r.GetBody = source
	}
	if r.Body != nil {
		r.Body.Close()
	}
	r.Body, _ = source()
}

// joined is a join as errors.Join makes none: with nil errors in it.
type joined []error

func (*joined) Error() string     { return "" }
func (j *joined) Unwrap() []error { return *j }

// unaskable is an error that cannot be asked.
type unaskable struct{}

func (unaskable) Error() string { return "" }
func (unaskable) Unwrap() error { panic("Unwrap") }

func socks(text string) error { return &net.OpError{Op: "socks connect", Err: errors.New(text)} }

type errorRow struct {
	name string
	err  error
	want retry.Class
	on   func(*http.Request) // what else is special about the request
}

// errorRows are errors as net/http has them, and their class. Those of them that a server or a resolver can provoke are
// provoked elsewhere; here is the table.
var errorRows = []errorRow{
	{"connection refused", errDialRefused, retry.Unprocessed, nil},
	{"dial timeout", &net.OpError{Op: "dial", Err: os.ErrDeadlineExceeded}, retry.Unprocessed, nil},
	{"DNS timeout", &net.OpError{Op: "dial", Err: &net.DNSError{IsTimeout: true}}, retry.Unprocessed, nil},
	{"DNS server failure", &net.OpError{Op: "dial", Err: &net.DNSError{IsTemporary: true}}, retry.Unprocessed, nil},
	{"host not found for now", &net.OpError{Op: "dial", Err: &net.DNSError{IsNotFound: true, IsTemporary: true}},
		retry.Unprocessed, nil},
	{"proxy refused", &net.OpError{Op: "proxyconnect", Err: errDialRefused}, retry.Unprocessed, nil},
	{"SOCKS failure", &net.OpError{Op: "socks connect", Err: io.EOF}, retry.Unprocessed, nil},
	{"HTTP/2 REFUSED_STREAM", streamError{Code: 7}, retry.Unprocessed, nil},
	{"refused twice, joined", errors.Join(errDialRefused, errDialRefused), retry.Unprocessed, nil},
	{"refused twice, %w and %w", fmt.Errorf("%w, %w", errDialRefused, errDialRefused), retry.Unprocessed, nil},
	{"host not found and refused, joined", errors.Join(errHostNotFound, errDialRefused), retry.Unprocessed, nil},
	{"refused and host not found, joined", errors.Join(errDialRefused, errHostNotFound), retry.Unprocessed, nil},

	{"connection reset", errPeerReset, retry.Transient, nil},
	{"broken pipe", &net.OpError{Op: "write", Err: os.NewSyscallError("write", syscall.EPIPE)}, retry.Transient, nil},
	{"end of file", io.EOF, retry.Transient, nil},
	{"unexpected end of file", io.ErrUnexpectedEOF, retry.Transient, nil},
	{"idle connection closed", errors.New("http: server closed idle connection"), retry.Transient, nil},
	{"malformed response", errors.New(`malformed HTTP status code "x"`), retry.Transient, nil},
	{"response header timeout", os.ErrDeadlineExceeded, retry.Transient, nil},
	{"attempt timeout", retry.ErrAttemptTimeout, retry.Transient, nil},
	{"someone's deadline", context.DeadlineExceeded, retry.Transient, nil},
	{"someone's cancellation", context.Canceled, retry.Transient, nil},
	{"connection closed by us", net.ErrClosed, retry.Transient, nil},
	{"HTTP/2 INTERNAL_ERROR", streamError{Code: 2}, retry.Transient, nil},
	{"HTTP/2 ENHANCE_YOUR_CALM", streamError{Code: 11}, retry.Transient, nil},
	{"HTTP/2 connection lost", errors.New("http2: client connection lost"), retry.Transient, nil},
	{"CONNECT answered 503", errors.New(http.StatusText(http.StatusServiceUnavailable)), retry.Transient, overTLS},
	{"CONNECT answered 429", errors.New(http.StatusText(http.StatusTooManyRequests)), retry.Transient, overTLS},
	{"CONNECT answered 408", errors.New(http.StatusText(http.StatusRequestTimeout)), retry.Transient, overTLS},
	{"Forbidden as an error of the base's own", errors.New(http.StatusText(http.StatusForbidden)), retry.Transient, nil},
	{"wrapped refusal", fmt.Errorf("sign: %w", fmt.Errorf("send: %w", errDialRefused)), retry.Transient, nil},
	{"refusal, from the body's source", errDialRefused, retry.Transient, fedFromElsewhere},
	{"refused and reset, joined", errors.Join(errDialRefused, errPeerReset), retry.Transient, nil},
	{"reset and refused, joined", errors.Join(errPeerReset, errDialRefused), retry.Transient, nil},
	{"refused and reset, %w and %w", fmt.Errorf("%w, %w", errDialRefused, errPeerReset), retry.Transient, nil},
	{"reset and refused, %w and %w", fmt.Errorf("%w, %w", errPeerReset, errDialRefused), retry.Transient, nil},
	{"host not found and reset, joined", errors.Join(errHostNotFound, errPeerReset), retry.Transient, nil},
	{"reset and host not found, joined", errors.Join(errPeerReset, errHostNotFound), retry.Transient, nil},
	{"refused in a join in a join", errors.Join(errDialRefused, errors.Join(errDialRefused, io.EOF)), retry.Transient,
		nil},
	{"nothing, joined", &joined{nil}, retry.Transient, nil},
	{"error that is a nil pointer", (*net.OpError)(nil), retry.Transient, nil},
	{"error whose methods panic", unaskable{}, retry.Transient, nil},
	{"bad TLS record, in mid-connection", tls.RecordHeaderError{Msg: "received record with version 301"},
		retry.Transient, nil},
	{"registered scheme, error of the base's own", errors.New("queue is full"), retry.Transient, unixScheme},
	{"error of the base's own", errors.New("queue is full"), retry.Transient, nil},
	{"refusal after a redirect", &url.Error{Op: "Get", URL: "http://other.example/", Err: errDialRefused},
		retry.Transient, nil},

	{"host not found twice, joined", errors.Join(errHostNotFound, nil, errHostNotFound), retry.Final, nil},
	{"host not found, wrapped", fmt.Errorf("send: %w", errHostNotFound), retry.Final, nil},
	{"CONNECT answered 403", errors.New(http.StatusText(http.StatusForbidden)), retry.Final, overTLS},
	{"CONNECT answered 407", errors.New(http.StatusText(http.StatusProxyAuthRequired)), retry.Final, overTLS},
	{"CONNECT answered 407, in words of its own",
		errors.New(http.StatusText(http.StatusProxyAuthRequired) + " ( The server requires it. )"), retry.Final, overTLS},
	{"SOCKS password is wrong", socks("username/password authentication failed"), retry.Final, nil},
	{"HTTP/2 HTTP_1_1_REQUIRED", streamError{Code: 13}, retry.Final, nil},
	{"scheme that nobody registered", errors.New(`unsupported protocol scheme "http+unix"`), retry.Final, unixScheme},
	{"host not found", &net.OpError{Op: "dial", Err: &net.DNSError{IsNotFound: true}}, retry.Final, nil},
	{"bad port", &net.OpError{Op: "dial", Err: &net.AddrError{Err: "invalid port"}}, retry.Final, nil},
	{"bad address", &net.OpError{Op: "dial", Err: &net.ParseError{}}, retry.Final, nil},
	{"invalid address", net.InvalidAddrError("x"), retry.Final, nil},
	{"unknown network", &net.OpError{Op: "dial", Err: net.UnknownNetworkError("x")}, retry.Final, nil},
	{"certificate unknown", &tls.CertificateVerificationError{Err: errors.New("no")}, retry.Final, nil},
	{"certificate unknown, bare", x509.UnknownAuthorityError{}, retry.Final, nil},
	{"certificate for another name", x509.HostnameError{Certificate: &x509.Certificate{}}, retry.Final, nil},
	{"certificate expired", x509.CertificateInvalidError{Reason: x509.Expired}, retry.Final, nil},
	{"certificate of the proxy", &net.OpError{Op: "proxyconnect", Err: x509.UnknownAuthorityError{}}, retry.Final, nil},
	{"plain HTTP to an HTTPS client", tls.RecordHeaderError{Conn: new(net.TCPConn)}, retry.Final, nil},
	{"plain HTTP, to an http.Client", &url.Error{Op: "Get", Err: http.ErrSchemeMismatch}, retry.Final, nil},
	{"TLS alert through a proxy", &net.OpError{Op: "proxyconnect",
		Err: &net.OpError{Op: "remote error", Err: tls.AlertError(48)}}, retry.Final, nil},
	{"ECH rejected", &tls.ECHRejectionError{}, retry.Final, nil},
	{"ErrSkipAltProtocol", http.ErrSkipAltProtocol, retry.Final, nil},
	{"Transport.CancelRequest", errors.New("net/http: request canceled"), retry.Final, nil},
	{"Transport.CancelRequest, waiting", errors.New("net/http: request canceled while waiting for connection"),
		retry.Final, nil},
}

// alertRows are the alerts of RFC 8446 section 6 and RFC 5246 section 7.2, and those that were registered since, with
// the class of each. The other numbers are Transient.
var alertRows = []struct {
	number tls.AlertError
	name   string
	want   retry.Class
}{
	{0, "close_notify", retry.Transient},
	{10, "unexpected_message", retry.Transient},
	{20, "bad_record_mac", retry.Transient},
	{21, "decryption_failed", retry.Transient},
	{22, "record_overflow", retry.Transient},
	{30, "decompression_failure", retry.Transient},
	{40, "handshake_failure", retry.Final},
	{41, "no_certificate", retry.Final},
	{42, "bad_certificate", retry.Final},
	{43, "unsupported_certificate", retry.Final},
	{44, "certificate_revoked", retry.Final},
	{45, "certificate_expired", retry.Final},
	{46, "certificate_unknown", retry.Final},
	{47, "illegal_parameter", retry.Transient},
	{48, "unknown_ca", retry.Final},
	{49, "access_denied", retry.Final},
	{50, "decode_error", retry.Transient},
	{51, "decrypt_error", retry.Transient},
	{60, "export_restriction", retry.Final},
	{70, "protocol_version", retry.Final},
	{71, "insufficient_security", retry.Final},
	{80, "internal_error", retry.Transient},
	{86, "inappropriate_fallback", retry.Final},
	{90, "user_canceled", retry.Transient},
	{100, "no_renegotiation", retry.Final},
	{109, "missing_extension", retry.Final},
	{110, "unsupported_extension", retry.Final},
	{111, "certificate_unobtainable", retry.Transient},
	{112, "unrecognized_name", retry.Final},
	{113, "bad_certificate_status_response", retry.Final},
	{114, "bad_certificate_hash_value", retry.Final},
	{115, "unknown_psk_identity", retry.Transient},
	{116, "certificate_required", retry.Final},
	{117, "general_error", retry.Transient},
	{120, "no_application_protocol", retry.Final},
	{121, "ech_required", retry.Final},
}

func TestTheNumberOfATLSAlertDecides(t *testing.T) {
	want := map[tls.AlertError]retry.Class{}
	for _, row := range alertRows {
		want[row.number] = row.want
	}
	for number := range 256 {
		alert, class := tls.AlertError(number), retry.Transient
		if known, ok := want[alert]; ok {
			class = known
		}
		for _, err := range []error{
			alert, &net.OpError{Op: "remote error", Err: alert}, &net.OpError{Op: "local error", Err: alert},
			&url.Error{Op: "Get", Err: &net.OpError{Op: "remote error", Err: alert}},
		} {
			assert.Equal(t, class, retry.Classify(retry.Attempt{Request: place("GET", "").Request, Err: err}), "%d: %v",
				number, err)
		}
		// Whatever the alert, the proxy's handshake has sent nothing.
		if class == retry.Transient {
			class = retry.Unprocessed
		}
		err := &net.OpError{Op: "proxyconnect", Err: &net.OpError{Op: "remote error", Err: alert}}
		assert.Equal(t, class, retry.Classify(retry.Attempt{Request: place("GET", "").Request, Err: err}), "%d: %v", number,
			err)
	}
}
