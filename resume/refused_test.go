package resume_test

import (
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-e3550de8/retry"
	"github.com/seed-e3550de8/retry/httpfault"
	"github.com/seed-e3550de8/retry/resume"
)

// The first answer of each row breaks off after 400 of 1000 bytes; the second is the row's.
func TestAnAnswerThatDoesNotFitEndsTheDownload(t *testing.T) {
	const cr, multi = "Content-Range", "multipart/byteranges; boundary=x"
	type row struct {
		answer func(*origin) http.HandlerFunc
		reason error
		says   string
	}
	part := func(value string, more ...string) func(*origin) http.HandlerFunc {
		return lying(206, 400, 1000, append([]string{cr, value}, more...)...)
	}
	const right, none = "bytes 400-999/1000", "no valid Content-Range"
	lie, changed := resume.ErrRefused, resume.ErrChanged
	for name, tc := range map[string]row{
		"forged 206, the whole body": {lying(206, 0, 1000), lie, none},
		"wrong start":                {part("bytes 300-999/1000"), lie, "starts at 300 instead of 400"},
		"wrong start, whole":         {part("bytes 0-999/1000"), lie, "starts at 0 instead of 400"},
		"too far":                    {part("bytes 401-999/1000"), lie, "starts at 401 instead of 400"},
		"too short":                  {part("bytes 400-899/1000"), lie, "ends before 900 instead of 1000"},
		"wrong total":                {part("bytes 400-999/1001"), lie, "total is 1001 instead of 1000"},
		"total not told":             {part("bytes 400-999/*"), lie, "total is -1"},
		"last before first":          {part("bytes 400-399/1000"), lie, none},
		"last behind the total":      {part("bytes 400-1000/1000"), lie, none},
		"not a number":               {part("bytes +400-999/1000"), lie, none},
		"beyond any number":          {part("bytes 400-9223372036854775807/9223372036854775808"), lie, none},
		"another unit":               {part("lines 400-999/1000"), lie, none},
		"length and range":           {part(right, "Content-Length", "700"), lie, "700 bytes for a range of 600"},
		"multipart/byteranges":       {lying(206, 0, 9, "Content-Type", multi), lie, none},
		"multipart, and a range":     {part(right, "Content-Type", multi), lie, "multipart/byteranges"},
		"changed ETag":               {part(right, "Etag", `"v2"`), changed, "status 206"},
		"weak ETag":                  {part(right, "Etag", "W/"+tag), changed, "status 206"},
		"ETag missing":               {part(right, "Etag", ""), lie, "no validator"},
		"gzip on the way":            {part(right, "Content-Encoding", "gzip"), lie, "Content-Encoding is another"},
		"200, changed ETag":          {lying(200, 0, 1000, "Etag", `"v2"`), changed, "status 200"},
		"200, ETag missing":          {lying(200, 0, 1000, "Etag", ""), lie, "no validator"},
		"200, the rest":              {lying(200, 400, 1000, cr, right), lie, "part"},
		"200, another length":        {lying(200, 0, 999), lie, "999 bytes instead of 1000"},
		"200, gzip on the way":       {lying(200, 0, 1000, "Content-Encoding", "gzip"), lie, "Content-Encoding"},
		"204":                        {lying(204, 0, 0), lie, "status 204 No Content"},
		"304":                        {lying(304, 0, 0), lie, "status 304"},
		"400 to If-Range":            {lying(400, 0, 10), lie, "status 400 Bad Request"},
		"403":                        {lying(403, 0, 10), lie, "status 403"},
		"404":                        {lying(404, 0, 10, "Etag", ""), lie, "status 404"},
		"412":                        {lying(412, 0, 10), lie, "status 412"},
		"416, not at the end":        {lying(416, 0, 0, cr, "bytes */400"), lie, "status 416"},
		"416, changed":               {lying(416, 0, 0, cr, "bytes */1000", "Etag", `"v2"`), changed, "status 416"},
		"501":                        {lying(501, 0, 10), lie, "status 501"},
	} {
		t.Run(name, func(t *testing.T) {
			withOrigin(t, 1000, answers(breakAt(400), tc.answer), func(t *testing.T, s *httpfault.Server, o *origin) {
				_, bare := download(t, s.Transport(), request(t, s))
				o.requests = nil
				got, err := download(t, resume.New(s.Transport(), resume.Policy{}), request(t, s))
				requireSame(t, o.content[:400], got)
				e := requireError(t, err)
				require.ErrorIs(t, err, tc.reason)
				require.Equal(t, bare, e.First, "what there is without a Transport")
				assert.Contains(t, err.Error(), tc.says)
				assert.Equal(t, 1, e.Continuations)
				assert.Equal(t, int64(400), e.Offset)
				assert.Equal(t, int64(1000), e.Total)
				assert.NotZero(t, e.StatusCode)
				assert.False(t, e.Timeout())
				assert.Len(t, o.requests, 2)
			})
		})
	}
}

func TestAWholeIsReadAgainOnlyWhileItCostsNoMoreThanTheContent(t *testing.T) {
	const size = 1_000_000
	again := func(n int) func(*origin) http.HandlerFunc { return breaking(n, wholly(size)) }
	// Read for nothing: 0, 300,000, then 700,000, which is all that there is to spend; then no more.
	withOrigin(t, size, answers(breakAt(300_000), again(700_000), again(900_000), again(size)),
		func(t *testing.T, s *httpfault.Server, o *origin) {
			got, err := download(t, wrapped(s, resume.Policy{}), request(t, s))
			requireSame(t, o.content[:900_000], got)
			e := requireError(t, err)
			require.ErrorIs(t, err, resume.ErrRefused)
			assert.Equal(t, http.StatusOK, e.StatusCode)
			assert.Equal(t, 3, e.Continuations)
			assert.Contains(t, err.Error(), "read for nothing")
		})
}

func TestManyBreaksOfAServerWithoutRangesCostLittle(t *testing.T) {
	const size, breaks = 1_000_000, 10
	var list []func(*origin) http.HandlerFunc
	for i := 1; i < breaks; i++ {
		list = append(list, breaking(size*i/breaks, wholly(size)))
	}
	withOrigin(t, size, list, func(t *testing.T, s *httpfault.Server, o *origin) {
		got, err := download(t, wrapped(s, resume.Policy{}), request(t, s))
		require.ErrorIs(t, err, resume.ErrRefused)
		requireSame(t, o.content[:len(got)], got)
		assert.Less(t, o.sent(), int64(3*size), "and not ten times the half")
	})
}

func TestARangeNearTheEndIsNotPaidForByTheWhole(t *testing.T) {
	withOrigin(t, 1_000_000, answers(breakAt(10), wholly(1_000_000)), func(t *testing.T, s *httpfault.Server, o *origin) {
		got, err := download(t, wrapped(s, resume.Policy{}), request(t, s, "Range", "bytes=-100"))
		require.ErrorIs(t, err, resume.ErrRefused)
		requireSame(t, o.content[999_900:999_910], got)
	})
}

func TestAnErrorStaysAndTellsEverything(t *testing.T) {
	withOrigin(t, 1000, answers(breakAt(400), lying(404, 0, 10)), func(t *testing.T, s *httpfault.Server, o *origin) {
		resp, err := resume.New(s.Transport(), resume.Policy{Backoff: retry.Constant(time.Second)}).RoundTrip(request(t, s))
		require.NoError(t, err)
		_, err = io.ReadAll(resp.Body)
		_, again := resp.Body.Read(make([]byte, 1))
		require.Same(t, err, again)
		require.NoError(t, resp.Body.Close())
		_, again = resp.Body.Read(make([]byte, 1))
		require.Same(t, err, again)
		e := requireError(t, err)
		assert.Equal(t, "resume: at byte 400 of 1000 after 1 continuation: status 404 Not Found: "+e.First.Error()+
			": continuation refused", err.Error())
		require.NoError(t, resp.Body.Close(), "a second Close is none")
	})
}
