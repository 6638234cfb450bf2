// Package xhttp2 makes a [retry.Transport] know the errors of golang.org/x/net/http2, whose Transport is in use where
// net/http's own HTTP/2 is not: over clear text before Go 1.24, or with settings that only it has.
//
//	base := &http2.Transport{}
//	client := &http.Client{Transport: retry.New(base, retry.Policy{Classify: xhttp2.Classify})}
//
// That Transport is deprecated in favour of [http.Transport], which needs none of this. Up to Go 1.26 its errors do not
// say by a method As what they are, as those of net/http do; from Go 1.27 on [retry.Classify] knows REFUSED_STREAM of
// both. And up to Go 1.26 it leaves the body of a request open for which it could get no connection.
package xhttp2

import (
	"net"

	"golang.org/x/net/http2"

	"github.com/seed-e3550de8/retry"
)

// Classify is a Policy.Classify for a base that is an [http2.Transport]. A stream that is refused with REFUSED_STREAM
// is [retry.Unprocessed] (RFC 9113 section 8.7), if the request's body reads from memory or is none: any other may be
// the source of the error itself. HTTP_1_1_REQUIRED is [retry.Final]. All else is as [retry.Classify] says.
//
// It may be called by many goroutines at once.
func Classify(a retry.Attempt) retry.Class {
	stream, ok := a.Err.(http2.StreamError)
	switch {
	case !ok:
	case stream.Code == http2.ErrCodeHTTP11Required:
		return retry.Final
	case stream.Code == http2.ErrCodeRefusedStream:
		// As a connection that could not be had: retry.Classify knows which bodies can be the source of such an error.
		a.Err = &net.OpError{Op: "dial", Net: "tcp", Err: stream}
	}
	return retry.Classify(a)
}
