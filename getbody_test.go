package retry_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-e3550de8/retry"
)

var errFileGone = errors.New("the file is gone")

// The caller is never left with less than without this package: with the response in hand, or with all errors.
func TestAGetBodyThatFailsEndsTheRequest(t *testing.T) {
	leaky := &url.Error{Op: "Get", URL: secretURL, Err: errFileGone}
	for name, row := range map[string]struct {
		getBody func() (io.ReadCloser, error)
		want    error
		text    string
	}{
		"an error": {func() (io.ReadCloser, error) { return nil, leaky }, leaky, "the file is gone"},
		"an error after a wait": {func() (io.ReadCloser, error) { time.Sleep(time.Second); return nil, errFileGone },
			errFileGone, "the file is gone"},
		"an error and a body": {func() (io.ReadCloser, error) { return watch("unused", http.NoBody), errFileGone },
			errFileGone, "the file is gone"},
		"neither": {func() (io.ReadCloser, error) { return nil, nil },
			retry.ErrNotReplayable, "retry: GetBody returned neither a body nor an error"},
	} {
		for left, first := range map[float64]reply{3.5: fail(errPeerReset), 4: answer(503)} {
			t.Run(name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { checkGetBody(t, first, row.getBody, row.want, row.text, left) })
			})
		}
	}
	synctest.Test(t, func(t *testing.T) {
		o, s := place("PUT", "payload"), play(answer(503))
		o.GetBody = func() (io.ReadCloser, error) { panic("get") }
		assert.PanicsWithValue(t, "get", func() { _, _ = retry.New(s, every(time.Second)).RoundTrip(o.Request) })
		assert.Empty(t, s.left(o, nil))
	})
}

// checkGetBody sends a request whose GetBody fails at the second retry, and demands what is left of a budget of 5.
func checkGetBody(
	t *testing.T, first reply, getBody func() (io.ReadCloser, error), want error, text string, left float64,
) {
	o, b := place("PUT", "payload"), new(retry.Budget)
	good, calls := o.GetBody, 0
	o.GetBody = func() (io.ReadCloser, error) {
		if calls++; calls == 2 {
			return getBody()
		}
		return good()
	}
	s, d := play(first), retry.Decision{}
	p := retry.Policy{Backoff: retry.Constant(time.Second), Budget: b}
	resp, err := retry.New(s, p).RoundTrip(o.under(retry.WithDecision(t.Context(), &d)).Request)
	assert.Equal(t, []string{"payload", "payload"}, s.texts())
	assert.Empty(t, s.left(o, resp))
	assert.ErrorIs(t, d.Reason, retry.ErrNotReplayable)
	assert.ErrorIs(t, d.Reason, want)
	assert.EqualError(t, d.Reason, "request body not replayable: "+text)
	assert.False(t, d.Retry)
	assert.InDelta(t, left, b.Balance(o.URL), 0.01, "a retry that was not made costs nothing")
	if err == nil {
		assert.Same(t, s.sent[1].resp, resp)
		assert.Equal(t, "body of 503", readAndClose(t, resp), "unread")
		return
	}
	assertError(t, err, retry.Error{Attempts: 2, Reason: d.Reason, Err: errPeerReset})
	assert.EqualError(t, err, "retry: request body not replayable: "+text+" after 2: "+errPeerReset.Error())
}

// Nothing is sent, and what was made for it is closed once.
func TestAGetBodyThatEndsItsRequestIsTheLast(t *testing.T) {
	for name, first := range map[string]reply{"503": answer(503), "reset": fail(errPeerReset)} {
		for _, fails := range []error{nil, errFileGone} {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				o, s := place("POST", "payload").under(ctx), play(first)
				o.Header.Set("Idempotency-Key", "1")
				good := o.GetBody
				o.GetBody = func() (io.ReadCloser, error) {
					cancel()
					if fails != nil {
						return nil, fails
					}
					return good()
				}
				_, err := retry.New(s, noWait).RoundTrip(o.Request)
				assert.ErrorIs(t, err, context.Canceled, name)
				assert.Equal(t, 1, s.attempts(), name)
				for _, b := range o.bodies {
					assert.Equal(t, 1, b.closes, name)
				}
				synctest.Wait() // for the drain, which has not been waited for
				assert.Empty(t, s.left(o, nil), name)
			})
		}
	}
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

// Promise 8, through operations, if a retry is announced and cannot be made.
func TestAnOperationWaitsForTheRetryAfterOfACallWhoseGetBodyFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := play(answer(503, "Retry-After", "10"), answer(200))
		rt := retry.New(s, every(0))
		_, err := retry.Do(t.Context(), every(0), func(ctx context.Context) (int, error) {
			o := place("PUT", "payload").under(ctx)
			o.GetBody = func() (io.ReadCloser, error) { return nil, errFileGone }
			if mustEnd(t, rt, o).StatusCode != 200 {
				return 0, errors.New("not now")
			}
			return 0, nil
		})
		require.NoError(t, err)
		assert.Equal(t, []time.Duration{0, 10 * time.Second}, s.times())
	})
}
