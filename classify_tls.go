package retry

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"reflect"
)

// untrusted reports whether err is a failure of TLS that another handshake would only repeat: trust that is missing, or
// nothing that both sides speak. Damage is another matter, a bit that was flipped on the way. A record header that is
// none is the one or the other: only the first record of a connection leaves the Conn in its error.
func untrusted(err error) bool {
	switch e := err.(type) {
	case *tls.CertificateVerificationError, *tls.ECHRejectionError, x509.UnknownAuthorityError, x509.HostnameError,
		x509.CertificateInvalidError, x509.ConstraintViolationError, x509.UnhandledCriticalExtension,
		x509.InsecureAlgorithmError:
		return true
	case tls.RecordHeaderError:
		return e.Conn != nil
	case tls.AlertError:
		return isLasting(uint64(e))
	case *net.OpError:
		// The alert in it has a type of its own, which is not exported.
		alert := reflect.ValueOf(e.Err)
		return (e.Op == "remote error" || e.Op == "local error") &&
			alert.Kind() == reflect.Uint8 && isLasting(alert.Uint())
	}
	return false
}

// isLasting reports whether a TLS alert (RFC 8446 section 6.2, RFC 5246 section 7.2.2, and the registry of IANA) is
// about what another handshake has too: certificates, names, rights, and what the two sides have in common.
//
// The others come of damage and of passing trouble, or cannot be told from that: unexpected_message (10),
// bad_record_mac (20), decryption_failed (21), record_overflow (22), decompression_failure (30), illegal_parameter
// (47), decode_error (50), decrypt_error (51), internal_error (80), user_canceled (90), certificate_unobtainable
// (111), unknown_psk_identity (115), general_error (117), and the numbers that nobody has registered.
func isLasting(alert uint64) bool {
	switch alert {
	case 40, // handshake_failure: no parameters in common
		41,  // no_certificate
		42,  // bad_certificate
		43,  // unsupported_certificate
		44,  // certificate_revoked
		45,  // certificate_expired
		46,  // certificate_unknown
		48,  // unknown_ca
		49,  // access_denied
		60,  // export_restriction
		70,  // protocol_version
		71,  // insufficient_security
		86,  // inappropriate_fallback
		100, // no_renegotiation
		109, // missing_extension
		110, // unsupported_extension
		112, // unrecognized_name
		113, // bad_certificate_status_response
		114, // bad_certificate_hash_value
		116, // certificate_required
		120, // no_application_protocol
		121: // ech_required
		return true
	}
	return false
}

// isHandshakeTimeout reports whether err is that of Transport.TLSHandshakeTimeout. Only net/http can make a value of
// its type, and does so only for a connection that no request was sent on.
func isHandshakeTimeout(err error) bool {
	t := reflect.TypeOf(err)
	return t.PkgPath() == "net/http" && t.Name() == "tlsHandshakeTimeoutError"
}
