package resume_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-e3550de8/retry"
	"github.com/seed-e3550de8/retry/resume"
)

var errFirst, errSecond = errors.New("first"), errors.New("second")

// A script is a base without a server: it answers each request by its next function, and keeps what it gave.
type script struct {
	answers  []func() (*http.Response, error)
	requests []*http.Request
	bodies   []*tracked
}

func (s *script) RoundTrip(req *http.Request) (*http.Response, error) {
	answer := s.answers[min(len(s.requests), len(s.answers)-1)]
	s.requests = append(s.requests, req)
	resp, err := answer()
	if resp != nil && resp.Body != nil {
		s.bodies = append(s.bodies, resp.Body.(*tracked))
	}
	return resp, err
}

type tracked struct {
	io.Reader
	closed int
}

func (b *tracked) Close() error {
	b.closed++
	return nil
}

// reply is a response whose body gives text, and then err.
func reply(status int, length int64, text string, err error, fields ...string) func() (*http.Response, error) {
	return func() (*http.Response, error) {
		body := io.Reader(strings.NewReader(text))
		if err != nil {
			body = io.MultiReader(body, iotest.ErrReader(err))
		}
		h := http.Header{"Etag": {tag}}
		for i := 0; i < len(fields); i += 2 {
			if h.Set(fields[i], fields[i+1]); fields[i+1] == "" {
				h.Del(fields[i])
			}
		}
		return &http.Response{StatusCode: status, Header: h, ContentLength: length, Body: &tracked{Reader: body}}, nil
	}
}

// part is a 206 of ten bytes in all.
func part(text string, err error, contentRange string) func() (*http.Response, error) {
	return reply(206, -1, text, err, "Content-Range", contentRange)
}

func TestWhatABaseGives(t *testing.T) {
	nobody := func() (*http.Response, error) {
		h := http.Header{"Etag": {tag}, "Content-Range": {"bytes 4-9/10"}}
		return &http.Response{StatusCode: 206, Header: h, ContentLength: -1}, nil
	}
	both := func() (*http.Response, error) {
		resp, _ := reply(200, 10, "", nil)()
		return resp, errSecond
	}
	neither := func() (*http.Response, error) { return nil, nil }
	bare404 := func() (*http.Response, error) { return &http.Response{StatusCode: 404}, nil }
	broken := func() (*http.Response, error) { return nil, errSecond }
	first, open := reply(200, 10, "0123", errFirst), reply(200, -1, "0123", errFirst)
	end := func(text string) func() (*http.Response, error) { return part(text, nil, "bytes 6-9/10") }
	twice := part("45", errSecond, "bytes 4-9/10")
	short, shortWhole := part("45", nil, "bytes 4-9/10"), reply(200, 10, "012345", nil)
	const cr, many = "Content-Range", "multipart/byteranges"
	multipart := reply(206, -1, "456789", nil, cr, "bytes 4-9/10", "Content-Type", " Multipart/ByteRanges;boundary=x")
	all := reply(200, 10, "0123456789", nil, cr, "bytes 0-9/10")
	gone, lie := reply(404, 0, "", nil), resume.ErrRefused
	type list = []func() (*http.Response, error)
	for name, tc := range map[string]struct {
		answers list
		want    string
		err     error
		says    string
	}{
		"an error":                       {list{first, broken}, "0123", errSecond, ""},
		"an error and a response":        {list{first, both}, "0123", errSecond, ""},
		"nothing":                        {list{first, neither}, "0123", nil, "neither a response nor an error"},
		"a 404 without a body":           {list{first, bare404}, "0123", lie, ""},
		"a 206 without a body":           {list{first, nobody}, "0123", retry.ErrMaxAttempts, ""},
		"two breaks":                     {list{first, twice, gone}, "012345", errSecond, ""},
		"more than it declares":          {list{reply(200, 4, "01234", nil)}, "0123", io.EOF, ""},
		"less than it declares":          {list{reply(200, 6, "0123", nil), gone}, "0123", io.ErrUnexpectedEOF, ""},
		"an error after the last byte":   {list{reply(200, 4, "0123", errFirst)}, "0123", io.EOF, ""},
		"a part with more than it says":  {list{first, part("456789abc", nil, "bytes 4-9/10")}, "0123456789", io.EOF, ""},
		"a part with less than it says":  {list{first, short, end("6789")}, "0123456789", io.EOF, ""},
		"a part short of its own total":  {list{open, part("4567", nil, "bytes 4-7/10")}, "0123", lie, "ends before 8 of 10"},
		"a 416 at the end":               {list{open, reply(416, 0, "", nil, cr, "bytes */4")}, "0123", io.EOF, ""},
		"a 416 before the end":           {list{open, reply(416, 0, "", nil, cr, "bytes */5")}, "0123", lie, "status 416"},
		"a 416 of a range":               {list{open, reply(416, 0, "", nil, cr, "bytes 0-3/4")}, "0123", lie, "status 416"},
		"a longer whole":                 {list{first, reply(200, 11, "0", nil)}, "0123", lie, "11 bytes instead of 10"},
		"a shorter whole":                {list{open, reply(200, 3, "012", nil)}, "0123", lie, "3 bytes"},
		"an open whole that is shorter":  {list{open, reply(200, -1, "012", nil), gone}, "0123", io.ErrUnexpectedEOF, ""},
		"a whole that the base decoded":  {list{first, decoded(reply(200, -1, "0", nil))}, "0123", lie, "Content-Encoding"},
		"a whole whose length is needed": {list{open, shortWhole, end("6789")}, "0123456789", io.EOF, ""},
		"many parts that say to be one":  {list{first, multipart}, "0123", lie, many},
		"a 200 that is the rest":         {list{open, reply(200, -1, "456789", nil, cr, "bytes 4-9/10")}, "0123", lie, cr},
		"a 200 that says to be all":      {list{first, all}, "0123456789", io.EOF, ""},
		"fewer than no bytes":            {list{counting(-1), gone}, "", lie, "at byte 0 "},
		"more bytes than there is room":  {list{counting(1 << 20), gone}, strings.Repeat("\x00", 512), lie, "at byte 512 "},
		"a whole that gives nothing":     {list{first, counting(0)}, "0123", retry.ErrMaxAttempts, ""},
	} {
		t.Run(name, func(t *testing.T) {
			base := &script{answers: tc.answers}
			got, err := download(t, resume.New(base, resume.Policy{Backoff: retry.Constant(0)}), get(t))
			assert.Equal(t, tc.want, string(got))
			if tc.err == io.EOF {
				require.NoError(t, err) // which is how io.ReadAll tells of it
			} else {
				e := requireError(t, err)
				assert.Contains(t, []error{errFirst, io.ErrUnexpectedEOF}, e.First)
				require.ErrorContains(t, err, tc.says)
				if tc.err != nil {
					require.ErrorIs(t, err, tc.err)
				}
			}
			for i, body := range base.bodies {
				assert.Equal(t, 1, body.closed, "body %d", i)
			}
			for _, req := range base.requests[1:] {
				assert.Error(t, req.Context().Err(), "the context of a continuation does not live on")
			}
		})
	}
}

// counting is a whole whose body says that it has read so many bytes, whatever there is room for.
func counting(n int) func() (*http.Response, error) {
	return func() (*http.Response, error) {
		resp, err := reply(200, -1, "", nil)()
		resp.Body = &tracked{Reader: counts(n)}
		return resp, err
	}
}

type counts int

func (n counts) Read([]byte) (int, error) {
	if n == 0 {
		return 0, nil
	}
	return int(n), errFirst
}

func decoded(answer func() (*http.Response, error)) func() (*http.Response, error) {
	return func() (*http.Response, error) {
		resp, err := answer()
		resp.Uncompressed = true
		return resp, err
	}
}

func get(t *testing.T) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://example.com", nil)
	require.NoError(t, err)
	return req
}
