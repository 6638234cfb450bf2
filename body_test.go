package retry_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-e3550de8/retry"
)

func TestABodyThatSavesNoConnectionIsNotDrained(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for name, change := range map[string]func(*http.Response){
			"HTTP/2":                 func(r *http.Response) { r.ProtoMajor = 2 },
			"408":                    func(r *http.Response) { r.StatusCode = 408 },
			"Connection: close":      func(r *http.Response) { r.Close = true },
			"longer than the bound":  func(r *http.Response) { r.ContentLength = retry.MaxDrain + 1 },
			"as long as the longest": func(r *http.Response) { r.ContentLength = 1 << 62 },
		} {
			s := play(func(req *http.Request) (*http.Response, error) {
				resp, err := answer(503)(req)
				change(resp)
				return resp, err
			}, answer(200))
			mustEnd(t, retry.New(s, every(time.Second)), place("GET", ""))
			discarded := s.sent[0].resp.Body.(*watched)
			assert.Zero(t, discarded.read(), name)
			assert.Equal(t, 1, discarded.closes, name)
			assert.Zero(t, discarded.closedAt, name)
		}
	})
}

// stuck is a body whose Read nothing ends but the test: not even Close.
type stuck struct{ free chan struct{} }

func (s stuck) Read([]byte) (int, error) { <-s.free; return 0, io.EOF }

func TestAReadThatCloseDoesNotEndDelaysNoRetry(t *testing.T) {
	for _, wait := range []time.Duration{0, 400 * time.Millisecond, time.Minute} {
		synctest.Test(t, func(t *testing.T) {
			body := stuck{make(chan struct{})}
			defer close(body.free)
			s := play(page(503, body), answer(200))
			mustEnd(t, retry.New(s, every(wait)), place("GET", ""))
			want := max(wait, retry.Grace)
			if retry.CloseDrains { // nobody reads but net/http
				want = wait
			}
			assert.Equal(t, []time.Duration{0, want}, s.times())
			assert.True(t, s.sent[0].resp.Body.(*watched).isClosed())
		})
	}
}

// A polite body has a Close that waits for a pending Read.
type polite struct {
	stuck
	closing, closed chan struct{}
}

func (p polite) Close() error {
	close(p.closing)
	<-p.free
	close(p.closed)
	return nil
}

func TestACloseThatWaitsForTheReadDelaysNoRetry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		body := polite{stuck{make(chan struct{})}, make(chan struct{}), make(chan struct{})}
		s := play(func(*http.Request) (*http.Response, error) { return &http.Response{StatusCode: 503, Body: body}, nil }, answer(200))
		mustEnd(t, retry.New(s, every(time.Minute)), place("GET", ""))
		assert.Equal(t, []time.Duration{0, time.Minute}, s.times())
		<-body.closing
		close(body.free)
		<-body.closed
	})
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

func TestAPanicOfADiscardedBodyGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for what, first := range map[string]reply{
			"read":  page(503, readerFunc(func([]byte) (int, error) { panic("read") })),
			"close": closing(func() { panic("close") }),
		} {
			if what == "read" && retry.CloseDrains {
				continue // nobody reads but net/http
			}
			o, s := place("GET", ""), play(first)
			assert.PanicsWithValue(t, what, func() { _, _ = retry.New(s, every(time.Second)).RoundTrip(o.Request) })
			assert.Empty(t, s.left(o, nil))
		}
	})
}

func TestABodyThatFailsIsDiscardedToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := play(page(503, io.MultiReader(strings.NewReader("half"), readerFunc(func([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }))), answer(200))
		mustEnd(t, retry.New(s, every(time.Second)), place("GET", ""))
		assert.Equal(t, []time.Duration{0, time.Second}, s.times())
		assert.True(t, s.sent[0].resp.Body.(*watched).isClosed())
	})
}

func TestGetBodyMayFailAtTheSecondRetry(t *testing.T) {
	for name, row := range map[string]struct {
		getBody func() (io.ReadCloser, error)
		want    []error
	}{
		"an error":            {func() (io.ReadCloser, error) { return nil, errFileGone }, []error{errFileGone, retry.ErrNotReplayable}},
		"an error and a body": {func() (io.ReadCloser, error) { return watch("unused", strings.NewReader("")), errFileGone }, []error{errFileGone}},
		"nothing at all":      {func() (io.ReadCloser, error) { return nil, nil }, []error{retry.ErrNotReplayable}},
	} {
		synctest.Test(t, func(t *testing.T) {
			o := place("PUT", "payload")
			good, calls := o.GetBody, 0
			o.GetBody = func() (io.ReadCloser, error) {
				if calls++; calls == 2 {
					return row.getBody()
				}
				return good()
			}
			s := play(fail(errPeerReset))
			var d retry.Decision
			_, err := retry.New(s, every(time.Second)).RoundTrip(o.under(retry.WithDecision(t.Context(), &d)).Request)
			assert.ErrorIs(t, d.Reason, retry.ErrNotReplayable, name)
			assert.False(t, d.Retry)
			failed, ok := err.(*retry.Error)
			require.True(t, ok, "%s: %v", name, err)
			for _, want := range append(row.want, errPeerReset) {
				assert.ErrorIs(t, err, want, name)
			}
			assert.Equal(t, 2, failed.Attempts)
			assert.Equal(t, []string{"payload", "payload"}, s.texts())
			assert.Empty(t, s.left(o, nil))
		})
	}
}

func TestAPanicOfGetBodyGoesOnAndLeaksNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, s := place("PUT", "payload"), play(answer(503))
		o.GetBody = func() (io.ReadCloser, error) { panic("get") }
		assert.PanicsWithValue(t, "get", func() { _, _ = retry.New(s, every(time.Second)).RoundTrip(o.Request) })
		assert.Empty(t, s.left(o, nil))
	})
}

// One that rewinds the body that was sent needs the wait, in which the attempt before comes to its end.
func TestGetBodyIsCalledAfterTheWait(t *testing.T) {
	for _, row := range []struct {
		name  string
		first reply
		early time.Duration
	}{
		{"after an error", fail(errPeerReset), 0},
		{"after a response, with time left to discard it", answer(503), retry.Grace},
	} {
		synctest.Test(t, func(t *testing.T) {
			begin := time.Now()
			var at []time.Duration
			o := place("PUT", "payload")
			good := o.GetBody
			o.GetBody = func() (io.ReadCloser, error) {
				at = append(at, time.Since(begin))
				return good()
			}
			s := play(row.first, row.first, answer(200))
			mustEnd(t, retry.New(s, every(time.Second)), o)
			assert.Equal(t, []time.Duration{time.Second - row.early, 2*time.Second - row.early}, at, row.name)
			assert.Equal(t, []time.Duration{0, time.Second, 2 * time.Second}, s.times())
		})
	}
}

func TestABodyThatIsNoneNeedsNoGetBody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, body := range []io.ReadCloser{nil, http.NoBody} {
			o := place("PUT", "")
			o.Body = body
			o.GetBody = func() (io.ReadCloser, error) { t.Error("not asked"); return nil, nil }
			s := play(answer(503), answer(200))
			mustEnd(t, retry.New(s, every(0)), o)
			assert.Equal(t, body, s.sent[1].body)
		}
	})
}
