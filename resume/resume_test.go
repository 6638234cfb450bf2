package resume_test

import (
	"io"
	"net/http"
	"slices"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-e3550de8/retry"
	"github.com/seed-e3550de8/retry/httpfault"
	"github.com/seed-e3550de8/retry/resume"
)

func TestABrokenDownloadArrivesWhole(t *testing.T) {
	const size = 100_000
	always := wholly(size)
	for name, tc := range map[string]struct {
		answers []func(*origin) http.HandlerFunc
		ranges  []string
	}{
		"unbroken":                 {nil, []string{""}},
		"at byte 0":                {answers(breakAt(0)), []string{"", "bytes=0-"}},
		"after a byte":             {answers(breakAt(1)), []string{"", "bytes=1-"}},
		"in the middle":            {answers(breakAt(50_000)), []string{"", "bytes=50000-"}},
		"at the last byte":         {answers(breakAt(size - 1)), []string{"", "bytes=99999-"}},
		"a second interruption":    {answers(breakAt(10), breakAt(20)), []string{"", "bytes=10-", "bytes=30-"}},
		"without progress, twice":  {answers(breakAt(10), breakAt(0)), []string{"", "bytes=10-", "bytes=10-"}},
		"a 200 to a Range":         {answers(breakAt(60_000), always), []string{"", "bytes=60000-"}},
		"a 200 that breaks, early": {answers(breakAt(60), breaking(9, always)), []string{"", "bytes=60-", "bytes=60-"}},
		"a 200 that breaks, late":  {answers(breakAt(60), breaking(99, always)), []string{"", "bytes=60-", "bytes=99-"}},
	} {
		t.Run(name, func(t *testing.T) {
			withOrigin(t, size, tc.answers, func(t *testing.T, s *httpfault.Server, o *origin) {
				got, err := download(t, wrapped(s, resume.Policy{}), request(t, s))
				require.NoError(t, err)
				requireSame(t, o.content, got)
				assert.Equal(t, tc.ranges, o.received("Range"))
				assert.NotContains(t, o.received("If-Range")[1:], "", "each continuation is guarded")
			})
		})
	}
}

// wholly is a whole answer to whatever is asked.
func wholly(size int) func(*origin) http.HandlerFunc {
	return lying(200, 0, size, "Content-Length", strconv.Itoa(size))
}

func TestTheCallersOwnRangeIsKeptAndNarrowed(t *testing.T) {
	const size = 1000
	for asked, tc := range map[string]struct {
		start, end int
		narrowed   string
	}{
		"bytes=0-":      {0, size, "bytes=10-"},
		"bytes=300-":    {300, size, "bytes=310-999"},
		"bytes=300-399": {300, 400, "bytes=310-399"},
		"bytes=300-999": {300, size, "bytes=310-999"},
		"bytes=0-9999":  {0, size, "bytes=10-"},
		"bytes=-50":     {950, size, "bytes=960-999"},
		"bytes=-5000":   {0, size, "bytes=10-"},
	} {
		for name, answers := range map[string][]func(*origin) http.HandlerFunc{
			"a 206": answers(breakAt(10)),
			"a 200": answers(breakAt(10), wholly(size)),
		} {
			if name == "a 200" && tc.start+10 > tc.end-tc.start {
				continue // it costs more than the range has
			}
			t.Run(asked+", then "+name, func(t *testing.T) {
				withOrigin(t, size, answers, func(t *testing.T, s *httpfault.Server, o *origin) {
					got, err := download(t, wrapped(s, resume.Policy{}), request(t, s, "Range", asked))
					require.NoError(t, err)
					requireSame(t, o.content[tc.start:tc.end], got)
					assert.Equal(t, []string{asked, tc.narrowed}, o.received("Range"))
				})
			})
		}
	}
}

func TestARangeThatTheServerIgnoresIsContinuedAsTheWhole(t *testing.T) {
	withOrigin(t, 1000, answers(breaking(10, wholly(1000))), func(t *testing.T, s *httpfault.Server, o *origin) {
		got, err := download(t, wrapped(s, resume.Policy{}), request(t, s, "Range", "bytes=500-"))
		require.NoError(t, err)
		requireSame(t, o.content, got)
		assert.Equal(t, []string{"bytes=500-", "bytes=10-"}, o.received("Range"))
	})
}

func TestAContinuationHasTheCallersFieldsAndItsOwnConditions(t *testing.T) {
	withOrigin(t, 1000, answers(breakAt(10)), func(t *testing.T, s *httpfault.Server, o *origin) {
		req := request(t, s, "Authorization", "secret", "Accept-Encoding", "br", "If-Match", tag, "If-None-Match", `"v0"`)
		req.Header["range"] = []string{"bytes=100-"} // net/http sends it as it stands
		req.Header.Set("If-Range", tag)
		header := req.Header.Clone()

		got, err := download(t, wrapped(s, resume.Policy{}), req)

		require.NoError(t, err)
		requireSame(t, o.content[100:], got)
		assert.Equal(t, header, req.Header, "the caller's own request stays as it is")
		first, second := o.requests[0], o.requests[1]
		assert.Equal(t, `"v0"`, first.Get("If-None-Match"))
		assert.Empty(t, second.Get("If-None-Match"), "the transfer is under way")
		assert.Equal(t, []string{"bytes=110-999"}, second["Range"])
		assert.Equal(t, []string{tag}, second["If-Range"])
		for _, name := range []string{"Authorization", "Accept-Encoding", "If-Match"} {
			assert.Equal(t, first.Get(name), second.Get(name), name)
		}
	})
}

func TestAThousandBreaksAreSurvived(t *testing.T) {
	for name, tc := range map[string]struct {
		breaks, piece int
		policy        resume.Policy
		longest       time.Duration
	}{
		"a thousand":                  {1000, 1000, resume.Policy{MaxContinuations: 66}, 32 * time.Second},
		"all with progress, and few":  {50, 64 << 10, resume.Policy{MaxContinuations: 1}, time.Second},
		"as many as without progress": {5, 1, resume.Policy{}, 16 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			list := slices.Repeat(answers(breakAt(tc.piece)), tc.breaks)
			withOrigin(t, (tc.breaks+1)*tc.piece, list, func(t *testing.T, s *httpfault.Server, o *origin) {
				var longest time.Duration
				tc.policy.Backoff = retry.Exponential{Jitter: retry.NoJitter}
				tc.policy.OnContinue = func(c resume.Continuation) { longest = max(longest, c.Wait) }
				got, err := download(t, wrapped(s, tc.policy), request(t, s))
				require.NoError(t, err)
				requireSame(t, o.content, got)
				assert.Len(t, o.requests, tc.breaks+1)
				assert.Equal(t, tc.longest, longest)
				assert.Equal(t, int64(len(o.content)), o.sent(), "nothing is sent twice")
			})
		})
	}
}

func TestAReaderThatTakesMinutesGetsEverything(t *testing.T) {
	list := answers(breakAt(300_000), breakAt(300_000))
	withOrigin(t, 1_000_000, list, func(t *testing.T, s *httpfault.Server, o *origin) {
		resp, err := wrapped(s, resume.Policy{}).RoundTrip(request(t, s))
		require.NoError(t, err)
		defer resp.Body.Close()
		var got []byte
		for buf := make([]byte, 100_000); err == nil; {
			var n int
			time.Sleep(time.Minute)
			synctest.Wait() // all buffers on the way are full
			n, err = io.ReadFull(resp.Body, buf)
			got = append(got, buf[:n]...)
		}
		require.ErrorIs(t, err, io.EOF)
		requireSame(t, o.content, got)
		assert.Len(t, o.requests, 3)
	})
}

func TestContentWithoutALengthEndsWhereTheServerSaysSo(t *testing.T) {
	chunked := func(o *origin) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Etag", tag)
			http.NewResponseController(w).Flush()
			w.Write(o.content)
		}
	}
	for name, tc := range map[string]struct {
		answers []func(*origin) http.HandlerFunc
		ranges  []string
	}{
		"then a 206":            {answers(breaking(400, chunked)), []string{"", "bytes=400-"}},
		"then a long 200":       {answers(breaking(400, chunked), wholly(1000)), []string{"", "bytes=400-"}},
		"then an open 200":      {answers(breaking(400, chunked), chunked), []string{"", "bytes=400-"}},
		"416 at the exact end":  {answers(breaking(1000, chunked)), []string{"", "bytes=1000-"}},
		"the length is learned": {answers(breaking(400, chunked), breakAt(600)), []string{"", "bytes=400-"}},
		"and used":              {answers(breaking(400, chunked), breakAt(1)), []string{"", "bytes=400-", "bytes=401-"}},
	} {
		t.Run(name, func(t *testing.T) {
			withOrigin(t, 1000, tc.answers, func(t *testing.T, s *httpfault.Server, o *origin) {
				got, err := download(t, wrapped(s, resume.Policy{}), request(t, s))
				require.NoError(t, err)
				requireSame(t, o.content, got)
				assert.Equal(t, tc.ranges, o.received("Range"))
			})
		})
	}
}
