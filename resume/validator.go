package resume

import (
	"net/http"
	"strings"
	"time"
)

// A validator is what a response says of the identity of its content. It is strong: content with the same validator
// has the same bytes (RFC 9110 section 8.8.1). One of the two is empty.
type validator struct {
	etag     string
	modified string // an HTTP-date, as the server wrote it
}

// strong returns the strong validator of a response, if it has one. With an ETag that is weak, a Last-Modified does not
// help, since If-Range must not have a date then (RFC 9110 section 13.1.5).
func strong(h http.Header) (validator, bool) {
	switch tags := h["Etag"]; {
	case len(tags) == 1 && strongTag(tags[0]):
		return validator{etag: tags[0]}, true
	case len(tags) > 0:
		return validator{}, false
	}
	dates := h["Last-Modified"]
	if len(dates) != 1 || !strongDate(dates[0], h.Get("Date")) {
		return validator{}, false
	}
	return validator{modified: dates[0]}, true
}

// strongTag reports whether tag is an opaque-tag (RFC 9110 section 8.8.3).
func strongTag(tag string) bool {
	if len(tag) < 2 || tag[0] != '"' || tag[len(tag)-1] != '"' {
		return false
	}
	return !strings.ContainsFunc(tag[1:len(tag)-1], func(r rune) bool { return r <= ' ' || r == '"' || r == 0x7f })
}

// strongDate reports whether content modified then, and sent at date, can't have changed again within the same second:
// date is at least a second later. Both are taken to be read from one clock, the server's (RFC 9110 section 8.8.2.2).
func strongDate(modified, date string) bool {
	m, err1 := http.ParseTime(modified)
	d, err2 := http.ParseTime(date)
	return err1 == nil && err2 == nil && d.Sub(m) >= time.Second
}

// value is what goes into If-Range.
func (v validator) value() string { return v.etag + v.modified }

// A verdict is what a validator says of a later response.
type verdict int

const (
	same verdict = iota
	silent
	changed
)

// compare says whether a later response has the same content. A 206 to an If-Range need not repeat Last-Modified, but
// must repeat an ETag (RFC 9110 section 15.3.7).
func (v validator) compare(h http.Header, status int) verdict {
	name, want := "Etag", v.etag
	if want == "" {
		if len(h["Etag"]) > 0 {
			return changed
		}
		name, want = "Last-Modified", v.modified
	}
	switch values := h[name]; {
	case len(values) == 1 && values[0] == want:
		return same
	case len(values) > 0:
		return changed
	case name == "Last-Modified" && status == http.StatusPartialContent:
		return same
	}
	return silent
}
