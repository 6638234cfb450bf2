package retry_test

import (
	"context"
	"io"
	"math"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-e3550de8/retry"
	"github.com/seed-e3550de8/retry/httpfault"
)

const aheadSize = 64 << 10

// ahead is an eager policy that reads up to aheadSize bytes.
func ahead(tr *trail) retry.Policy {
	p := tr.eager(4)
	p.ReadAhead = aheadSize
	return p
}

func TestAnAnswerThatBreaksOffWithinReadAheadIsAskedForAgain(t *testing.T) {
	const size = 40 << 10
	whole := httpfault.Status(200).BodySize(size)
	for name, row := range map[string]struct {
		proto httpfault.Protocol
		fault httpfault.Step
	}{
		"Content-Length that lies":   {httpfault.HTTP1, whole.CutBody(size - 1)},
		"nothing of it":              {httpfault.HTTP1, whole.CutBody(0)},
		"chunks that end too soon":   {httpfault.HTTP1, whole.Chunked().CutBody(20 << 10)},
		"reset":                      {httpfault.HTTP1, whole.ResetBody(20 << 10)},
		"gzip cut off":               {httpfault.HTTP1, whole.Gzip().CutBody(100)},
		"gzip in chunks cut off":     {httpfault.HTTP1, whole.Gzip().Chunked().CutBody(100)},
		"HTTP/2 stream reset":        {httpfault.H2C, whole.RSTBody(20<<10, httpfault.InternalError)},
		"HTTP/2 stream refused late": {httpfault.H2C, whole.RSTBody(20<<10, httpfault.RefusedStream)},
		"HTTP/2 connection reset":    {httpfault.H2C, whole.ResetBody(20 << 10)},
		"HTTP/2 gzip cut off":        {httpfault.H2C, whole.Gzip().RSTBody(100, httpfault.Cancel)},
		"404":                        {httpfault.HTTP1, httpfault.Status(404).BodySize(size).CutBody(3)},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := httpfault.Config{Protocol: row.proto, Pipe: true}.NewServer(t, row.fault.Times(2), whole)
			tr := new(trail)
			p := ahead(tr)
			p.AttemptTimeout = time.Minute
			resp, err := retry.New(s.Transport(), p).RoundTrip(newRequest(t, "GET", s.URL, ""))
			require.NoError(t, err, name)
			assert.Len(t, readAndClose(t, resp), size, name)
			assert.Equal(t, 3, retry.AttemptNumber(resp.Request.Context()), name)
			require.Len(t, tr.steps, 3, name)
			assert.Equal(t, retry.Transient, tr.steps[0].Class, name)
			assert.Error(t, tr.steps[0].err, name)
			assert.Zero(t, tr.steps[0].status, name)
		})
	}
}

// A Close alone would wait for the Read that stalls: up to Go 1.26 for ever, if that waits for the header of gzip, and
// since then for a mutex, which stops the clock of a bubble.
func TestAnAnswerThatStallsWithinReadAheadIsAskedForAgain(t *testing.T) {
	whole := httpfault.Status(200).BodySize(40 << 10)
	for _, proto := range []httpfault.Protocol{httpfault.HTTP1, httpfault.H2C} {
		for _, stalls := range []httpfault.Step{
			whole.StallBody(0), whole.StallBody(20 << 10), whole.Gzip().StallBody(5), whole.Gzip().StallBody(100),
		} {
			synctest.Test(t, func(t *testing.T) {
				s := httpfault.Config{Protocol: proto, Pipe: true, Default: whole}.NewServer(t, stalls)
				tr, base := new(trail), s.Transport()
				p := ahead(tr)
				p.AttemptTimeout = time.Second
				begin := time.Now()
				resp, err := retry.New(base, p).RoundTrip(newRequest(t, "GET", s.URL, ""))
				require.NoError(t, err)
				assert.LessOrEqual(t, time.Since(begin), time.Second+20*time.Millisecond)
				assert.Len(t, readAndClose(t, resp), 40<<10)
				assert.Equal(t, retry.Transient, tr.steps[0].Class)
				assert.ErrorIs(t, tr.steps[0].err, context.DeadlineExceeded)
				base.CloseIdleConnections()
				time.Sleep(time.Second) // the clock goes on, and the bubble sees to it that nobody is left
			})
		}
	}
}

// The caller is left with no less than without ReadAhead.
func TestABrokenAnswerThatIsNotAskedForAgainIsReturnedAsItIs(t *testing.T) {
	for name, row := range map[string]struct {
		method   string
		attempts int
		reason   error
	}{
		"not idempotent": {"POST", 1, retry.ErrNotIdempotent},
		"exhausted":      {"GET", 4, retry.ErrMaxAttempts},
	} {
		tr := new(trail)
		s := play(page(200, torn()), page(200, torn()), page(200, torn()), page(200, torn()))
		resp, err := retry.New(s, ahead(tr)).RoundTrip(place(row.method, "").Request)
		require.NoError(t, err, name)
		text, err := io.ReadAll(resp.Body)
		assert.Equal(t, "0123456789", string(text), name)
		assert.ErrorIs(t, err, errPage, name)
		assert.NoError(t, resp.Body.Close())
		assert.Equal(t, row.attempts, s.attempts(), name)
		assert.ErrorIs(t, tr.last().Reason, row.reason, name)
		assert.ErrorIs(t, tr.last().err, errPage, name)
	}
}

// Neither the context nor the connection has a say in what is in memory.
func TestReadAheadHandsOnEveryByte(t *testing.T) {
	for _, size := range []int{0, 1, aheadSize - 1, aheadSize, aheadSize + 1, 5 * aheadSize} {
		declared := httpfault.Status(200).BodySize(int64(size))
		for trailers, step := range []httpfault.Step{declared, declared.Chunked().Trailer("Sum", "1")} {
			overBoth(t, func(t *testing.T, proto string) {
				s, p := faulty(t, proto, step), ahead(new(trail))
				p.AttemptTimeout = time.Second
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				base := s.Transport()
				resp, err := retry.New(base, p).RoundTrip(newRequest(t, "GET", s.URL, "").WithContext(ctx))
				require.NoError(t, err)
				time.Sleep(time.Hour) // the rest of it is nobody's attempt
				if size <= aheadSize {
					cancel()
					base.CloseIdleConnections()
					synctest.Wait()
				}
				assert.Equal(t, strings.Repeat("abcdefghijklmnopqrstuvwxyz", size/26+1)[:size], readAndClose(t, resp))
				assert.Len(t, resp.Trailer, trailers)
			})
		}
	}
}

func TestReadAheadReadsOneByteMoreThanItMay(t *testing.T) {
	for limit, attempts := range map[int64]int{math.MinInt64: 1, -1: 1, 0: 1, 1: 2, 9: 1, 10: 2, math.MaxInt64: 2} {
		for _, length := range []int64{-1, 9, 10, 11} {
			if length == 11 && limit == 10 {
				attempts = 1 // it is known to be longer
			}
			synctest.Test(t, func(t *testing.T) {
				first := shaped(page(200, torn()), func(r *http.Response) { r.ContentLength = length })
				if limit == 1 {
					first = page(200, iotest.ErrReader(errPage))
				}
				s := play(first, page(200, strings.NewReader("whole")))
				p := retry.Policy{Backoff: retry.Constant(0), ReadAhead: limit}
				resp, err := retry.New(s, p).RoundTrip(place("GET", "").Request)
				require.NoError(t, err)
				assert.Equal(t, attempts, s.attempts(), "%d of %d", limit, length)
				drop(resp)
			})
		}
	}
}

func TestReadAheadIsForAnswersThatWouldBeReturned(t *testing.T) {
	final := func(retry.Attempt) retry.Class { return retry.Final }
	unseen := func(retry.Attempt) retry.Class { return retry.Unprocessed }
	off := retry.WithPolicy(t.Context(), retry.Policy{ReadAhead: -1})
	for name, row := range map[string]struct {
		method string
		first  reply
		as     func(retry.Attempt) retry.Class
		ctx    context.Context
		want   retry.Class
		read   bool
	}{
		"a 503":                          {"GET", page(503, torn()), nil, t.Context(), retry.Transient, false},
		"unprocessed, by Classify":       {"GET", page(200, torn()), unseen, t.Context(), retry.Unprocessed, false},
		"no content":                     {"GET", page(204, torn()), nil, t.Context(), retry.Final, false},
		"HEAD":                           {"HEAD", page(200, torn()), nil, t.Context(), retry.Final, false},
		"switched off for one request":   {"GET", page(200, torn()), nil, off, retry.Final, false},
		"torn":                           {"GET", page(200, torn()), nil, t.Context(), retry.Transient, true},
		"Final, and no answer at all":    {"GET", fail(http.ErrSkipAltProtocol), nil, t.Context(), retry.Final, false},
		"Transient, and none at all":     {"GET", fail(errPeerReset), nil, t.Context(), retry.Transient, false},
		"a 500 that Classify calls good": {"GET", page(500, torn()), final, t.Context(), retry.Transient, true},
	} {
		s, tr := play(row.first), new(trail)
		p := ahead(tr)
		p.MaxAttempts, p.Classify = 1, row.as
		resp, err := retry.New(s, p).RoundTrip(place(row.method, "").under(row.ctx).Request)
		assert.Equal(t, row.want, tr.last().Class, name)
		assert.Equal(t, 1, s.attempts(), name)
		if err == nil {
			assert.Equal(t, row.read, s.sent[0].page != resp.Body, "%s: read", name)
		}
		drop(resp)
	}
}

func TestTheDurationOfAnAttemptHasWhatItReadAhead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := page(200, io.MultiReader(drip(time.Second, 3), torn()))
		p, took := ahead(new(trail)), []time.Duration(nil)
		p.OnAttempt = func(a retry.Attempt, _ retry.Decision) { took = append(took, a.Duration) }
		mustEnd(t, retry.New(play(late(time.Second, slow), late(time.Second, answer(200))), p), place("GET", ""))
		assert.Equal(t, []time.Duration{5 * time.Second, time.Second}, took)
	})
}

func TestReadAheadEndsWithTheRequestWhateverTheResponseSaysItIsOf(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		body := &hostile{read: blocking, close: nothing, end: make(chan struct{})}
		defer close(body.end)
		s := play(func(*http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: 200, ContentLength: -1, Body: body, Request: &http.Request{}}, nil
		})
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		begin := time.Now()
		resp, _ := retry.New(s, retry.Policy{ReadAhead: 10}).RoundTrip(place("GET", "").under(ctx).Request)
		drop(resp)
		assert.LessOrEqual(t, time.Since(begin), time.Minute+slack)
	})
}
