package retry

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// A Class says whether the failure of an attempt may pass.
type Class int

const (
	// Final: there is nothing to gain from another attempt.
	Final Class = iota

	// Transient: the failure may pass. An idempotent request is worth another attempt.
	Transient

	// Unprocessed: the failure may pass, and the server certainly did not act on the request. Any request is worth
	// another attempt, idempotent or not (RFC 9110 section 9.2.2).
	Unprocessed
)

// String returns the name of the constant.
func (c Class) String() string {
	switch c {
	case Final:
		return "final"
	case Transient:
		return "transient"
	case Unprocessed:
		return "unprocessed"
	}
	return "Class(" + strconv.Itoa(int(c)) + ")"
}

// Classify is the default of Policy.Classify. A response has the class of its status, see [ClassifyStatus]. An error is
//
//   - [Final] if another attempt is known to be pointless: an unknown host, a malformed address, a certificate that
//     does not verify, a TLS alert or something that is not TLS, [http.ErrSkipAltProtocol], a request ended by
//     [http.Transport.CancelRequest], and whatever is wrong with the request itself;
//   - [Unprocessed] if it is proven that nothing was sent, or that the server refused to look at it: no connection
//     could be had to the server, to its proxy, or through SOCKS, and REFUSED_STREAM (RFC 9113 section 8.7);
//   - [Transient] otherwise, since half of what can go wrong in net/http has no type to know it by.
//
// An error that the request body's own Read returns comes back from net/http as it is, and is taken for the
// connection's. That the request's own context is done is not a class: no request is sent again after that, whatever Classify says.
// Classify may be called by many goroutines at once. An attempt that has neither a response nor an error is Final.
func Classify(a Attempt) Class {
	switch {
	case a.Err == nil && a.Response == nil:
		return Final
	case a.Err == nil:
		return ClassifyStatus(a.Response.StatusCode)
	case pointless(a.Err):
		return Final
	case unprocessed(a.Err):
		return Unprocessed
	case !fromNetwork(a.Err) && defective(a.Request):
		return Final
	}
	return Transient
}

// pointless reports whether err says that the same request would fail in the same way again.
func pointless(err error) bool {
	held, ok := errorOf(err)
	return ok && held.Attempts == 0 ||
		errors.Is(err, errBrokenBase) ||
		errors.Is(err, http.ErrSkipAltProtocol) ||
		unreachable(err) ||
		untrusted(err) ||
		canceledByTransport(err)
}

// unreachable reports whether err is about a name or an address that leads nowhere.
func unreachable(err error) bool {
	if dns, ok := errors.AsType[*net.DNSError](err); ok {
		return dns.IsNotFound
	}
	return is[*net.AddrError](err) || is[*net.ParseError](err) ||
		is[net.InvalidAddrError](err) || is[net.UnknownNetworkError](err)
}

// untrusted reports whether err is a failure of TLS that another handshake would only repeat.
func untrusted(err error) bool {
	return is[*tls.CertificateVerificationError](err) ||
		is[x509.UnknownAuthorityError](err) || is[x509.HostnameError](err) || is[x509.CertificateInvalidError](err) ||
		is[tls.RecordHeaderError](err) || is[*tls.ECHRejectionError](err) || is[tls.AlertError](err) ||
		hasOp(err, "remote error", "local error")
}

// canceledByTransport reports whether the deprecated Transport.CancelRequest ended the request, which leaves no trace
// but these two texts.
func canceledByTransport(err error) bool {
	switch err.Error() {
	case "net/http: request canceled", "net/http: request canceled while waiting for connection":
		return true
	}
	return false
}

// unprocessed reports whether err proves that the server did not act on the request. It goes by OpError.Op, not by
// errno: on Windows a socket does not return syscall.ECONNREFUSED.
//
// An url.Error in it comes from a base that is itself a client: what failed may be the request after a redirect.
func unprocessed(err error) bool {
	if is[*url.Error](err) {
		return false
	}
	if hasOp(err, "dial", "proxyconnect", "socks connect") {
		return true
	}
	const refusedStream = 7 // RFC 9113 section 7
	stream, ok := errors.AsType[http2StreamError](err)
	return ok && stream.Code == refusedStream
}

// http2StreamError has the fields of the stream error of net/http, whose As method fills any struct of that shape.
type http2StreamError struct {
	StreamID uint32
	Code     uint32
	Cause    error
}

func (http2StreamError) Error() string { return "retry: HTTP/2 stream error" }

func is[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

// hasOp reports whether any OpError in err's chain has one of ops. One may wrap another: a proxy's TLS alert does.
func hasOp(err error, ops ...string) bool {
	for {
		op, ok := errors.AsType[*net.OpError](err)
		if !ok {
			return false
		}
		for _, name := range ops {
			if op.Op == name {
				return true
			}
		}
		err = op.Err
	}
}

// Idempotent is the default of Policy.Idempotent. It reports whether processing req twice is as good as once:
//
//   - its method is GET, HEAD, OPTIONS, TRACE, PUT or DELETE (RFC 9110 section 9.2.2), QUERY (RFC 10008), or empty,
//     which net/http sends as GET; methods are case-sensitive (RFC 9110 section 9.1);
//   - or its header map has the key Idempotency-Key or X-Idempotency-Key, even with a value of length zero, which marks
//     the request without sending a field, as [http.Transport] has it;
//   - or its context comes from [AsIdempotent].
//
// It only reads, so many goroutines may call it at once. A nil request is not idempotent.
func Idempotent(req *http.Request) bool {
	if req == nil {
		return false
	}
	switch req.Method {
	case "", http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace, http.MethodPut, http.MethodDelete, "QUERY":
		return true
	}
	if _, ok := req.Header["Idempotency-Key"]; ok {
		return true
	}
	if _, ok := req.Header["X-Idempotency-Key"]; ok {
		return true
	}
	s := settingsOf(req.Context())
	return s != nil && s.idempotent
}

// fromNetwork reports whether err can only come after the request was found good.
func fromNetwork(err error) bool {
	t, ok := errors.AsType[timeout](err)
	return ok && t.Timeout() || is[*net.OpError](err) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}

// defective reports whether req is one that http.Transport refuses. The request is asked because the errors are plain
// texts. Trailers are left out, as the caller may still be filling them in, and so are odd characters in a host: over
// HTTP/1 a socket's path there is sent as an empty Host.
func defective(req *http.Request) bool {
	if req == nil {
		return false
	}
	if req.URL == nil || req.Header == nil {
		return true
	}
	if req.URL.Scheme != "http" && req.URL.Scheme != "https" {
		return true
	}
	return req.URL.Host == "" ||
		req.Method != "" && !isToken(req.Method) ||
		!validFields(req.Header)
}

func validFields(h http.Header) bool {
	for name, values := range h {
		if !isToken(name) {
			return false
		}
		for _, v := range values {
			if strings.ContainsFunc(v, isControl) {
				return false
			}
		}
	}
	return true
}

// isControl reports whether r may not stand in a field value (RFC 9110 section 5.5).
func isControl(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }

// isToken reports whether s is a token (RFC 9110 section 5.6.2).
func isToken(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return !isAlphanumeric(r) && !strings.ContainsRune("!#$%&'*+-.^_`|~", r)
	})
}

func isAlphanumeric(r rune) bool {
	return '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z'
}
