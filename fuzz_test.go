package retry_test

import (
	"cmp"
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-e3550de8/retry"
)

// A run is a request through a Transport, all of it chosen by dice, and what came of it.
type run struct {
	order       *order
	policy      retry.Policy
	idempotent  bool
	once        bool
	broken      bool            // GetBody has failed
	deadline    time.Duration   // zero: none
	retryAfters []time.Duration // what each reply asks; zero also if it asks nothing
	script      *script

	attempts  []retry.Attempt
	decisions []retry.Decision
	resp      *http.Response
	err       error
	took      time.Duration
}

func (r *run) choosePolicy(d *dice) {
	r.policy = retry.Policy{
		MaxAttempts: pick(d, 0, 1, 2, 3, 6, -1),
		Backoff: pick[retry.Backoff](d, nil, retry.Constant(0), retry.Constant(time.Second), retry.Constant(-1),
			retry.Constant(10000*time.Hour),
			retry.Exponential{Base: 100 * time.Millisecond, Max: time.Second, Jitter: retry.Jitter(d.roll(5))}),
		MaxRetryAfter:  pick(d, 0, -1, time.Second, time.Hour, longest),
		AttemptTimeout: pick(d, 0, 0, -1, time.Second, time.Minute, longest),
		Classify:       pick(d, nil, nil, func(a retry.Attempt) retry.Class { return retry.Class(a.Number%5) - 1 }),
		Budget:         pick(d, nil, retry.Unlimited, &retry.Budget{}, &retry.Budget{Floor: 0.5}),
		OnAttempt: func(a retry.Attempt, one retry.Decision) {
			r.attempts, r.decisions = append(r.attempts, a), append(r.decisions, one)
		},
	}
}

func (r *run) chooseRequest(d *dice) {
	method := pick(d, "GET", "PUT", "POST", "DELETE", "PATCH")
	r.order = place(method, pick(d, "", "payload"))
	r.idempotent = method != "POST" && method != "PATCH"
	if d.roll(4) == 1 {
		r.order.Header["Idempotency-Key"] = nil
		r.idempotent = true
	}
	if r.order.Body == nil {
		return
	}
	getBody, broken := r.order.GetBody, 1+d.roll(6)
	r.order.GetBody = func() (io.ReadCloser, error) {
		if len(r.order.bodies) == broken {
			r.broken = true
			return nil, errors.New("the file is gone")
		}
		return getBody()
	}
	if d.roll(4) == 1 {
		r.order.GetBody, r.once = nil, true
	}
}

// chooseReply also notes what the reply asks.
func (r *run) chooseReply(d *dice) reply {
	r.retryAfters = append(r.retryAfters, 0)
	var one reply
	switch d.roll(8) {
	case 0:
		one = fail(pick[error](d, errPeerReset, errDialRefused, io.EOF, http.ErrSkipAltProtocol))
	case 1:
		one = pick(d, reply(func(*http.Request) (*http.Response, error) { return nil, nil }), bodiless(pick(d, 200, 503)))
	case 2:
		one = together(answer(200), errPeerReset)
	default:
		one = r.chooseAnswer(d)
	}
	return late(pick(d, 0, 0, time.Millisecond, 700*time.Millisecond, 20*time.Second), one)
}

func (r *run) chooseAnswer(d *dice) reply {
	code := pick(d, 200, 503, 429, 500, 101, 404, 408, 204)
	var header []string
	if seconds := pick(d, -1, -1, 0, 2, 59, 61, 7200); seconds >= 0 {
		header = []string{"Retry-After", strconv.Itoa(seconds)}
		r.retryAfters[len(r.retryAfters)-1] = time.Duration(seconds) * time.Second
	}
	// Made in the bubble, because a dripper has a channel.
	body := pick(d,
		func() io.Reader { return strings.NewReader("short") },
		func() io.Reader { return strings.NewReader(strings.Repeat("x", 64<<10)) },
		func() io.Reader { return endless{} },
		func() io.Reader { return drip(300*time.Millisecond, -1) },
		func() io.Reader { return drip(time.Millisecond, 5) },
	)
	protocol := 1 + d.roll(2)
	return func(req *http.Request) (*http.Response, error) {
		resp, err := page(code, body(), header...)(req)
		resp.ProtoMajor = protocol
		return resp, err
	}
}

// play sends the request of a run.
func (r *run) play(t *testing.T, d *dice) {
	r.choosePolicy(d)
	r.chooseRequest(d)
	var replies []reply
	for range 6 {
		replies = append(replies, r.chooseReply(d))
	}
	r.script = play(replies...)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	// At an odd nanosecond nothing else happens, so that what is first and what is second is certain.
	r.deadline = pick(d, 0, time.Millisecond+13, 2500*time.Millisecond+13, time.Minute+13)
	switch byTimer := d.roll(2) == 1; {
	case r.deadline == 0:
	case byTimer:
		defer time.AfterFunc(r.deadline, cancel).Stop()
	default:
		ctx, cancel = context.WithTimeout(ctx, r.deadline)
		defer cancel()
	}
	rt := retry.New(r.guard(t), r.policy)
	if d.roll(3) == 1 {
		rt, ctx = retry.New(r.guard(t), retry.Policy{}), retry.WithPolicy(ctx, r.policy)
	}
	r.order.under(ctx)
	r.resp, r.err = rt.RoundTrip(r.order.Request)
	r.took = time.Since(r.script.begin)
	r.check(t, ctx)
	drop(r.resp)
}

// guard sees each attempt as it goes out.
func (r *run) guard(t *testing.T) roundTripperFunc {
	return func(req *http.Request) (*http.Response, error) {
		if r.script.attempts() > 0 {
			assert.NoError(t, req.Context().Err(), "promise 9: nothing is sent after the context is done")
		}
		return r.script.RoundTrip(req)
	}
}

func (r *run) check(t *testing.T, ctx context.Context) {
	sent := r.script.sent
	most := max(cmp.Or(r.policy.MaxAttempts, 4), 1)
	require.NotEmpty(t, sent, "promise 1")
	assert.LessOrEqual(t, len(sent), most, "promise 1")
	require.Len(t, r.decisions, len(sent), "OnAttempt is told of every attempt")
	for i, one := range sent {
		if i > 0 || r.policy.AttemptTimeout <= 0 {
			assert.Equal(t, i == 0, one.req == r.order.Request, "promise 2: attempt 1 sends that very pointer")
		}
		assert.Equal(t, sent[0].text, one.text, "promise 2: each attempt sends the same body")
		assert.Equal(t, i+1, retry.AttemptNumber(one.req.Context()))
	}
	assert.LessOrEqual(t, len(r.order.bodies), len(sent)+1)
	assert.False(t, r.once && len(sent) > 1, "promise 3: what cannot be replayed is sent once")
	assert.Empty(t, r.script.left(r.order, r.resp), "promise 4")
	for i := range sent[1:] {
		r.checkRetry(t, i)
	}
	if limit := r.deadline; limit > 0 {
		if r.policy.AttemptTimeout > 0 {
			limit += retry.Grace // in which a Read that has lost its context may return before the body is closed
		}
		assert.LessOrEqual(t, r.took, limit, "promise 9: nothing waits past the deadline")
	}
	if r.err == nil {
		r.checkResponse(t)
		return
	}
	r.checkError(t, ctx)
}

// checkRetry looks at the retry after attempt i.
func (r *run) checkRetry(t *testing.T, i int) {
	d, gap := r.decisions[i], r.script.sent[i+1].at-r.script.sent[i].done
	assert.True(t, d.Retry)
	assert.True(t, r.idempotent || d.Class == retry.Unprocessed, "promise 7")
	assert.GreaterOrEqual(t, gap, d.Delay)
	if r.attempts[i].Response != nil {
		assert.GreaterOrEqual(t, gap, r.retryAfters[i], "promise 8")
		assert.LessOrEqual(t, gap, max(d.Delay, retry.Grace), "promise 11")
		return
	}
	assert.Equal(t, d.Delay, gap)
}

func (r *run) checkResponse(t *testing.T) {
	last := r.script.sent[len(r.script.sent)-1]
	assert.Same(t, last.resp, r.resp, "promise 5")
	if b, ok := last.page.(*watched); ok {
		assert.Zero(t, b.read(), "promise 5: unread")
		assert.False(t, b.isClosed(), "promise 5: open")
	}
	assert.False(t, r.decisions[len(r.decisions)-1].Retry && !r.broken, "the response in hand, if GetBody fails")
}

func (r *run) checkError(t *testing.T, ctx context.Context) {
	last, d := r.attempts[len(r.attempts)-1], r.decisions[len(r.decisions)-1]
	assert.Nil(t, r.resp)
	if len(r.attempts) == 1 && !d.Retry {
		assert.True(t, r.err == last.Err, "promise 6: the base's own value")
		return
	}
	whole, ok := r.err.(*retry.Error)
	require.True(t, ok, "promise 6: %T", r.err)
	assert.Equal(t, len(r.attempts), whole.Attempts, "promise 6")
	if last.Err != nil {
		assert.ErrorIs(t, r.err, last.Err, "promise 6")
	}
	if d.Reason != nil {
		assert.ErrorIs(t, r.err, d.Reason, "promise 6")
	}
	if d.Retry && ctx.Err() != nil {
		assert.ErrorIs(t, r.err, ctx.Err(), "promise 6")
	}
}

// FuzzTransport checks promises 1 to 11; the tenth by the bubble, which ends only if all goroutines in it have.
func FuzzTransport(f *testing.F) {
	seed(f, 300, 64)
	f.Fuzz(func(t *testing.T, choices []byte) {
		synctest.Test(t, func(t *testing.T) {
			var r run
			r.play(t, &dice{choices})
		})
	})
}
