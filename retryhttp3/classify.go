// Package retryhttp3 makes a [retry.Transport] know the errors of HTTP/3, by quic-go, so that a POST which the server
// certainly did not see is sent again, and a certificate that is not trusted is not asked for again.
//
//	base := &http3.Transport{Dial: retryhttp3.Dial}
//	defer base.Close()
//	client := &http.Client{Transport: retry.New(base, retry.Policy{Classify: retryhttp3.Classify})}
//
// What differs from net/http as the base:
//
//   - quic-go sends a request again by itself, once, if its connection turned out to be unusable or if the server
//     rejected it. Both are one attempt.
//   - A server that vanished is noticed when [quic.Config].MaxIdleTimeout is over, 30 s by default. Set that, or an
//     AttemptTimeout. A dial is bounded by [quic.Config].HandshakeIdleTimeout, 5 s by default.
//   - [http3.MethodGet0RTT] and [http3.MethodHead0RTT] are not idempotent for [retry.Idempotent], which knows no
//     such methods. Under a Policy.Idempotent that says otherwise, a Classify must make 425 Final for them: after that
//     nothing may be sent as early data again (RFC 8470 section 5.2), and a retry has the method of the request.
//   - The empty method is not taken for GET, and sent as it is. [http.NewRequest] and the like set a method.
//   - A body of a request may be closed twice, if the attempt ends with its context.
//   - A body whose Read fails is sent as if it had ended there, up to quic-go 0.65. Declare a ContentLength, so that
//     the server can tell.
//
// The conformance kit of package retrytest, with its Claims.Serve, is run over an [http3.Transport] in a bubble of
// testing/synctest: quic-go's testutils/simnet has the network in memory for it, and its timers follow the bubble's
// clock. The subtests that stay with net/http there are named at Claims.Serve. [Dial], whose sockets are those of the
// system, is tested over the loopback interface.
//
// Package xhttp2 below is the same for the Transport of golang.org/x/net/http2.
package retryhttp3

import (
	"crypto/tls"
	"net"
	"reflect"
	"strings"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"

	"github.com/seed-e3550de8/retry"
)

// Classify is a Policy.Classify for a base that is an [http3.Transport], or passes on its errors as they are. An error
// is
//
//   - [retry.Unprocessed] if there was no connection: [Dial] failed, or without that, the handshake took too long,
//     the server sent CONNECTION_REFUSED (RFC 9000 section 20.1), there was no QUIC version in common, or the name
//     could not be looked up for now; if no stream could be opened, because the connection is closed or in graceful
//     shutdown (RFC 9114 section 5.2); or if the stream was rejected with H3_REQUEST_REJECTED (RFC 9114 section
//     4.1.1). With a method of 0-RTT only a Dial that failed proves that: such a request may be sent before the
//     handshake is over;
//   - [retry.Final] if the certificate is not trusted, or for any other TLS alert that another handshake would meet
//     again, from either side; and for [http3.ErrTransportClosed];
//   - as [retry.Classify] says otherwise, and so is a response.
//
// It may be called by many goroutines at once.
func Classify(a retry.Attempt) (class retry.Class) {
	if a.Err == nil || a.Response != nil {
		return retry.Classify(a)
	}
	as := a
	defer func() {
		if recover() != nil { // the error is anybody's, and what cannot even say what it is has proven nothing
			class = retry.Classify(as)
		}
	}()
	alert, isAlert := alertOf(a.Err)
	switch {
	case a.Err == http3.ErrTransportClosed:
		return retry.Final
	case isAlert: // as it would come from net/http, over TCP
		a.Err = &net.OpError{Op: "remote error", Net: "udp", Err: alert}
	}
	class = retry.Classify(a)
	if class == retry.Transient && !isAlert && !early(a) && unsent(a.Err) {
		return retry.Unprocessed
	}
	return class
}

// early reports whether a's request may be sent before the handshake is over.
func early(a retry.Attempt) bool {
	return a.Request == nil || a.Request.Method == http3.MethodGet0RTT || a.Request.Method == http3.MethodHead0RTT
}

// alertOf returns the TLS alert that err itself is, over QUIC (RFC 9001 section 4.8), or what [Dial] or package http3
// say of it.
func alertOf(err error) (tls.AlertError, bool) {
	if op, ok := err.(*net.OpError); ok && op.Op == "dial" {
		err = op.Err
	} else if inner := insideHTTP3(err); inner != nil {
		err = inner
	}
	e, ok := err.(*quic.TransportError)
	if !ok || !e.ErrorCode.IsCryptoError() {
		return 0, false
	}
	return tls.AlertError(e.ErrorCode - 0x100), true
}

// unsent reports whether err proves that the server did not act on the request. It is tempting to use errors.As, as
// quic-go does, but an error of a base around it may wrap that of another request, a token's.
func unsent(err error) bool {
	switch e := err.(type) {
	case *quic.HandshakeTimeoutError, *quic.VersionNegotiationError:
		return true
	case *quic.TransportError:
		return e.Remote && e.ErrorCode == quic.ConnectionRefused
	case *net.OpError:
		return e.Op == "dial"
	case *net.DNSError:
		return !e.IsNotFound || e.IsTemporary
	case *http3.Error:
		return isRejected(e)
	}
	if isUnusable(err) {
		return true
	}
	inner, ok := insideHTTP3(err).(*http3.Error)
	return ok && isRejected(inner)
}

// isRejected is about a stream. A connection that is closed with that code says nothing of this request.
func isRejected(e *http3.Error) bool {
	_, stream := e.Unwrap().(*quic.StreamError)
	return stream && e.Remote && e.ErrorCode == http3.ErrCodeRequestRejected
}

// isUnusable reports whether err is what quic-go returns if no stream could be opened. Its type is not exported.
func isUnusable(err error) bool {
	t := reflect.TypeOf(err)
	return t.Kind() == reflect.Pointer && t.Elem().Name() == "errConnUnusable" &&
		t.Elem().PkgPath() == reflect.TypeFor[http3.Error]().PkgPath()
}

// insideHTTP3 returns what package http3 has wrapped to say what it was doing, or nil.
func insideHTTP3(err error) error {
	wrapper, ok := err.(interface{ Unwrap() error })
	if !ok || !strings.HasPrefix(err.Error(), "http3: ") {
		return nil
	}
	return wrapper.Unwrap()
}
