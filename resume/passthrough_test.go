package resume_test

import (
	"compress/gzip"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-e3550de8/retry"
	"github.com/seed-e3550de8/retry/httpfault"
	"github.com/seed-e3550de8/retry/resume"
)

// witness is a base that remembers what it was given and what it gave.
type witness struct {
	http.RoundTripper
	requests []*http.Request
	attempts []int
	resp     *http.Response
	body     io.ReadCloser
}

func (w *witness) RoundTrip(req *http.Request) (*http.Response, error) {
	w.requests = append(w.requests, req)
	w.attempts = append(w.attempts, retry.AttemptNumber(req.Context()))
	resp, err := w.RoundTripper.RoundTrip(req)
	if w.resp == nil && resp != nil {
		w.resp, w.body = resp, resp.Body
	}
	return resp, err
}

func TestWhatCannotBeContinuedPassesUntouched(t *testing.T) {
	const size = 1000
	date := func(before time.Duration) string { return time.Now().Add(-before).UTC().Format(http.TimeFormat) }
	fields := func(list ...string) func(*origin) http.HandlerFunc {
		return breaking(400, lying(200, 0, size, list...))
	}
	part := func(list ...string) func(*origin) http.HandlerFunc {
		return breaking(40, lying(206, 100, 200, list...))
	}
	const old = "Sat, 01 Jan 1994 00:00:00 GMT"
	const cr, ct, multi = "Content-Range", "Content-Type", "multipart/byteranges; boundary=x"
	asked := []string{"Range", "bytes=100-199"}
	// Times are those of the bubble, in which the clock starts at the same moment each time.
	var now, young, future string
	synctest.Test(t, func(*testing.T) { now, young, future = date(0), date(999*time.Millisecond), date(-time.Hour) })
	for name, tc := range map[string]struct {
		answer  func(*origin) http.HandlerFunc
		request []string
		policy  resume.Policy
	}{
		"no validator":                        {answer: fields("Etag", "")},
		"weak ETag":                           {answer: fields("Etag", "W/"+tag)},
		"weak ETag with a Last-Modified":      {answer: fields("Etag", "W/"+tag, "Last-Modified", old)},
		"ETag without quotes":                 {answer: fields("Etag", "v1")},
		"ETag with a space":                   {answer: fields("Etag", `"v 1"`)},
		"ETag of one quote":                   {answer: fields("Etag", `"`)},
		"Last-Modified of this second":        {answer: fields("Etag", "", "Last-Modified", now)},
		"Last-Modified of less than a second": {answer: fields("Etag", "", "Last-Modified", young, "Date", young)},
		"Last-Modified in the future":         {answer: fields("Etag", "", "Last-Modified", future)},
		"Last-Modified that is no date":       {answer: fields("Etag", "", "Last-Modified", "yesterday")},
		"Accept-Ranges: none":                 {answer: fields("Accept-Ranges", "none")},
		"trailers":                            {answer: fields("Trailer", "X-Sum")},
		"nothing to read":                     {answer: lying(200, 0, 0)},
		"not a success":                       {answer: breaking(40, lying(404, 0, size))},
		"203":                                 {answer: breaking(40, lying(203, 0, size))},
		"several ranges":                      {answer: fields(), request: []string{"Range", "bytes=0-1,5-6"}},
		"another unit":                        {answer: fields(), request: []string{"Range", "lines=0-1"}},
		"malformed range":                     {answer: fields(), request: []string{"Range", "bytes=5-1"}},
		"range of nothing":                    {answer: fields(), request: []string{"Range", "bytes=-"}},
		"signed range":                        {answer: fields(), request: []string{"Range", "bytes=+1-"}},
		"206 that nobody asked for":           {answer: part(cr, "bytes 100-199/1000")},
		"206 without Content-Range":           {answer: part(), request: asked},
		"206, another length":                 {answer: part(cr, "bytes 0-8/1000", "Content-Length", "10"), request: asked},
		"206, many parts":                     {answer: part(cr, "bytes 100-199/1000", ct, multi), request: asked},
		"200 that is a part":                  {answer: fields(cr, "bytes 100-1099/1100"), request: asked},
		"200 with a strange Content-Range":    {answer: fields(cr, "lines 1-2/3")},
		"negative MaxContinuations":           {answer: fields(), policy: resume.Policy{MaxContinuations: -1}},
	} {
		t.Run(name, func(t *testing.T) {
			withOrigin(t, size, answers(tc.answer), func(t *testing.T, s *httpfault.Server, o *origin) {
				requireUntouched(t, s, request(t, s, tc.request...), tc.policy, o)
			})
		})
	}
}

// requireUntouched demands that the base's request, response and body are the caller's, and that nothing is continued.
func requireUntouched(t *testing.T, s *httpfault.Server, req *http.Request, p resume.Policy, o *origin) {
	t.Helper()
	base := &witness{RoundTripper: s.Transport()}
	resp, err := resume.New(base, p).RoundTrip(req)
	require.NoError(t, err)
	require.Same(t, req, base.requests[0])
	require.Same(t, base.resp, resp)
	require.True(t, base.body == resp.Body, "the body is the one of the base")
	_, err = io.ReadAll(resp.Body)
	var e *resume.Error
	assert.NotErrorAs(t, err, &e)
	require.NoError(t, resp.Body.Close())
	assert.Len(t, o.requests, 1)
}

func TestOtherRequestsPassUntouched(t *testing.T) {
	for name, change := range map[string]func(*http.Request){
		"HEAD":            func(r *http.Request) { r.Method = http.MethodHead },
		"POST":            func(r *http.Request) { r.Method = http.MethodPost },
		"GET with a body": func(r *http.Request) { r.Body = io.NopCloser(strings.NewReader("x")) },
	} {
		t.Run(name, func(t *testing.T) {
			withOrigin(t, 1000, answers(breakAt(400)), func(t *testing.T, s *httpfault.Server, o *origin) {
				req := request(t, s)
				change(req)
				requireUntouched(t, s, req, resume.Policy{Identity: true}, o)
			})
		})
	}
}

// zipped answers with gzip to whom it pleases, under an ETag of its own, and breaks off.
func zipped(o *origin) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if !strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
			breakAt(400)(o)(w, r)
			return
		}
		w.Header().Set("Etag", `"v1-gzip"`)
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		z.Write(o.content)
		z.Flush()
		http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}
}

func TestADecodedBodyIsContinuedOnlyByIdentity(t *testing.T) {
	withOrigin(t, 1000, answers(zipped), func(t *testing.T, s *httpfault.Server, o *origin) {
		requireUntouched(t, s, request(t, s), resume.Policy{}, o)
	})
	withOrigin(t, 1000, answers(zipped), func(t *testing.T, s *httpfault.Server, o *origin) {
		req := request(t, s)
		got, err := download(t, wrapped(s, resume.Policy{Identity: true}), req)
		require.NoError(t, err)
		requireSame(t, o.content, got)
		assert.Equal(t, []string{"identity", "identity"}, o.received("Accept-Encoding"))
		assert.Empty(t, req.Header, "the caller's own request stays as it is")
	})
}

func TestIdentityIsNotAskedForAgainstTheCallersWord(t *testing.T) {
	for _, field := range [][]string{{"Accept-Encoding", "br"}, {"Range", "bytes=10-"}} {
		withOrigin(t, 1000, nil, func(t *testing.T, s *httpfault.Server, o *origin) {
			base, req := &witness{RoundTripper: s.Transport()}, request(t, s, field...)
			_, err := download(t, resume.New(base, resume.Policy{Identity: true}), req)
			require.NoError(t, err)
			require.Same(t, req, base.requests[0])
		})
	}
}

func TestTheFirstRequestIsTheCallersOwn(t *testing.T) {
	withOrigin(t, 1000, answers(breakAt(400)), func(t *testing.T, s *httpfault.Server, o *origin) {
		base, req := &witness{RoundTripper: s.Transport()}, request(t, s)
		got, err := download(t, resume.New(base, resume.Policy{}), req)
		require.NoError(t, err)
		requireSame(t, o.content, got)
		require.Same(t, req, base.requests[0])
		require.NotSame(t, req, base.requests[1])
		require.Equal(t, "", o.received("Range")[0])
	})
}
