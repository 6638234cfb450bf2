package retry_test

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-e3550de8/retry"
	"github.com/seed-e3550de8/retry/httpfault"
)

// withSums makes a PUT of size bytes whose reader sets a trailer again and again, as the comment on
// http.Request.Trailer allows.
func withSums(t *testing.T, url string, size int) *http.Request {
	req := newRequest(t, "PUT", url, "")
	req.Trailer, req.ContentLength = http.Header{"X-Sum": nil}, -1
	req.GetBody = func() (io.ReadCloser, error) {
		text, n := strings.NewReader(strings.Repeat("x", size)), 0
		return io.NopCloser(readerFunc(func(p []byte) (int, error) {
			n++
			req.Trailer.Set("X-Sum", fmt.Sprint(n))
			return text.Read(p)
		})), nil
	}
	req.Body, _ = req.GetBody()
	return req
}

// Two goroutines that set trailers in one map can end the process, and net/http looks at the map of an attempt after
// its body was closed. HTTP/1 sends what is in it, announced or not.
func TestAnAttemptHasTrailersOfItsOwnWhoseValuesComeWithTheEndOfItsBody(t *testing.T) {
	for _, unset := range []http.Header{{"X-Sum": nil}, {}} {
		req, sent := withSums(t, "http://api.example.com/", 10), []http.Header(nil)
		req.Trailer = maps.Clone(unset)
		base := roundTripperFunc(func(req *http.Request) (*http.Response, error) {
			sent = append(sent, req.Trailer)
			before := maps.Clone(req.Trailer)
			_, err := io.ReadFull(req.Body, make([]byte, 10))
			assert.NoError(t, err)
			assert.Equal(t, before, req.Trailer, "attempt %d", len(sent))
			if len(sent) == 2 {
				_, _ = req.Body.Read(make([]byte, 1))
			}
			assert.NoError(t, req.Body.Close())
			return &http.Response{StatusCode: []int{503, 200}[len(sent)-1], Body: http.NoBody, Request: req}, nil
		})
		_, err := retry.New(base, noWait).RoundTrip(req)
		require.NoError(t, err)
		assert.Equal(t, []http.Header{unset, {"X-Sum": {"2"}}}, sent)
		assert.Equal(t, http.Header{"X-Sum": {"2"}}, req.Trailer)
	}
}

// A use is what an attempt makes of one of its bodies.
type use struct {
	read   time.Duration // how long its Read takes; negative for none
	result error         // of that
	closed bool          // before that
}

// users is a base that answers 503 to as many attempts as it has uses of. The first use of an attempt is of the body
// that it came with, each other of one that it gets from GetBody, as net/http does where it sends a request again.
type users struct {
	attempts [][]use
	begin    time.Time
	sent     []time.Duration
	reads    chan use
}

// body returns the caller's body, and those of its GetBody.
func (u *users) body() (io.ReadCloser, error) {
	return io.NopCloser(readerFunc(func([]byte) (int, error) {
		one := <-u.reads
		time.Sleep(one.read)
		return 0, one.result
	})), nil
}

func (u *users) RoundTrip(req *http.Request) (*http.Response, error) {
	resp := &http.Response{StatusCode: 503, Body: http.NoBody, Request: req}
	u.sent = append(u.sent, time.Since(u.begin))
	if len(u.sent) > len(u.attempts) {
		resp.StatusCode = 200
		return resp, nil
	}
	body := req.Body
	for i, one := range u.attempts[len(u.sent)-1] {
		if i > 0 {
			body, _ = req.GetBody()
		}
		if one.read >= 0 {
			u.reads <- one
			go func() { _, _ = body.Read(make([]byte, 9)) }()
			synctest.Wait()
		}
		if one.closed {
			body.Close()
		}
	}
	return resp, nil
}

// of makes attempts of a request with trailers, a second after each other.
func (u *users) of(t *testing.T, ctx context.Context) (resp *http.Response, err error, reason error) {
	var d retry.Decision
	req := withSums(t, "http://api.example.com/", 10).WithContext(retry.WithDecision(ctx, &d))
	u.begin, u.reads = time.Now(), make(chan use, 1)
	req.GetBody = u.body
	req.Body, _ = u.body()
	resp, err = retry.New(u, every(time.Second)).RoundTrip(req)
	return resp, err, d.Reason
}

// uses are attempts that fail, by whether the last of them holds the next one up.
func uses() map[bool]map[string][][]use {
	const second = time.Second
	ended, late, fails := use{0, io.EOF, false}, use{second + 1, io.EOF, false}, use{second + 1, errPage, false}
	unread, closed := use{-1, nil, false}, use{-1, nil, true}
	return map[bool]map[string][][]use{
		true: {
			"ended too late":                  {{late}},
			"closed, and read on":             {{{second + 1, nil, true}}},
			"never ended":                     {{{second - 1, nil, false}}},
			"never read":                      {{unread}},
			"of the second attempt, read on":  {{ended}, {late}},
			"sent again, read on":             {{closed, late}},
			"sent again, never ended":         {{closed, {0, nil, false}}},
			"sent again, the first read on":   {{fails, ended}},
			"sent again twice, once read on":  {{closed, fails, ended}},
			"sent again by the third attempt": {{ended}, {ended}, {closed, late}},
		},
		false: {
			"ended long ago":           {{ended}},
			"ended in time":            {{{second - 1, io.EOF, false}}},
			"failed in time":           {{{second - 1, errPage, false}}},
			"closed, and read no more": {{{second - 1, nil, true}}},
			"never read, closed":       {{closed}},
			"ended, of each attempt":   {{ended}, {ended}, {closed}},
			"sent again, ended":        {{closed, ended}},
			"sent again, closed":       {{ended, {0, nil, true}}},
			"not sent again after all": {{ended, unread}},
		},
	}
}

// While an attempt still reads, its body may set a trailer: the next attempt would set the same ones.
func TestWhichBodiesOfAnAttemptWithTrailersHoldTheNextOneUp(t *testing.T) {
	const text = "request body not replayable: an earlier attempt still reads it, and may set a trailer"
	times := []time.Duration{0, time.Second, 2 * time.Second, 3 * time.Second}
	for held, rows := range uses() {
		for name, attempts := range rows {
			synctest.Test(t, func(t *testing.T) {
				u := &users{attempts: attempts}
				resp, err, reason := u.of(t, t.Context())
				require.NoError(t, err, name)
				if held {
					assert.Equal(t, times[:len(attempts)], u.sent, name)
					assert.Equal(t, 503, resp.StatusCode, "%s: the response in hand", name)
					assert.ErrorIs(t, reason, retry.ErrNotReplayable, name)
					assert.EqualError(t, reason, text, name)
				} else {
					assert.Equal(t, times[:len(attempts)+1], u.sent, name)
				}
				time.Sleep(time.Hour) // the Reads end
			})
		}
	}
}

func TestTheWaitForTheReadEndsWithTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		end := time.Second - retry.Grace/2 // the wait for a Read is the last of the wait for the retry
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		time.AfterFunc(end, cancel)
		u := &users{attempts: [][]use{{{time.Hour, io.EOF, false}}}}
		_, err, _ := u.of(t, ctx)
		assert.ErrorIs(t, err, context.Canceled)
		assert.Equal(t, end, time.Since(u.begin))
		time.Sleep(time.Hour)
	})
}

func TestARequestWithTrailersGetsNoBodyWhereThereIsNone(t *testing.T) {
	for _, body := range []io.ReadCloser{nil, http.NoBody} {
		s, o := play(answer(503), answer(200)), place("PUT", "")
		o.Body, o.Trailer = body, http.Header{"X-Sum": {"1"}}
		mustEnd(t, retry.New(s, noWait), o)
		assert.Equal(t, body, s.sent[1].body)
	}
	o, s := once("PUT", "payload"), play(answer(503))
	o.Trailer = http.Header{"X-Sum": {"1"}}
	mustEnd(t, retry.New(s, noWait), o)
	assert.Same(t, o.Request, s.sent[0].req, "it cannot be replayed")
	for want, made := range map[error]io.ReadCloser{nil: nil, errFileGone: nil, errPage: http.NoBody} {
		o := place("PUT", "payload")
		o.Trailer = http.Header{"X-Sum": {"1"}}
		o.GetBody = func() (io.ReadCloser, error) { return made, want }
		resp := mustEnd(t, retry.New(play(answer(200)), noWait), o)
		body, err := resp.Request.GetBody()
		assert.Equal(t, made, body)
		assert.Equal(t, want, err)
	}
}

// A Read that ReadAhead has left behind sets no trailer in what the caller already has.
func TestTrailersThatComeAfterTheAttemptTimeoutAreTheReaders(t *testing.T) {
	overBoth(t, func(t *testing.T, proto string) {
		s := faulty(t, proto, httpfault.OK("page").Chunked().Trailer("Sum", "1").Drip(4, 2*time.Second))
		p := retry.Policy{AttemptTimeout: time.Second, ReadAhead: 100}
		resp, err := retry.New(s.Transport(), p).RoundTrip(newRequest(t, "POST", s.URL, ""))
		require.NoError(t, err)
		time.Sleep(time.Minute)
		assert.Equal(t, http.Header{"Sum": nil}, resp.Trailer, "as announced")
		assert.Equal(t, "page", readAndClose(t, resp))
		assert.Equal(t, http.Header{"Sum": {"1"}}, resp.Trailer)
	})
}

// net/http sends some requests again by itself, with a body that it gets from GetBody.
func TestTrailersAreSentAlsoWhereNetHTTPSendsARequestAgain(t *testing.T) {
	for name, first := range map[string]httpfault.Step{
		"a stream that is refused": httpfault.RSTStream(httpfault.RefusedStream).Early(),
		"a connection that goes":   httpfault.GoAway(0, httpfault.NoError).Early(),
	} {
		synctest.Test(t, func(t *testing.T) {
			s := faulty(t, http2, httpfault.OK("warm"), first, httpfault.OK("page"))
			tr, p := s.Transport(), retry.Policy{MaxAttempts: 1}
			resp, err := retry.New(tr, p).RoundTrip(newRequest(t, "GET", s.URL, ""))
			require.NoError(t, err, name)
			assert.Equal(t, "warm", readAndClose(t, resp), name)
			synctest.Wait()
			req := withSums(t, s.URL, 200<<10) // of which the first sending does not come to the end
			resp, err = retry.New(tr, p).RoundTrip(req)
			require.NoError(t, err, name)
			assert.Equal(t, "page", readAndClose(t, resp), name)
			require.Len(t, s.Requests(), 3, name)
			assert.NotEmpty(t, s.Requests()[2].Trailer.Get("X-Sum"), name)
		})
	}
}
