package retry

import (
	"io"
	"net"
	"net/http"
	"reflect"
	"strconv"
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
//   - [Final] if another attempt is known to be pointless: an unknown host, a malformed address, a certificate or a
//     name that is not trusted, a TLS alert that another handshake would meet again, something that is not TLS, a
//     proxy that refuses (403, 407, a wrong password over SOCKS), HTTP_1_1_REQUIRED (RFC 9113 section 7),
//     [http.ErrSkipAltProtocol], a request ended by [http.Transport.CancelRequest], and a request that net/http does
//     not send;
//   - [Unprocessed] if it is proven that nothing was sent, or that the server refused to look at it: the error is
//     what net/http returns if no connection could be had to the server, to its proxy, or through SOCKS, if the TLS
//     handshake took longer than TLSHandshakeTimeout, or for REFUSED_STREAM (RFC 9113 section 8.7);
//   - [Transient] otherwise, since half of what can go wrong in net/http has no type to know it by: so a handshake
//     that is cut off looks like a failure in the middle of the request, and so does a proxy's 503 to CONNECT unless
//     the base is the default one.
//
// A proof is read where it arises. An error that only wraps such an error proves nothing, since it may be about
// another server, a token's or that of a redirect, and neither does one that came together with a response. The
// body's own error comes back from net/http as it is: therefore only a request without a body, or with one that reads
// from memory or from an [os.File], is ever Unprocessed. The readers known to be in memory are a [bytes.Reader], a
// [bytes.Buffer] and a [strings.Reader], bare or as [http.NewRequest] and [io.NopCloser] wrap them. Of errors that
// are joined, each must prove it; and to be Final each must be pointless, of the first thousand that make up the
// error.
//
// That the request's own context is done is not a class: no request is sent again after that, whatever Classify says.
// Classify may be called by many goroutines at once. An attempt that has neither a response nor an error is Final; an
// error whose methods panic, as those of a nil pointer do, is Transient. It does not read the request's Trailer.
func Classify(a Attempt) Class { return classify(&a) }

func classify(a *Attempt) Class {
	switch {
	case a.Err == nil && a.Response == nil:
		return Final
	case a.Err == nil:
		return ClassifyStatus(a.Response.StatusCode)
	}
	return classifyError(a)
}

// class is the class that p gives to an attempt.
func (p *Policy) class(a *Attempt) Class {
	if p.Classify == nil {
		return classify(a)
	}
	return p.Classify(*a)
}

func classifyError(a *Attempt) (class Class) {
	class = Transient
	// The error is anybody's. What cannot even say what it is has proven nothing, and must not end the process.
	defer func() { _ = recover() }()
	switch {
	case every(a.Err, func(err error) bool { return pointless(a.Request, err) }):
		return Final
	case a.Response == nil && a.lost == nil && bodyCannotDial(a.Request) && unsent(a.Err):
		return Unprocessed
	case !fromNetwork(a.Err) && refused(a.Request, a.Err):
		return Final
	}
	return Transient
}

// pointless reports whether err itself, not what it wraps, says that the same request would fail in the same way again.
func pointless(req *http.Request, err error) bool {
	switch e := err.(type) {
	case *Error: // of a Gate further in; that of a side request says nothing of this one
		return e.Attempts == 0 && (e.layer == nil || e.layer.is(req))
	case connectStatus:
		return e.isRefusal()
	case *net.DNSError:
		return e.IsNotFound && !e.IsTemporary
	case *net.AddrError, *net.ParseError, net.InvalidAddrError, net.UnknownNetworkError:
		return true
	case *net.OpError:
		return e.Op == socksConnect && refusedBySOCKS(e.Err) || untrusted(err)
	}
	return err == errBrokenBase || err == http.ErrSkipAltProtocol || err == http.ErrSchemeMismatch ||
		untrusted(err) || requiresHTTP1(err) || isText(err) && (canceledByTransport(err) || refusedByProxy(req, err))
}

// isText reports whether err is nothing but a text, as errors.New makes it.
func isText(err error) bool { return reflect.TypeOf(err) == reflect.TypeOf(errBrokenBase) }

// canceledByTransport reports whether the deprecated Transport.CancelRequest ended the request, which leaves no trace
// but these two texts.
func canceledByTransport(err error) bool {
	switch err.Error() {
	case "net/http: request canceled", "net/http: request canceled while waiting for connection":
		return true
	}
	return false
}

const socksConnect = "socks connect"

// unsent reports whether err proves that the server did not act on the request. It goes by OpError.Op, not by errno:
// on Windows a socket does not return syscall.ECONNREFUSED. It is tempting to look into err with errors.As, but what
// it wraps may be of another server, or of another attempt.
func unsent(err error) bool {
	t := tree{every: true, left: maxErrors}
	t.says = func(err error) bool {
		if op, ok := err.(*net.OpError); ok {
			return op.Op == "dial" || op.Op == "proxyconnect" || op.Op == socksConnect
		}
		return isHandshakeTimeout(err) || streamCode(err) == refusedStream
	}
	t.joins = true
	return t.holds(err)
}

// fromNetwork reports whether err can only come after the request was found good.
func fromNetwork(err error) bool {
	t := tree{left: maxErrors, says: func(err error) bool {
		if t, ok := err.(timeout); ok && t.Timeout() {
			return true
		}
		_, ok := err.(*net.OpError)
		return ok || err == io.EOF || err == io.ErrUnexpectedEOF
	}}
	return t.holds(err)
}
