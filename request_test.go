package retry_test

import (
	"errors"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-e3550de8/retry"
)

func TestIdempotentAsksTheMethodTheKeyAndTheContext(t *testing.T) {
	for method, want := range map[string]bool{
		"": true, "GET": true, "HEAD": true, "OPTIONS": true, "TRACE": true, "PUT": true, "DELETE": true, "QUERY": true,
		"POST": false, "PATCH": false, "CONNECT": false, "get": false, "Put": false, "PROPFIND": false, "query": false,
	} {
		assert.Equal(t, want, retry.Idempotent(place(method, "").Request), "%q", method)
		for name, header := range map[string]http.Header{
			"key":               {"Idempotency-Key": {"1"}},
			"X- key":            {"X-Idempotency-Key": {"1"}},
			"key without value": {"Idempotency-Key": nil},
			"empty key":         {"X-Idempotency-Key": {""}},
		} {
			o := once(method, "")
			o.Header = header
			assert.True(t, retry.Idempotent(o.Request), "%q with %s", method, name)
		}
		assert.True(t, retry.Idempotent(place(method, "").under(retry.AsIdempotent(t.Context())).Request), "%q", method)
	}
	o := once("POST", "")
	o.Header = http.Header{"idempotency-key": {"1"}, "X-Request-Id": {"1"}}
	assert.False(t, retry.Idempotent(o.Request), "header maps have canonical keys")
	o.Header = nil
	assert.False(t, retry.Idempotent(o.Request))
	assert.False(t, retry.Idempotent(nil))
	assert.True(t, retry.Idempotent(&http.Request{}))
}

func TestReplayableAsksForGetBodyOnlyIfThereIsABody(t *testing.T) {
	getBody := func() (io.ReadCloser, error) { return http.NoBody, nil }
	device, err := os.Open(os.DevNull)
	require.NoError(t, err)
	defer device.Close()
	for _, row := range []struct {
		name string
		req  *http.Request
		want bool
	}{
		{"nil request", nil, false},
		{"no body", &http.Request{}, true},
		{"NoBody", &http.Request{Body: http.NoBody}, true},
		{"a body", &http.Request{Body: io.NopCloser(nil)}, false},
		{"a body and its length", &http.Request{Body: io.NopCloser(nil), ContentLength: 7}, false},
		{"a body and GetBody", &http.Request{Body: io.NopCloser(nil), GetBody: getBody}, true},
		{"GetBody alone", &http.Request{GetBody: getBody}, true},
		{"like a file", &http.Request{Body: seeking(0, -1)}, true},
		{"like a file at its last byte", &http.Request{Body: seeking(6, -1)}, true},
		{"like a file at its end", &http.Request{Body: seeking(7, -1)}, false},
		{"like a file before its beginning", &http.Request{Body: seeking(-1, -1), ContentLength: 7}, false},
		{"no telling where it stands", &http.Request{Body: seeking(0, io.SeekCurrent), ContentLength: 7}, false},
		{"no telling where it ends", &http.Request{Body: seeking(0, io.SeekEnd), ContentLength: 7}, false},
		{"no way back", &http.Request{Body: seeking(0, io.SeekStart), ContentLength: 7}, false},
		{"a device", &http.Request{Body: device, ContentLength: 7}, false},
	} {
		assert.Equal(t, row.want, retry.Replayable(row.req), row.name)
	}
}

// RFC 9110 sections 5.5 and 5.6.2
func TestEachCharacterOfAMethodAFieldAndAURL(t *testing.T) {
	const token = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	class := map[bool]retry.Class{true: retry.Transient, false: retry.Final}
	send := func(text string, change func(o *order)) retry.Class {
		o := place("GET", "")
		change(o)
		return classOf(o.Request, text)
	}
	for c := range rune(0x100) {
		char, control := string(c), c < 0x20 || c == 0x7f
		isToken := strings.Contains(token, char)
		assert.Equal(t, class[isToken], send("?", func(o *order) { o.Method = "GET" + char }), "%q in a method", c)
		assert.Equal(t, class[isToken], send("?", func(o *order) { o.Header[char] = []string{""} }), "%q in a name", c)
		assert.Equal(t, class[!control || c == '\t'], send("?", func(o *order) { o.Header["A"] = []string{"a" + char} }),
			"%q in a value", c)
		assert.Equal(t, class[!control], send("net/http: can't write control character in Request.URL",
			func(o *order) { o.URL.Opaque = "/" + char }), "%q in a URL", c)
	}
	assert.Equal(t, retry.Transient, send("?", func(o *order) { o.Method = "" }))
	assert.Equal(t, retry.Final, send("?", func(o *order) { o.Method, o.URL.Scheme = "GET IT", "https" }))
	assert.Equal(t, retry.Transient, send("?", func(o *order) { o.Method, o.URL.Scheme = "GET IT", "registered" }))
	assert.Equal(t, retry.Transient, classOf(nil, "unsupported protocol scheme \"\""))
	assert.Equal(t, retry.Transient, retry.Classify(retry.Attempt{Err: errDialRefused}), "no request, no proof")
}

// A fileFunc is like a file, no struct, and seeks by a function of the whence.
type fileFunc func(whence int) (int64, error)

func (fileFunc) Read([]byte) (int, error)                  { return 0, io.EOF }
func (fileFunc) ReadAt([]byte, int64) (int, error)         { return 0, io.EOF }
func (fileFunc) Close() error                              { return nil }
func (f fileFunc) Seek(_ int64, whence int) (int64, error) { return f(whence) }

// seeking is a file of seven bytes that stands at start, and fails to seek one way.
func seeking(start int64, fails int) fileFunc {
	return func(whence int) (int64, error) {
		if whence == fails {
			return 0, errors.ErrUnsupported
		}
		return map[int]int64{io.SeekStart: start, io.SeekCurrent: start, io.SeekEnd: 7}[whence], nil
	}
}

// It stands where its end was, so nothing tells how much of it is to be sent.
func TestAnEmptyFileThatGrowsIsSentOnce(t *testing.T) {
	f, tr := note(t, ""), new(trail)
	grow := func(*http.Request) (*http.Response, error) {
		_, err := f.WriteString("a line of a log")
		_, back := f.Seek(0, io.SeekStart)
		require.NoError(t, errors.Join(err, back))
		return nil, errPeerReset
	}
	_, err := retry.New(play(grow), tr.eager(4)).RoundTrip(putting(t, io.NopCloser(f)))
	assert.Equal(t, errPeerReset, err)
	assert.Equal(t, retry.ErrNotReplayable, tr.last().Reason)
	assert.NoError(t, f.Close())
}

// A POST is sent again after a dial that was refused, if it cannot be the body that has dialed.
func TestABodyWithTrailersProvesAsMuchAsTheOneInIt(t *testing.T) {
	text := strings.NewReader("text")
	for attempts, body := range map[int]io.Reader{2: text, 1: io.MultiReader(text)} {
		s, req := play(fail(errDialRefused), answer(200)), newRequest(t, "POST", "http://api.example/", "text")
		req.Body, req.Trailer = io.NopCloser(body), http.Header{"X-Sum": {"1"}}
		resp, _ := retry.New(s, noWait).RoundTrip(req)
		drop(resp)
		assert.Equal(t, attempts, s.attempts())
	}
}
