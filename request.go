package retry

import (
	"bytes"
	"io"
	"net/http"
	"os"
	"reflect"
	"strings"
)

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
	case "", http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace,
		http.MethodPut, http.MethodDelete, "QUERY":
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

// Replayable reports whether the body of req can be sent again. A nil request is not replayable. A body is if
//
//   - there is none;
//   - GetBody makes a new one, as [http.NewRequest] sets it for the readers of bytes and strings, and [SetBody] for all
//     that can be read at an offset;
//   - it is a file of more than no bytes: an [os.File] that is a regular one, or anything else that is an [io.ReaderAt]
//     and an [io.Seeker], also if [http.NewRequest] has wrapped it.
//
// Each attempt reads a file by ReadAt, from where it stands now up to ContentLength, if that is declared, or else to
// where the file ends now. Its offset stays. It is closed once, when the request and all its attempts are done with it.
// An attempt fails by [io.ErrUnexpectedEOF] if the file has become shorter.
// On Linux it is opened once more, by its descriptor, so that the kernel sends it over TCP as it would without this
// package; other systems copy it.
//
// No other body is ever buffered or rewound, since an earlier attempt may still be reading it. So pipes, sockets and
// devices are sent once, and so is a type that embeds a file, as its own Read may read otherwise.
//
// A request with a body and trailers is not sent again while an earlier attempt may still be reading its body: whoever
// reads it sets their values in the one map Trailer.
func Replayable(req *http.Request) bool {
	if req == nil {
		return false
	}
	if !hasOneBody(req) {
		return true
	}
	_, _, ok := extent(req, fileOf(req))
	return ok
}

// bodyCannotDial reports whether the body of req cannot be where an error came from that looks like one of a
// connection. net/http returns the error of a body's Read as it is, and a body may be fed from another server.
func bodyCannotDial(req *http.Request) bool {
	return req != nil && (!hasBody(req) || readsHere(req.Body))
}

// readsHere reports whether r reads from memory or from a file, whose errors are all of type fs.PathError. It looks
// inside of io.NopCloser as net/http does, and inside of the readers of package io that tell what they read from. A
// body of this package's own says it by a method.
func readsHere(r any) bool {
	switch r := r.(type) {
	case *bytes.Reader, *bytes.Buffer, *strings.Reader, *os.File:
		return true
	case *io.SectionReader:
		inner, _, _ := r.Outer()
		return readsHere(inner)
	case *io.LimitedReader:
		return readsHere(r.R)
	case interface{ cannotDial() bool }:
		return r.cannotDial()
	}
	inner, wrapped := insideNopCloser(r)
	return wrapped && readsHere(inner)
}

// insideNopCloser returns what r was before io.NopCloser wrapped it, as http.NewRequest does, and whether that is so.
// The two types behind io.NopCloser have no names here. They are not kept in variables, since that would be work for
// each program that starts.
func insideNopCloser(r any) (any, bool) {
	switch reflect.TypeOf(r) {
	case reflect.TypeOf(io.NopCloser(nil)), reflect.TypeOf(io.NopCloser((*bytes.Reader)(nil))):
		return reflect.ValueOf(r).Field(0).Interface(), true
	}
	return r, false
}

// refused reports whether err, which has no type to know it by, is about a request that net/http does not send: before
// it has a connection, or as it writes the request.
func refused(req *http.Request, err error) bool {
	if req == nil {
		return false
	}
	return defective(req) || refusedByWriter(req, err.Error())
}

// defective reports whether req is one that http.Transport refuses at once. The request is asked because the errors are
// plain texts. A scheme that is not HTTP is no defect, it may be registered; and neither are odd characters in a host:
// over HTTP/1 a socket's path there is sent as an empty Host.
func defective(req *http.Request) bool {
	if req.URL == nil || req.Header == nil {
		return true
	}
	if !isHTTP(req) {
		return false
	}
	return req.URL.Host == "" ||
		req.Method != "" && !isToken(req.Method) ||
		!validFields(req.Header)
}

func isHTTP(req *http.Request) bool { return req.URL.Scheme == "http" || req.URL.Scheme == "https" }

// A refusal is what net/http says of a request that it does not write, where it may be good over another protocol, or
// to another base. Hence text and request must both have it.
type refusal struct {
	text string
	has  func(*http.Request) bool
}

// refusals leave the keys of Trailer alone, since the caller may still be filling it in.
var refusals = []refusal{
	{"unsupported protocol scheme ", func(r *http.Request) bool { return !isHTTP(r) }},
	{" with nil Body", func(r *http.Request) bool { return r.Body == nil && r.ContentLength != 0 }},
	{" with Body length ", hasFixedBody},
	{"request body larger than specified content length", hasFixedBody},
	{"can't write control character in Request.URL", hasControlInURL},
	{"invalid request :path ", func(r *http.Request) bool { return !strings.HasPrefix(r.URL.RequestURI(), "/") }},
	{"invalid Host header", func(r *http.Request) bool { return r.Host+r.URL.Host != "" }},
	{"idna: ", func(r *http.Request) bool { return strings.ContainsFunc(r.Host+r.URL.Host, isForeign) }},
	{"invalid trailer field ", hasTrailer},
	{"invalid Trailer key ", hasTrailer},
	{"invalid Upgrade request header", func(r *http.Request) bool { return len(r.Header["Upgrade"]) > 0 }},
	{"invalid Transfer-Encoding request header", func(r *http.Request) bool {
		return len(r.Header["Transfer-Encoding"]) > 0
	}},
	{"invalid Connection request header", func(r *http.Request) bool { return len(r.Header["Connection"]) > 0 }},
	{"request header list larger than peer's advertised limit", func(r *http.Request) bool {
		return len(r.Header) > 0
	}},
}

func refusedByWriter(req *http.Request, text string) bool {
	for _, one := range refusals {
		if strings.Contains(text, one.text) && one.has(req) {
			return true
		}
	}
	return false
}

func hasControlInURL(req *http.Request) bool {
	return strings.ContainsFunc(req.URL.RequestURI(), func(r rune) bool { return r == '\t' || isControl(r) })
}

// hasFixedBody reports whether the body has the same length in every attempt.
func hasFixedBody(req *http.Request) bool { return req.ContentLength > 0 && bodyCannotDial(req) }

func hasTrailer(req *http.Request) bool { return req.Trailer != nil }

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

func isForeign(r rune) bool { return r >= 0x80 }

// isToken reports whether s is a token (RFC 9110 section 5.6.2).
func isToken(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return !isAlphanumeric(r) && !strings.ContainsRune("!#$%&'*+-.^_`|~", r)
	})
}

func isAlphanumeric(r rune) bool {
	return '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z'
}
