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

	"github.com/seed-e3550de8/retry"
)

// shaped is a reply whose response is changed.
func shaped(like reply, change func(*http.Response)) reply {
	return func(req *http.Request) (*http.Response, error) {
		resp, err := like(req)
		change(resp)
		return resp, err
	}
}

func TestABodyThatSavesNoConnectionIsNotDrained(t *testing.T) {
	for name, row := range map[string]struct {
		shape   func(*http.Response)
		drained bool
	}{
		"HTTP/2":                {func(r *http.Response) { r.ProtoMajor = 2 }, false},
		"408":                   {func(r *http.Response) { r.StatusCode = 408 }, false},
		"Connection: close":     {func(r *http.Response) { r.Close = true }, false},
		"longer than the bound": {func(r *http.Response) { r.ContentLength = retry.MaxDrain + 1 }, false},
		"the longest of all":    {func(r *http.Response) { r.ContentLength = 1 << 62 }, false},
		"as long as the bound":  {func(r *http.Response) { r.ContentLength = retry.MaxDrain }, !retry.CloseDrains},
		"of unknown length":     {func(r *http.Response) { r.ContentLength = -1 }, !retry.CloseDrains},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := play(shaped(answer(503), row.shape), answer(200))
			mustEnd(t, retry.New(s, every(time.Second)), place("GET", ""))
			discarded := s.sent[0].page.(*watched)
			assert.Equal(t, row.drained, discarded.sawEnd, name)
			assert.Equal(t, row.drained, discarded.read() > 0, name)
			assert.Equal(t, 1, discarded.closes, name)
			assert.Zero(t, discarded.closedAt, name)
		})
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

func TestADrainReadsToTheEndOfABodyWithinItsBound(t *testing.T) {
	if retry.CloseDrains {
		t.Skip("nobody reads but net/http")
	}
	long := func(n int64) io.Reader { return io.LimitReader(endless{}, n) }
	for name, row := range map[string]struct {
		body io.Reader
		read int64
		ends bool
	}{
		"as long as the bound":    {long(retry.MaxDrain), retry.MaxDrain, true},
		"a byte longer":           {long(retry.MaxDrain + 1), retry.MaxDrain + 1, false},
		"endless":                 {endless{}, retry.MaxDrain + 1, false},
		"broken":                  {iotest.TimeoutReader(iotest.OneByteReader(endless{})), 1, false},
		"nothing 99 times a byte": {stammering(99, "text"), 4, true},
		"nothing a hundred times": {stammering(100, "text"), 0, false},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := play(page(503, row.body), answer(200))
			mustEnd(t, retry.New(s, every(time.Second)), place("GET", ""))
			discarded := s.sent[0].page.(*watched)
			assert.EqualValues(t, row.read, discarded.read(), name)
			assert.Equal(t, row.ends, discarded.sawEnd, name)
			assert.True(t, discarded.isClosed(), name)
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
