package resume

import "net/http"

// ContentRange is contentRange, for its fuzz test.
func ContentRange(h http.Header) (start, end, total int64, ok bool) {
	s, ok := contentRange(h)
	return s.start, s.end, s.total, ok
}
