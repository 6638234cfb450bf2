package retry

import (
	"reflect"
	"strings"
)

// The codes of RFC 9113 section 7 that say more than that something failed.
const (
	refusedStream  = 7
	http11Required = 13
)

// http2StreamError has the fields of the stream error of net/http, whose As method fills any struct of that shape.
type http2StreamError struct {
	StreamID uint32
	Code     uint32
	Cause    error
}

// streamCode returns the code that err itself, a stream error of net/http, has, or 0.
func streamCode(err error) uint32 {
	var stream http2StreamError
	if e, ok := err.(interface{ As(any) bool }); ok && e.As(&stream) {
		return stream.Code
	}
	return 0
}

// requiresHTTP1 reports whether the server refuses HTTP/2, be it for a stream or, by GOAWAY, for the connection. The
// error of the latter is a struct or a text, depending on what came first, GOAWAY or the end of the connection.
func requiresHTTP1(err error) bool {
	if streamCode(err) == http11Required {
		return true
	}
	if isText(err) {
		return err.Error() == "http2: Transport received GOAWAY from server ErrCode:HTTP_1_1_REQUIRED"
	}
	v := reflect.ValueOf(err)
	if v.Kind() != reflect.Struct || !strings.HasSuffix(v.Type().Name(), "GoAwayError") {
		return false
	}
	code := v.FieldByName("ErrCode")
	return code.CanUint() && code.Uint() == http11Required
}
