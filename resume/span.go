package resume

import (
	"net/http"
	"strconv"
	"strings"
)

// A span is the part of a representation that a response carries.
type span struct {
	start int64 // the offset of its first byte
	end   int64 // the offset after its last byte: start < end, or -1 if it is not known
	total int64 // the length of the representation: end <= total, or -1 if it is not known
}

// length is how many bytes the span has, or -1.
func (s span) length() int64 {
	if s.end < 0 {
		return -1
	}
	return s.end - s.start
}

// contentRange reads the Content-Range of a 206 (RFC 9110 section 14.4). One whose last byte lies before its first, or
// behind the end, is none.
func contentRange(h http.Header) (span, bool) {
	value, total, ok := cutContentRange(h)
	if !ok {
		return span{}, false
	}
	a, b, ok := strings.Cut(value, "-")
	first, ok1 := offset(a)
	last, ok2 := offset(b)
	if !ok || !ok1 || !ok2 || last < first || total >= 0 && last >= total {
		return span{}, false
	}
	return span{first, last + 1, total}, true
}

// unsatisfied reads the Content-Range of a 416, which names the length alone (RFC 9110 section 15.5.17).
func unsatisfied(h http.Header) (total int64, ok bool) {
	value, total, ok := cutContentRange(h)
	return total, ok && value == "*" && total >= 0
}

// isWhole reports whether a 200 has the content from its start. Content-Range means nothing there (RFC 9110 section
// 14.4), but servers exist that send a part so.
func isWhole(h http.Header) bool {
	s, ok := contentRange(h)
	return len(h["Content-Range"]) == 0 || ok && s.start == 0 && s.end == s.total
}

// isMultipart reports whether a 206 has parts with headers of their own, whose own Content-Ranges count (RFC 9110
// section 15.3.7.2).
func isMultipart(h http.Header) bool {
	kind, _, _ := strings.Cut(h.Get("Content-Type"), ";")
	return strings.EqualFold(strings.TrimSpace(kind), "multipart/byteranges")
}

func cutContentRange(h http.Header) (value string, total int64, ok bool) {
	values := h["Content-Range"]
	if len(values) != 1 {
		return "", 0, false
	}
	unit, rest, ok1 := strings.Cut(values[0], " ")
	value, length, ok2 := strings.Cut(rest, "/")
	if !ok1 || !ok2 || !strings.EqualFold(unit, "bytes") {
		return "", 0, false
	}
	if length == "*" {
		return value, -1, true
	}
	total, ok = offset(length)
	return value, total, ok
}

// singleRange reports whether a request's Range is one of the forms a-b, a- and -n (RFC 9110 section 14.1.1).
func singleRange(value string) bool {
	unit, set, ok := strings.Cut(value, "=")
	a, b, dash := strings.Cut(strings.TrimSpace(set), "-")
	if !ok || !dash || !strings.EqualFold(unit, "bytes") {
		return false
	}
	first, ok1 := offset(a)
	last, ok2 := offset(b)
	switch {
	case a == "":
		return ok2
	case b == "":
		return ok1
	}
	return ok1 && ok2 && first <= last
}

// offset reads digits, and nothing else. The last number is left out, so that 1 can be added to any.
func offset(digits string) (int64, bool) {
	n, err := strconv.ParseUint(digits, 10, 63)
	return int64(n), err == nil && n < 1<<63-1
}

// fields returns the values of a field under any spelling of its name: a header map may hold a name that is not
// canonical, which net/http sends as it stands.
func fields(h http.Header, name string) (values []string) {
	for key, v := range h {
		if strings.EqualFold(key, name) {
			values = append(values, v...)
		}
	}
	return values
}

// remove deletes a field under any spelling of its name.
func remove(h http.Header, name string) {
	for key := range h {
		if strings.EqualFold(key, name) {
			delete(h, key)
		}
	}
}
