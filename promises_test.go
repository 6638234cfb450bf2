package retry_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-e3550de8/retry"
)

// closing is a response whose body calls f when it is closed.
func closing(f func()) reply {
	return func(*http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: 503, Header: http.Header{}, Body: onClose{strings.NewReader("page"), f}}, nil
	}
}

type onClose struct {
	io.Reader
	do func()
}

func (c onClose) Close() error { c.do(); return nil }

// Promise 9: "Nothing is sent after the context is done, and nothing waits past its deadline."
// closingIdle is a base with idle connections.
type closingIdle struct {
	http.RoundTripper
	do func()
}

func (c closingIdle) CloseIdleConnections() { c.do() }

func TestPromise09_NothingIsSentOnceTheContextIsDone(t *testing.T) {
	for _, row := range []struct {
		name   string
		method string
		at     time.Duration
		end    func(ctx *endable, o *order, p *retry.Policy) reply
	}{
		{"in OnAttempt", "PUT", 0, func(ctx *endable, _ *order, p *retry.Policy) reply {
			p.OnAttempt = func(retry.Attempt, retry.Decision) { ctx.end() }
			return answer(503)
		}},
		{"while discarding", "GET", 0, func(ctx *endable, _ *order, _ *retry.Policy) reply {
			return closing(ctx.end)
		}},
		{"while discarding, after GetBody", "PUT", time.Second - retry.Grace, func(ctx *endable, _ *order, _ *retry.Policy) reply {
			return closing(ctx.end)
		}},
		{"in the wait", "PUT", time.Second / 2, func(ctx *endable, _ *order, _ *retry.Policy) reply {
			time.AfterFunc(time.Second/2, ctx.end)
			return answer(503)
		}},
		// When timer and context are both ready, select may take either.
		{"at the end of the wait, unseen by select", "GET", time.Second, func(ctx *endable, _ *order, _ *retry.Policy) reply {
			ctx.deadline = time.Now().Add(time.Second)
			return answer(503)
		}},
		{"in GetBody", "PUT", time.Second - retry.Grace, func(ctx *endable, o *order, _ *retry.Policy) reply {
			getBody := o.GetBody
			o.GetBody = func() (io.ReadCloser, error) { ctx.end(); return getBody() }
			return answer(503)
		}},
	} {
		synctest.Test(t, func(t *testing.T) {
			ctx, p := newEndable(t), every(time.Second)
			o := place(row.method, map[string]string{"PUT": "payload"}[row.method]).under(ctx)
			s := play(row.end(ctx, o, &p), answer(200))
			_, err := retry.New(s, p).RoundTrip(o.Request)
			assert.Equal(t, 1, s.attempts(), row.name)
			assert.ErrorIs(t, err, context.Canceled, row.name)
			assert.Equal(t, row.at, time.Since(s.begin), row.name)
			assert.Empty(t, s.left(o, nil), row.name)
			assert.Equal(t, strings.HasSuffix(row.name, "GetBody"), len(o.bodies) == 2, "%s: GetBody is not asked in vain", row.name)
		})
	}
	synctest.Test(t, func(t *testing.T) {
		ctx := newEndable(t)
		s := play(fail(errPeerReset), fail(errPeerReset), answer(200))
		o := place("DELETE", "").under(ctx)
		_, err := retry.New(closingIdle{s, ctx.end}, every(0)).RoundTrip(o.Request)
		assert.ErrorIs(t, err, context.Canceled, "while idle connections are closed")
		assert.Equal(t, 2, s.attempts(), "while idle connections are closed")
	})
	for _, deadline := range []time.Duration{time.Second, 3*time.Second - 1, 3 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), deadline)
			defer cancel()
			s := play(answer(503, "Retry-After", "2"))
			mustEnd(t, retry.New(s, every(time.Second)), place("GET", "").under(ctx))
			assert.Zero(t, time.Since(s.begin), "the deadline %v makes the wait of 3s pointless", deadline)
			assert.Equal(t, 1, s.attempts())
		})
	}
}

// An endable context is foreign to package context, so that a context made from it costs a goroutine. Its Err may tell
// of its end before Done does.
type endable struct {
	context.Context
	done     chan struct{}
	deadline time.Time
}

func newEndable(t *testing.T) *endable {
	return &endable{Context: context.WithoutCancel(t.Context()), done: make(chan struct{})}
}

func (c *endable) end()                  { close(c.done) }
func (c *endable) Done() <-chan struct{} { return c.done }
func (c *endable) Err() error {
	select {
	case <-c.done:
		return context.Canceled
	default:
	}
	if !c.deadline.IsZero() && !time.Now().Before(c.deadline) {
		return context.Canceled
	}
	return nil
}

// Promise 10: "No goroutine, timer, connection or context outlives its request."
func TestPromise10_NothingOutlivesTheRequest(t *testing.T) {
	dripping := func(req *http.Request) (*http.Response, error) { return page(503, drip(time.Second, -1))(req) }
	for name, replies := range map[string][]reply{
		"success": {answer(200)},
		"retries": {answer(503), fail(errPeerReset), answer(503), answer(200)},
		"late":    {late(time.Minute, answer(200))},
		"empty": {func(*http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: 200, Body: http.NoBody}, nil
		}},
		"endless, discards": {page(503, endless{}), dripping, answer(200)},
	} {
		// The bubble ends only when each goroutine in it has, also those that wait for a context's end.
		synctest.Test(t, func(t *testing.T) {
			ctx := newEndable(t)
			p := every(5 * time.Second)
			p.AttemptTimeout = 10 * time.Second
			s := play(replies...)
			resp, err := retry.New(s, p).RoundTrip(place("GET", "").under(ctx).Request)
			if err != nil {
				assert.Equal(t, "late", name)
				return
			}
			if name == "closed unread" {
				drop(resp)
				return
			}
			time.Sleep(time.Hour) // the attempt's timer is long due
			text, err := io.ReadAll(resp.Body)
			assert.NoError(t, err, name)
			if resp.Body != http.NoBody {
				assert.Equal(t, "body of 200", string(text), name)
			}
			drop(resp)
		})
	}
}

// Promise 11: "A discarded body is drained within a bound in bytes and in time, then closed, before the rest of the
// wait, and the drain counts towards it: its connection serves the next attempt, and an endless or dripping body makes
// no retry later than its backoff, or than 10ms if that is longer."
func TestPromise11_ADiscardedBodyIsDrainedWithinBounds(t *testing.T) {
	const ms = time.Millisecond
	page64k := func() io.Reader { return strings.NewReader(strings.Repeat("x", 64<<10)) }
	dripping := func() io.Reader { return drip(300*ms, -1) }
	for _, row := range []struct {
		name               string
		body               func() io.Reader
		wait, closed, next time.Duration
		toTheEnd           bool
	}{
		{"error page", page64k, 3000 * ms, 0, 3000 * ms, true},
		{"error page, no wait", page64k, 0, 0, 0, true},
		{"of the very bound", func() io.Reader { return io.LimitReader(endless{}, retry.MaxDrain) }, 1000 * ms, 0, 1000 * ms, true},
		{"endless", func() io.Reader { return endless{} }, 3000 * ms, 0, 3000 * ms, false},
		{"slow, but there in time", func() io.Reader { return drip(200*ms, 3) }, 3000 * ms, 800 * ms, 3000 * ms, true},
		{"dripping", dripping, 3000 * ms, retry.MaxDrainTime, 3000 * ms, false},
		{"dripping, short wait", dripping, 400 * ms, 400 * ms, 400 * ms, false},
		{"dripping, no wait", dripping, 0, retry.Grace, retry.Grace, false},
	} {
		if retry.CloseDrains { // at once and unread: the rest is net/http's, within bounds of its own
			row.closed, row.next, row.toTheEnd = 0, row.wait, false
		}
		synctest.Test(t, func(t *testing.T) {
			s := play(page(503, row.body()), answer(200))
			mustEnd(t, retry.New(s, every(row.wait)), place("GET", ""))
			assert.Equal(t, []time.Duration{0, row.next}, s.times(), row.name)
			synctest.Wait() // for the reader that was given up
			discarded := s.sent[0].resp.Body.(*watched)
			assert.Equal(t, row.closed, discarded.closedAt, row.name)
			assert.Equal(t, 1, discarded.closes, row.name)
			assert.Equal(t, row.toTheEnd, discarded.sawEnd, row.name)
			assert.LessOrEqual(t, discarded.read(), int(retry.MaxDrain)+1, row.name)
		})
	}
}

// Promise 12: "101 responses and their writable bodies pass untouched; trailers, 1xx, Expect: 100-continue, HEAD,
// CONNECT and http.NoBody are as without this package."
func TestPromise12_SpecialMessagesAreAsWithoutThisPackage(t *testing.T) {
	for _, p := range []retry.Policy{{}, {AttemptTimeout: time.Second}} {
		synctest.Test(t, func(t *testing.T) {
			switched := struct {
				io.ReadCloser
				io.Writer
			}{watch("101", strings.NewReader("")), io.Discard}
			upgrade := func(*http.Request) (*http.Response, error) {
				return &http.Response{StatusCode: 101, Body: switched}, nil
			}
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			resp, err := retry.New(play(answer(503), upgrade), p).RoundTrip(place("GET", "").under(ctx).Request)
			require.NoError(t, err)
			assert.Equal(t, switched, resp.Body, "not wrapped")
			time.Sleep(time.Hour)
			assert.NoError(t, resp.Request.Context().Err(), "its connection lives on")
			drop(resp)

			trace := &httptrace.ClientTrace{}
			o := place("HEAD", "").under(httptrace.WithClientTrace(t.Context(), trace))
			o.Body, o.Header = http.NoBody, http.Header{"Expect": {"100-continue"}}
			s := play(fail(errPeerReset), func(*http.Request) (*http.Response, error) {
				return &http.Response{StatusCode: 200, ContentLength: 1 << 40, Body: http.NoBody}, nil
			})
			resp, err = retry.New(s, p).RoundTrip(o.Request)
			require.NoError(t, err)
			assert.Equal(t, http.NoBody, resp.Body)
			for _, one := range s.sent {
				assert.Equal(t, http.NoBody, one.req.Body)
				assert.Equal(t, o.Header, one.req.Header)
				assert.NotNil(t, httptrace.ContextClientTrace(one.req.Context()), "who hears of 1xx")
			}

			s = play(answer(503), answer(200))
			resp, err = retry.New(s, p).RoundTrip(place("GET", "").Request)
			require.NoError(t, err)
			s.sent[1].resp.Trailer = http.Header{"X-Sum": {"late"}}
			assert.Equal(t, "late", resp.Trailer.Get("X-Sum"), "the base sets trailers on its own struct while the body is read")
			drop(resp)
		})
	}
}

// Promise 13: "Nested Transports retry in one layer: the total stays within one MaxAttempts. A retry's context tells
// the inner one; a response or an error that took several attempts tells the outer one."
func TestPromise13_NestedTransportsRetryInOneLayer(t *testing.T) {
	for _, row := range []struct{ outer, inner, want int }{{4, 4, 4}, {2, 4, 4}, {6, 3, 6}, {5, 1, 5}, {1, 3, 3}} {
		for name, outcome := range map[string]reply{"503": answer(503), "reset": fail(errPeerReset), "refused": fail(errDialRefused)} {
			synctest.Test(t, func(t *testing.T) {
				s := play(outcome)
				inner := retry.New(s, retry.Policy{MaxAttempts: row.inner})
				between := roundTripperFunc(func(req *http.Request) (*http.Response, error) {
					resp, err := inner.RoundTrip(req.Clone(req.Context()))
					if err != nil {
						err = fmt.Errorf("far in: %w", err)
					}
					return resp, err
				})
				resp, err := retry.New(between, retry.Policy{MaxAttempts: row.outer}).RoundTrip(place("GET", "").Request)
				drop(resp)
				assert.Equal(t, row.want, s.attempts(), "%v %s", row, name)
				if resp != nil {
					assert.Equal(t, row.want, retry.AttemptNumber(resp.Request.Context()))
					return
				}
				all, ok := errors.AsType[*retry.Error](err)
				require.True(t, ok, "%v", err)
				assert.Equal(t, row.want, all.Attempts, "%v %s", row, name)
			})
		}
	}
}

// Promise 13, again: "A retry's context tells the inner one."
func TestPromise13_TheInnerTransportLeavesAnOutersRetryAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		inner, outer := every(time.Hour), every(time.Second)
		decisions := told(&inner)
		outer.Classify = func(a retry.Attempt) retry.Class {
			if a.Response != nil && a.Response.StatusCode == 404 {
				return retry.Transient
			}
			return retry.Classify(a)
		}
		s := play(answer(404), answer(503), answer(503, "Retry-After", "3"), answer(200))
		resp := mustEnd(t, retry.New(retry.New(s, inner), outer), place("GET", ""))
		assert.Equal(t, 200, resp.StatusCode)
		assert.Equal(t, []time.Duration{0, time.Second, 2 * time.Second, 6 * time.Second}, s.times())
		require.Len(t, *decisions, 4)
		for _, d := range (*decisions)[1:3] {
			assert.Equal(t, retry.ErrMaxAttempts, d.Reason)
		}
	})
}

// Promise 14: "Nothing is printed, and no error text of this package holds a URL's path, query or user, a header or a
// body."
func TestPromise14_NothingIsPrintedAndNoErrorTellsASecret(t *testing.T) {
	var printed bytes.Buffer
	log.SetOutput(&printed)
	defer log.SetOutput(os.Stderr)
	r, w, err := os.Pipe()
	require.NoError(t, err)
	stdout, stderr := os.Stdout, os.Stderr
	os.Stdout, os.Stderr = w, w
	texts := provokeErrors(t)
	os.Stdout, os.Stderr = stdout, stderr
	w.Close()
	_, err = io.Copy(&printed, r)
	require.NoError(t, err)
	r.Close()
	assert.Empty(t, printed.String())
	for name, text := range texts {
		for _, secret := range []string{"annabel", "opensesame", "private", "token", "hush", "swordfish", "payload", "body of"} {
			assert.NotContains(t, text, secret, name)
		}
	}
}

// provokeErrors returns the text of an error of each kind that the package makes.
func provokeErrors(t *testing.T) map[string]string {
	texts := map[string]string{}
	leaky := &url.Error{Op: "Get", URL: secretURL, Err: errPeerReset}
	for name, set := range map[string]func(o *order, end context.CancelCauseFunc) (reply, retry.Policy){
		"a base that is a client": func(*order, context.CancelCauseFunc) (reply, retry.Policy) { return fail(leaky), retry.Policy{} },
		"broken base": func(*order, context.CancelCauseFunc) (reply, retry.Policy) {
			return func(*http.Request) (*http.Response, error) { return nil, nil }, retry.Policy{}
		},
		"attempt timeout": func(*order, context.CancelCauseFunc) (reply, retry.Policy) {
			return late(time.Minute, answer(200)), retry.Policy{AttemptTimeout: 1}
		},
		"GetBody fails": func(o *order, _ context.CancelCauseFunc) (reply, retry.Policy) {
			o.GetBody = func() (io.ReadCloser, error) { return nil, leaky }
			return fail(errPeerReset), retry.Policy{}
		},
		"context canceled": func(_ *order, end context.CancelCauseFunc) (reply, retry.Policy) {
			time.AfterFunc(1, func() { end(leaky) })
			return answer(503, "X-Secret", "swordfish"), every(time.Second)
		},
	} {
		synctest.Test(t, func(t *testing.T) {
			ctx, end := context.WithCancelCause(t.Context())
			defer end(nil)
			o := place("PUT", "payload").under(ctx)
			outcome, p := set(o, end)
			_, err := retry.New(play(outcome), p).RoundTrip(o.Request)
			require.Error(t, err, name)
			texts[name] = err.Error()
		})
	}
	return texts
}
