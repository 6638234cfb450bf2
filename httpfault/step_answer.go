package httpfault

import (
	"net/http"
	"net/textproto"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A reply is what a step that answers says.
type reply struct {
	status     int // 0 is 200
	infos      []info
	header     []field
	trailer    []field
	retryAfter func(now time.Time) string
	skew       time.Duration
	body       body
}

type field struct{ key, value string }

type info struct {
	code, times int
	header      []field
}

func (a *reply) code() int {
	if a.status == 0 {
		return http.StatusOK
	}
	return a.status
}

// Header adds a field to the response's header. Fields of the same name are all sent. What is no field
// (RFC 9110 5.1, 5.5) is a mistake; for that see [MalformedHeader] and [Raw].
func (s Step) Header(key, value string) Step {
	s = s.named(".Header(%q, %s)", key, brief(value)).answers().field(key, value)
	if _, err := strconv.ParseUint(value, 10, 63); err != nil && strings.EqualFold(key, "Content-Length") {
		return s.mistake("a length has digits alone; for another see Raw")
	}
	s.answer.header = with(s.answer.header, field{key, value})
	return s
}

// Trailer adds a field to the trailer after the body, which it makes chunked
// over HTTP/1. It is announced in the Trailer field of the header. A field that
// frames or announces the content is a mistake (RFC 9110 6.5.1).
func (s Step) Trailer(key, value string) Step {
	s = s.named(".Trailer(%q, %s)", key, brief(value)).answers().field(key, value)
	key = textproto.CanonicalMIMEHeaderKey(key)
	switch key {
	case "Content-Length", "Transfer-Encoding", "Trailer":
		return s.mistake("the field is not allowed in a trailer")
	}
	s.answer.trailer = with(s.answer.trailer, field{key, value})
	s.answer.body.chunked = true
	return s
}

// tokenChars are those of RFC 9110 5.6.2.
const tokenChars = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

// field marks a mistake unless key and value can be sent: the http.Server would
// leave the one out, and change the other, without a word.
func (s Step) field(key, value string) Step {
	if key == "" || strings.Trim(key, tokenChars) != "" {
		return s.mistake("%q is no field name", key)
	}
	if !isFieldValue(value) {
		return s.mistake("a field's value has no control characters")
	}
	return s
}

// isFieldValue is RFC 9110 5.5's rule, but for the spaces around it.
func isFieldValue(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f })
}

// Informational sends n responses with the 1xx status code before the answer, each with a Link
// field if code is 103. A client bears only so many: net/http as many bytes of them, with
// the answer's header, as Transport.MaxResponseHeaderBytes says, 10 MiB by default.
func (s Step) Informational(code, n int) Step {
	s = s.named(".Informational(%d, %d)", code, n).answers()
	if code < 100 || code > 199 || code == http.StatusSwitchingProtocols {
		return s.mistake("%d is no informational status code; for 101 see Upgrade", code)
	}
	if n < 1 {
		return s.mistake("%d is no number of responses", n)
	}
	in := info{code: code, times: n}
	if code == http.StatusEarlyHints {
		in.header = []field{{"Link", "</style.css>; rel=preload; as=style"}}
	}
	s.answer.infos = with(s.answer.infos, in)
	return s
}

// Close says Connection: close and closes the connection after the
// answer. Over HTTP/2 that is a GOAWAY with NO_ERROR.
func (s Step) Close() Step {
	s = s.named(".Close()").answers()
	s.answer.header = with(s.answer.header, field{"Connection", "close"})
	return s
}

// RetryAfter says Retry-After in seconds (RFC 9110 10.2.3). A d that is not whole
// seconds is a mistake; for other text use [Step.Header].
func (s Step) RetryAfter(d time.Duration) Step {
	s = s.named(".RetryAfter(%v)", d).answers()
	if d < 0 || d%time.Second != 0 {
		return s.mistake("Retry-After has whole seconds, and no negative ones")
	}
	text := strconv.FormatInt(int64(d/time.Second), 10)
	s.answer.retryAfter = func(time.Time) string { return text }
	return s
}

// A DateForm is one of the three forms of an HTTP-date (RFC 9110 5.6.7).
type DateForm int

const (
	IMFFixdate DateForm = iota // Sun, 06 Nov 1994 08:49:37 GMT
	RFC850                     // Sunday, 06-Nov-94 08:49:37 GMT
	ASCTime                    // Sun Nov  6 08:49:37 1994
)

func (f DateForm) layout() string {
	switch f {
	case IMFFixdate:
		return http.TimeFormat
	case RFC850:
		return "Monday, 02-Jan-06 15:04:05 GMT"
	case ASCTime:
		return time.ANSIC
	}
	return ""
}

// RetryAfterDate says Retry-After as the date that the server's clock will show
// after d, in one of three forms. A negative d is a date in the past. Dates have
// whole seconds: the fraction is cut off, as it is in the Date field.
func (s Step) RetryAfterDate(d time.Duration, form DateForm) Step {
	s = s.named(".RetryAfterDate(%v, %d)", d, int(form)).answers()
	layout := form.layout()
	if layout == "" {
		return s.mistake("no DateForm has the number %d", int(form))
	}
	s.answer.retryAfter = func(now time.Time) string { return now.Add(d).UTC().Format(layout) }
	return s
}

// Clock makes the server's clock wrong by skew: its Date field, and its Retry-After
// if that is a date. A positive skew is a clock that is ahead.
func (s Step) Clock(skew time.Duration) Step {
	s = s.named(".Clock(%v)", skew).answers()
	s.answer.skew = skew
	return s
}

// writeInfo writes informational responses. Over HTTP/2 it does so itself, because the http.Server
// may read its header map for longer than WriteHeader lasts, if the client resets the stream.
func (x *exchange) writeInfo(in info) {
	if x.stream != 0 {
		block := appendLiterals(nil, append([]field{{":status", strconv.Itoa(in.code)}}, in.header...))
		for range in.times {
			x.unlessOver()
			x.conn.inject(frameHeaders, flagEndHeaders, x.stream, block)
		}
		return
	}
	h := x.w.Header()
	for _, f := range in.header {
		h.Add(f.key, f.value)
	}
	for range in.times {
		x.unlessOver()
		x.w.WriteHeader(in.code)
	}
	for _, f := range in.header {
		h.Del(f.key)
	}
}

// writeHeader writes the informational responses and the header.
func (x *exchange) writeHeader(a *reply, length int64) {
	for _, in := range a.infos {
		x.writeInfo(in)
	}
	h := x.w.Header()
	now := time.Now().Add(a.skew)
	h.Set("Date", now.UTC().Format(http.TimeFormat))
	if a.retryAfter != nil {
		h.Set("Retry-After", a.retryAfter(now))
	}
	if a.body.gzip {
		h.Set("Content-Encoding", "gzip")
	}
	for i, f := range a.trailer {
		if !slices.ContainsFunc(a.trailer[:i], func(g field) bool { return g.key == f.key }) {
			h.Add("Trailer", f.key) // once: the http.Server sends a field as often as it is announced
		}
	}
	for _, f := range a.header {
		h.Add(f.key, f.value)
	}
	if length >= 0 && !a.body.chunked && h.Get("Content-Length") == "" && bodyAllowed(a.code()) {
		h.Set("Content-Length", strconv.FormatInt(length, 10))
	}
	x.w.WriteHeader(a.code())
}

// bodyAllowed is RFC 9110 6.4.1's rule, but for requests with HEAD.
func bodyAllowed(code int) bool {
	return code != http.StatusNoContent && code != http.StatusNotModified
}
