package retry_test

import (
	"context"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-e3550de8/retry"
)

// Each test of this file owns a promise of the package comment and quotes it.

var (
	errPeerReset   = &net.OpError{Op: "read", Net: "tcp", Err: os.NewSyscallError("read", syscall.ECONNRESET)}
	errDialRefused = &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
)

// Promise 1: "The base is asked at least once and at most MaxAttempts times."
func TestPromise01_TheBaseIsAskedAtLeastOnceAndAtMostMaxAttemptsTimes(t *testing.T) {
	for _, row := range []struct{ maxAttempts, want int }{
		{math.MinInt, 1}, {-1, 1}, {0, 4}, {1, 1}, {2, 2}, {4, 4}, {9, 9},
	} {
		for name, outcome := range map[string]reply{
			"503": answer(503), "reset": fail(errPeerReset), "refused": fail(errDialRefused),
		} {
			synctest.Test(t, func(t *testing.T) {
				s := play(outcome)
				resp, _ := retry.New(s, retry.Policy{MaxAttempts: row.maxAttempts}).RoundTrip(place("GET", "").Request)
				drop(resp)
				assert.Equal(t, row.want, s.attempts(), "MaxAttempts %d, always %s", row.maxAttempts, name)
			})
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s := play(fail(context.Canceled))
	_, err := retry.New(s, retry.Policy{}).RoundTrip(place("GET", "").under(ctx).Request)
	assert.Equal(t, 1, s.attempts(), "a context that is done from the start is the base's to refuse")
	assert.Same(t, context.Canceled, err)
}

// Promise 2: "The caller's request is not modified. Attempt 1 sends that very pointer; each retry a shallow copy with a
// new body from GetBody. No body is buffered, and none is wrapped on the way down."
func TestPromise02_TheCallersRequestIsSentAndNotModified(t *testing.T) {
	for _, p := range []retry.Policy{{}, {Gate: new(retry.Gate)}, {OnAttempt: func(retry.Attempt, retry.Decision) {}}} {
		synctest.Test(t, func(t *testing.T) {
			o, s := place("PUT", "payload"), play(answer(503), fail(errPeerReset), answer(200))
			before, text := *o.Request, fmt.Sprintf("%#v %v", o.Header, *o.URL)
			mustEnd(t, retry.New(roundTripperFunc(func(req *http.Request) (*http.Response, error) {
				assert.Len(t, o.bodies, retry.AttemptNumber(req.Context()), "one body for each attempt, no sooner")
				assert.Zero(t, o.bodies[len(o.bodies)-1].read(), "the base is the first to read the body")
				return s.RoundTrip(req)
			}), p), o)

			require.Equal(t, []string{"payload", "payload", "payload"}, s.texts())
			for i, one := range s.sent {
				assert.Same(t, o.bodies[i], one.body, "the body goes down as it is")
				assert.Equal(t, i+1, retry.AttemptNumber(one.req.Context()))
				one.req.Header.Set("X-Shared", fmt.Sprint(i))
				assert.Equal(t, fmt.Sprint(i), o.Header.Get("X-Shared"), "the header map is shared, so the copy is shallow")
			}
			assert.Same(t, o.Request, s.sent[0].req)
			assert.NotSame(t, o.Request, s.sent[1].req)
			assert.NotSame(t, s.sent[1].req, s.sent[2].req)
			o.Header.Del("X-Shared")
			assert.Equal(t, text, fmt.Sprintf("%#v %v", o.Header, *o.URL))
			assert.Same(t, before.Body, o.Body)
			assert.Equal(t, before.Context(), o.Context())
			before.GetBody, o.GetBody = nil, nil // no two functions are equal
			assert.Equal(t, before, *o.Request)
		})
	}
}

// Promise 3: "No reader that an earlier attempt may still be reading is touched. A body that cannot be replayed is sent
// once, unchanged, and that is no error."
func TestPromise03_NoReaderOfAnEarlierAttemptIsTouched(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, attempts := place("PUT", "payload"), 0
		early := roundTripperFunc(func(req *http.Request) (*http.Response, error) {
			// Like a server's early reply: the base has not finished with the body.
			attempts++
			return answer(503)(req)
		})
		mustEnd(t, retry.New(early, retry.Policy{}), o)
		assert.Equal(t, 4, attempts)
		for _, b := range o.bodies {
			assert.Zero(t, b.read(), "%s", b.name)
			assert.False(t, b.isClosed(), "%s: the base closes it when it has finished", b.name)
			b.Close()
		}

		for _, outcome := range []reply{answer(503), fail(errPeerReset), fail(errDialRefused)} {
			o, s := once("PUT", "payload"), play(outcome)
			resp, err := retry.New(s, retry.Policy{}).RoundTrip(o.Request)
			want, wantErr := outcome(o.Request)
			assert.Equal(t, wantErr, err)
			assert.Equal(t, want == nil, resp == nil)
			assert.Equal(t, []string{"payload"}, s.texts())
			assert.Same(t, o.bodies[0], s.sent[0].body)
			drop(want)
			drop(resp)
		}
	})
}

// Promise 4: "Every body is closed: the caller's on every path, also when nothing is sent; one from GetBody also when
// it is not used; every response but the one returned, also when a function of the policy panics." What is not sent is
// in gate_call_test.go, and the panic in contract_test.go.
func TestPromise04_EveryBodyIsClosed(t *testing.T) {
	for name, replies := range map[string][]reply{
		"success at once":    {answer(200)},
		"success at last":    {answer(503), fail(errPeerReset), answer(429, "Retry-After", "7"), answer(200)},
		"503 to the end":     {answer(503)},
		"reset to the end":   {answer(503), fail(errPeerReset)},
		"too long to wait":   {answer(503), answer(503, "Retry-After", "3600")},
		"context ends wait":  {answer(503, "Retry-After", "20"), answer(200)},
		"both, against rule": {together(answer(200), errPeerReset)},
	} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer time.AfterFunc(15*time.Second, cancel).Stop()
			o, s := place("PUT", "payload").under(ctx), play(replies...)
			resp, _ := retry.New(s, every(time.Second)).RoundTrip(o.Request)
			assert.Empty(t, s.left(o, resp), name)
			if resp != nil {
				assert.False(t, resp.Body.(*watched).isClosed(), name)
			}
			drop(resp)
		})
	}
}

// Promise 5: "The response returned is the last one, unread, with a nil error, whatever its status. It is the base's
// own pointer, and its Request is the one that was sent."
func TestPromise05_TheLastResponseIsReturnedUnread(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, last := range []int{200, 404, 503, 429, 0, 999} {
			for _, before := range [][]reply{nil, {answer(500), answer(502), fail(errPeerReset)}} {
				s, n := play(append(before, answer(last))...), len(before)
				p := retry.Policy{MaxAttempts: n + 1}
				resp, err := retry.New(s, p).RoundTrip(place("GET", "").Request)
				require.NoError(t, err)
				assert.Same(t, s.sent[n].resp, resp)
				assert.Same(t, s.sent[n].req, resp.Request)
				assert.Equal(t, n+1, retry.AttemptNumber(resp.Request.Context()))
				assert.Zero(t, resp.Body.(*watched).read())
				text, err := io.ReadAll(resp.Body)
				assert.NoError(t, err)
				assert.Equal(t, fmt.Sprint("body of ", last), string(text))
				drop(resp)
			}
		}
	})
}

// Promise 7: "A request that is not idempotent is not sent twice unless the first sending was certainly unprocessed."
func TestPromise07_WhatIsNotIdempotentIsNotSentTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, method := range []string{"POST", "PATCH", "CONNECT", "get", "PURGE"} {
			for _, outcome := range []reply{
				answer(408), answer(429, "Retry-After", "1"), answer(503), fail(errPeerReset), fail(io.EOF),
			} {
				s := play(outcome, answer(200))
				resp, _ := retry.New(s, retry.Policy{}).RoundTrip(place(method, "payload").Request)
				drop(resp)
				assert.Equal(t, 1, s.attempts(), method)
			}
			s := play(fail(errDialRefused), fail(errDialRefused), fail(errPeerReset), answer(200))
			_, err := retry.New(s, retry.Policy{}).RoundTrip(place(method, "payload").Request)
			assert.Equal(t, []string{"payload", "payload", "payload"}, s.texts(), "nobody has processed a refused one")
			assertError(t, err, retry.Error{Attempts: 3, Reason: retry.ErrNotIdempotent, Err: errPeerReset})
		}
	})
}

// Promise 8: "No retry comes earlier than Retry-After asks."
func TestPromise08_NoRetryComesEarlierThanRetryAfterAsks(t *testing.T) {
	// Each bubble begins at midnight, on the first of January 2000.
	for _, row := range []struct {
		header []string
		want   time.Duration
	}{
		{[]string{"Retry-After", "0"}, 0},
		{[]string{"Retry-After", "59"}, 59 * time.Second},
		{[]string{"Retry-After", "3", "Retry-After", "8"}, 8 * time.Second},
		{[]string{"Retry-After", "Sat, 01 Jan 2000 00:00:40 GMT"}, 40 * time.Second},
		{[]string{"Retry-After", "Sat, 01 Jan 2000 09:00:09 GMT", "Date", "Sat, 01 Jan 2000 09:00:00 GMT"}, 9 * time.Second},
		{[]string{"Retry-After", "9", "Retry-After-Ms", "8750"}, 8750 * time.Millisecond},
	} {
		for _, own := range []time.Duration{0, 1500 * time.Millisecond, -1} {
			synctest.Test(t, func(t *testing.T) {
				s := play(answer(503, row.header...), answer(200))
				mustEnd(t, retry.New(s, every(own)), place("GET", ""))
				assert.Equal(t, []time.Duration{0, row.want + max(own, 0)}, s.times(), "%v and %v", row.header, own)
			})
		}
	}
	synctest.Test(t, func(t *testing.T) {
		s := play(answer(503, "Retry-After", "61"))
		mustEnd(t, retry.New(s, retry.Policy{}), place("GET", ""))
		assert.Equal(t, 1, s.attempts(), "what is too long to wait for is not cut short")
	})
	synctest.Test(t, func(t *testing.T) {
		s := play(page(200, torn(), "Retry-After", "9"), answer(200))
		mustEnd(t, retry.New(s, retry.Policy{Backoff: retry.Constant(0), ReadAhead: aheadSize}), place("GET", ""))
		assert.Equal(t, []time.Duration{0, 9 * time.Second}, s.times(), "an answer that breaks off may ask, too")
	})
}
