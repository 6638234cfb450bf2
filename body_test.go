package retry_test

import (
	"context"
	"io"
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

// shaped is a reply whose response is changed.
func shaped(like reply, change func(*http.Response)) reply {
	return func(req *http.Request) (*http.Response, error) {
		resp, err := like(req)
		change(resp)
		return resp, err
	}
}

// stammering returns nothing n times before each of its bytes.
func stammering(n int, text string) io.Reader {
	r, left := strings.NewReader(text), n
	return readerFunc(func(p []byte) (int, error) {
		if left--; left >= 0 {
			return 0, nil
		}
		left = n
		return r.Read(p[:1])
	})
}

func TestWhatIsReadOfADiscardedBody(t *testing.T) {
	shape := func(change func(*http.Response)) reply { return shaped(answer(503), change) }
	long := func(n int64) reply { return page(503, io.LimitReader(endless{}, n)) }
	for name, row := range map[string]struct {
		first reply
		read  int64
		ends  bool
	}{
		"all of it":               {answer(503), 11, true},
		"as long as the bound":    {shape(func(r *http.Response) { r.ContentLength = retry.MaxDrain }), 11, true},
		"longer than the bound":   {shape(func(r *http.Response) { r.ContentLength = retry.MaxDrain + 1 }), 0, false},
		"the longest of all":      {shape(func(r *http.Response) { r.ContentLength = 1 << 62 }), 0, false},
		"HTTP/2":                  {shape(func(r *http.Response) { r.ProtoMajor = 2 }), 0, false},
		"408":                     {shape(func(r *http.Response) { r.StatusCode = 408 }), 0, false},
		"Connection: close":       {shape(func(r *http.Response) { r.Close = true }), 0, false},
		"a byte beyond the bound": {long(retry.MaxDrain + 1), retry.MaxDrain + 1, false},
		"broken":                  {page(503, iotest.TimeoutReader(iotest.OneByteReader(endless{}))), 1, false},
		"nothing 99 times a byte": {page(503, stammering(99, "text")), 4, true},
		"nothing a hundred times": {page(503, stammering(100, "text")), 0, false},
	} {
		if retry.CloseDrains { // nobody reads but net/http
			row.read, row.ends = 0, false
		}
		synctest.Test(t, func(t *testing.T) {
			s := play(row.first, answer(200))
			mustEnd(t, retry.New(s, every(time.Second)), place("GET", ""))
			discarded := s.sent[0].page.(*watched)
			assert.EqualValues(t, row.read, discarded.read(), name)
			assert.Equal(t, row.ends, discarded.sawEnd, name)
			assert.Equal(t, 1, discarded.closes, name)
			assert.Zero(t, discarded.closedAt, name)
			assert.Equal(t, []time.Duration{0, time.Second}, s.times(), name)
		})
	}
}

func TestADrainTakesNoLongerThanTheWaitAndNoLongerThanASecond(t *testing.T) {
	for wait, drain := range map[time.Duration]time.Duration{
		0: retry.Grace, retry.Grace - 1: retry.Grace, retry.Grace + 1: retry.Grace + 1,
		time.Second - 1: time.Second - 1, time.Second + 1: time.Second, time.Minute: time.Second,
	} {
		if retry.CloseDrains { // nobody reads but net/http
			drain = 0
		}
		for name, like := range map[string]retry.Policy{
			"bare":                    {},
			"with an AttemptTimeout":  {AttemptTimeout: time.Hour},
			"with one, and heeding":   {AttemptTimeout: time.Minute},
			"with one, and looked at": {AttemptTimeout: 1, Classify: peeking},
		} {
			synctest.Test(t, func(t *testing.T) {
				like.Backoff = retry.Constant(wait)
				first, drain := page(503, drip(time.Hour, -1)), drain
				if name == "with one, and heeding" {
					first, drain = heeding, max(drain-time.Millisecond, 0)
				}
				s := play(first, answer(200))
				mustEnd(t, retry.New(s, like), place("GET", ""))
				closed := s.sent[0].page.(*watched).closedAt
				if like.Classify == nil {
					assert.Equal(t, drain, closed, "%v %s", wait, name)
					assert.Equal(t, []time.Duration{0, max(wait, closed)}, s.times(), "%v %s", wait, name)
					return
				}
				looked := 1 + retry.Grace
				assert.Equal(t, looked+max(drain, time.Millisecond), closed, "%v %s", wait, name)
				assert.Equal(t, []time.Duration{0, max(looked+wait, closed)}, s.times(), "%v %s", wait, name)
			})
		}
	}
}

// heeding is a 503 whose body ends with the context, as those of net/http do.
func heeding(req *http.Request) (*http.Response, error) {
	return page(503, readerFunc(func([]byte) (int, error) { <-req.Context().Done(); return 0, req.Context().Err() }))(req)
}

func peeking(a retry.Attempt) retry.Class {
	_, _ = retry.Peek(a.Response, 1)
	return retry.Classify(a)
}

func TestAPanicOfADiscardedBodyGoesOnAndTheBodyIsClosedOnce(t *testing.T) {
	panicking := func(what string) func(<-chan struct{}) (int, error) {
		return func(<-chan struct{}) (int, error) { panic(what) }
	}
	for want, body := range map[string]*hostile{
		"read":  {read: panicking("read"), close: nothing},
		"close": {read: eof, close: panicking("close")},
		"both":  {read: panicking("first"), close: panicking("both")},
	} {
		synctest.Test(t, func(t *testing.T) {
			o, s := place("PUT", "payload"), play(dragging(body), answer(200))
			send := func() { mustEnd(t, retry.New(s, every(time.Second)), o) }
			if want == "read" && retry.CloseDrains {
				send() // nobody reads but net/http
			} else {
				assert.PanicsWithValue(t, want, send)
			}
			assert.EqualValues(t, 1, body.closes.Load(), want)
			assert.Empty(t, s.left(o, nil), want)
		})
	}
}

// dragging is a 503 with this body, over HTTP/1.
func dragging(body io.ReadCloser) reply {
	return func(req *http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: 503, ProtoMajor: 1, ContentLength: -1, Body: body, Request: req}, nil
	}
}

func TestADrainEndsWithTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(300*time.Millisecond, cancel)
		o, s := place("GET", "").under(ctx), play(page(503, drip(time.Hour, -1)))
		_, err := retry.New(s, every(time.Minute)).RoundTrip(o.Request)
		assert.ErrorIs(t, err, context.Canceled)
		assert.Equal(t, 300*time.Millisecond, time.Since(s.begin))
		assert.Empty(t, s.left(o, nil))
	})
}

// What a slow OnAttempt takes is a part of the wait, and not added to the drain.
func TestATimeThatIsSpentIsNotSpentTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := every(time.Second)
		p.OnAttempt = func(_ retry.Attempt, d retry.Decision) {
			if d.Retry {
				time.Sleep(time.Second)
			}
		}
		s := play(page(503, drip(time.Millisecond, -1)), answer(200))
		mustEnd(t, retry.New(s, p), place("GET", ""))
		assert.LessOrEqual(t, s.times()[1], time.Second+retry.Grace)
	})
}

// The one connection that a host may have is free again for the retry, which would wait for it for ever.
func TestOneConnectionServesEveryRetry(t *testing.T) {
	const size = 64 << 10
	for name, bad := range map[string]httpfault.Step{
		"an error page":               httpfault.Status(503).BodySize(size),
		"one of no declared length":   httpfault.Status(503).BodySize(size).Chunked(),
		"one that comes in pieces":    httpfault.Status(503).BodySize(4).Drip(1, time.Millisecond),
		"one that is compressed":      httpfault.Status(503).BodySize(size).Gzip(),
		"a status without error page": httpfault.Status(503),
		"a page that was looked at":   httpfault.Status(503).BodySize(size),
	} {
		p := new(trail).eager(4)
		if name == "a page that was looked at" {
			p.Classify = peeking
		}
		t.Run(name, func(t *testing.T) {
			overBoth(t, func(t *testing.T, proto string) {
				good := httpfault.OK("page").Gzip()
				s := faulty(t, proto, bad, good, bad, bad, good, good)
				base := s.Transport()
				base.MaxConnsPerHost = 1
				client := &http.Client{Transport: retry.New(base, p), Timeout: time.Minute}
				for _, attempts := range []int{2, 3, 1} {
					resp, err := client.Get(s.URL)
					require.NoError(t, err)
					assert.Equal(t, "page", readAndClose(t, resp))
					assert.True(t, resp.Uncompressed)
					assert.Equal(t, attempts, retry.AttemptNumber(resp.Request.Context()))
				}
				assert.Equal(t, 1, s.Connections())
			})
		})
	}
}

func TestABodyWithoutEndDelaysNoRetry(t *testing.T) {
	whole := httpfault.Status(503).BodySize(1 << 40)
	for name, bad := range map[string]httpfault.Step{
		"a drip each second":      whole.Drip(1, time.Second),
		"a drip each millisecond": whole.Drip(1, time.Millisecond),
		"endless and fast":        httpfault.Status(503).EndlessBody(),
		"silent":                  whole.StallBody(0),
	} {
		for _, backoff := range []time.Duration{0, 5 * time.Millisecond, 100 * time.Millisecond, 10 * time.Second} {
			t.Run(name+", backoff "+backoff.String(), func(t *testing.T) {
				overBoth(t, func(t *testing.T, proto string) {
					s, tr := faulty(t, proto, bad, httpfault.OK("page")), new(trail)
					p := tr.eager(2)
					p.Backoff = retry.Constant(backoff)
					resp, err := retry.New(s.Transport(), p).RoundTrip(newRequest(t, "GET", s.URL, ""))
					require.NoError(t, err)
					assert.Equal(t, "page", readAndClose(t, resp))
					latest := max(backoff, retry.Grace)
					if proto == http2 {
						latest = backoff // nothing is read
					} else {
						assert.Equal(t, 2, s.Connections(), "what is not read to its end is closed")
					}
					took := tr.steps[1].at.Sub(tr.steps[0].at)
					assert.GreaterOrEqual(t, took, backoff)
					assert.LessOrEqual(t, took, latest)
				})
			})
		}
	}
}
