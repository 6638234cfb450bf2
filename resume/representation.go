package resume

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// A representation is what the first response said of its content, by which each continuation is measured.
type representation struct {
	span
	validator
	encoding []string // Content-Encoding
}

// represented returns the representation of a response to req, if its body can be continued.
func represented(req *http.Request, resp *http.Response) (representation, bool) {
	if resp.Body == nil || resp.Body == http.NoBody || resp.ContentLength == 0 || resp.Uncompressed {
		return representation{}, false
	}
	// The values of trailers belong to one response, and those of a continuation would be lost.
	if len(resp.Trailer) > 0 || strings.EqualFold(resp.Header.Get("Accept-Ranges"), "none") {
		return representation{}, false
	}
	s, ok1 := spanOf(req, resp)
	v, ok2 := strong(resp.Header)
	return representation{s, v, slices.Clone(resp.Header["Content-Encoding"])}, ok1 && ok2
}

// spanOf returns what a first response carries. A server may ignore a Range, and answer 200.
func spanOf(req *http.Request, resp *http.Response) (span, bool) {
	switch resp.StatusCode {
	case http.StatusOK:
		n := max(resp.ContentLength, -1)
		return span{0, n, n}, isWhole(resp.Header)
	case http.StatusPartialContent:
		s, ok := contentRange(resp.Header)
		fits := resp.ContentLength < 0 || resp.ContentLength == s.length()
		return s, ok && fits && !isMultipart(resp.Header) && len(fields(req.Header, "Range")) == 1
	}
	return span{}, false
}

// rest is the Range of a continuation. That of a 200 is open, as the request was.
func (r *representation) rest(at int64) string {
	if r.end < 0 || r.end == r.total && r.start == 0 {
		return "bytes=" + strconv.FormatInt(at, 10) + "-"
	}
	return fmt.Sprintf("bytes=%d-%d", at, r.end-1)
}

// judge says how many bytes of a continuation's content lie before at, or why it can't be used. spare is how many such
// bytes may be read for nothing. An io.EOF means that there is nothing behind at. What was not known of the span
// is learned from a continuation that is believed.
func (r *representation) judge(resp *http.Response, at, spare int64) (skip int64, err error) {
	code, content := resp.StatusCode, r.compare(resp.Header, resp.StatusCode)
	switch {
	case code == http.StatusRequestedRangeNotSatisfiable && content != changed:
		return 0, r.judgeEnd(resp, at)
	case code == http.StatusRequestedRangeNotSatisfiable:
		return 0, ErrChanged
	case code != http.StatusOK && code != http.StatusPartialContent:
		return 0, ErrRefused
	case content == changed:
		return 0, ErrChanged
	case content == silent:
		return 0, refused("its content has no validator")
	case resp.Uncompressed || !slices.Equal(resp.Header["Content-Encoding"], r.encoding):
		return 0, refused("its Content-Encoding is another")
	case code == http.StatusOK:
		return at, r.judgeWhole(resp, at, spare)
	}
	return 0, r.judgePart(resp, at)
}

// judgePart judges a 206. It is refused if it is shorter than what was asked for, although a server may do that: where
// it ends is one of the few things that tell an honest part from a confused one.
func (r *representation) judgePart(resp *http.Response, at int64) error {
	part, ok := contentRange(resp.Header)
	switch {
	case !ok:
		return refused("it has no valid Content-Range")
	case isMultipart(resp.Header):
		return refused("it is multipart/byteranges")
	case part.start != at:
		return refused("it starts at %d instead of %d", part.start, at)
	case r.total >= 0 && part.total != r.total:
		return refused("its total is %d instead of %d", part.total, r.total)
	case r.end >= 0 && part.end != r.end:
		return refused("it ends before %d instead of %d", part.end, r.end)
	case r.end < 0 && part.end != part.total:
		return refused("it ends before %d of %d", part.end, part.total)
	case resp.ContentLength >= 0 && resp.ContentLength != part.length():
		return refused("it has %d bytes for a range of %d", resp.ContentLength, part.length())
	}
	r.end, r.total = part.end, part.total
	return nil
}

// judgeWhole judges a 200 with the same validator.
func (r *representation) judgeWhole(resp *http.Response, at, spare int64) error {
	n := resp.ContentLength
	if !isWhole(resp.Header) {
		return refused("its Content-Range says that it is a part")
	}
	if n >= 0 && (r.total >= 0 && n != r.total || n < max(r.end, at)) {
		return refused("the whole has %d bytes instead of %d", n, r.total)
	}
	if at > spare {
		return refused("the whole is sent again, and too much of it would be read for nothing")
	}
	if r.end < 0 && n >= 0 {
		r.end, r.total = n, n
	}
	return nil
}

// judgeEnd judges a 416, which a server sends that has nothing behind at.
func (r *representation) judgeEnd(resp *http.Response, at int64) error {
	total, ok := unsatisfied(resp.Header)
	if ok && total == at && r.end < 0 {
		return io.EOF
	}
	return ErrRefused
}
