//lint:file-ignore SA1019 http.Client still sets Request.Cancel, and so may anybody

package e2e_test

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/seed-e3550de8/retry"
)

// slackOfCalls is how much later than promised a call may end because of somebody else's code.
const slackOfCalls = 20 * time.Millisecond

// lone reports whether one Transport alone made all of the attempts, so that each of them can be foretold.
func (o *hostileOrder) lone() bool { return o.scene.layers == 1 && !o.scene.inDo }

// plain reports whether the caller sees what RoundTrip of the outermost Transport returns.
func (o *hostileOrder) bare() bool { return o.lone() && o.scene.timeout == 0 }

func (o *hostileOrder) check() {
	s := o.scene
	o.checkRequest()
	o.checkBodies()
	o.checkCount()
	for i := range o.attempts {
		o.checkAttempt(i)
	}
	for i := range o.attempts[:max(len(o.attempts)-1, 0)] {
		o.checkRetry(i)
	}
	if o.ends {
		last := o.deadline
		if o.free.After(last) {
			last = o.free
		}
		assert.LessOrEqual(s, o.returned.Sub(last), slackOfCalls, "promise 9: nothing waits past its deadline")
	}
	if o.panicked != nil {
		return
	}
	o.checkResponse()
	o.checkError()
	o.checkTold()
	o.checkSpent()
}

func (o *hostileOrder) checkRequest() {
	now := *o.req
	assert.True(o.scene, reflect.DeepEqual(now.Header, o.header),
		"promise 2: the header was %v and is %v", o.header, now.Header)
	assert.True(o.scene, sameRequest(&o.before, &now, hostileURL), "promise 2: the request was %v and is %v", o.before, now)
}

func sameRequest(a, b *http.Request, url string) bool {
	return a.Method == b.Method && a.URL == b.URL && a.URL.String() == url && a.Body == b.Body &&
		a.ContentLength == b.ContentLength && a.Host == b.Host && a.Context() == b.Context() && a.Cancel == b.Cancel &&
		a.Close == b.Close && len(a.Trailer) == len(b.Trailer)
}

func (o *hostileOrder) checkCount() {
	s, n := o.scene, len(o.attempts)
	gated := s.policy.Gate != nil || s.inner.Gate != nil
	if !gated && o.panicked == nil && s.timeout == 0 {
		assert.Positive(s, n, "promise 1")
	}
	assert.LessOrEqual(s, n, o.most(), "promises 1 and 13: no more than MaxAttempts, also through layers")
	if o.once && !s.inDo {
		assert.LessOrEqual(s, n, 1, "promise 3: what cannot be replayed is sent once")
	}
}

func (o *hostileOrder) checkAttempt(i int) {
	s, a := o.scene, o.attempts[i]
	assert.False(s, i > 0 && a.late && !s.inDo, "promise 9: nothing is sent after the context is done")
	if !o.bare() {
		return
	}
	if i > 0 || s.policy.AttemptTimeout <= 0 && len(o.req.Trailer) == 0 {
		assert.Equal(s, i == 0, a.req == o.req, "promise 2: attempt 1 sends that very pointer")
	}
	assert.True(s, reflect.DeepEqual(a.req.Header, o.header), "promise 2: a retry has the same header")
	assert.Equal(s, o.req.ContentLength, a.req.ContentLength)
	assert.GreaterOrEqual(s, a.number, i+1)
}

// checkRetry looks at the retry after attempt i.
func (o *hostileOrder) checkRetry(i int) {
	s, a, next := o.scene, o.attempts[i], o.attempts[i+1]
	gap := next.start.Sub(a.done)
	if !s.inDo && !o.idempotent && !s.policy.judges && !s.inner.judges {
		assert.False(s, a.acted, "promise 7: it may have been acted on, and is sent again after %T", a.err)
	}
	if !s.policy.wishes && !s.inner.wishes && !s.hides {
		assert.GreaterOrEqual(s, gap, a.wish, "promise 8: no retry comes earlier than the server asks")
	}
	shared := a.req.Body != nil && a.req.Body != http.NoBody && a.req.Body == next.req.Body
	assert.False(s, shared && !o.sameReader, "promise 3: no attempt has the body of another")
	if !o.bare() || len(o.heard) <= i {
		return
	}
	word := o.heard[i]
	assert.True(s, word.Retry, "it was not announced")
	assert.GreaterOrEqual(s, gap, word.Delay)
	if s.policy.Gate == nil {
		assert.LessOrEqual(s, next.start.Sub(latest(word.at.Add(word.Delay), o.lastWord(i, next.start))), slackOfCalls,
			"promise 11: no body makes a retry later")
	}
}

// lastWord is when code of the caller's returned last before the attempt after i, as far as that is known.
func (o *hostileOrder) lastWord(i int, start time.Time) time.Time {
	if o.req.GetBody != nil {
		return start // GetBody may have taken its time
	}
	return o.heard[i].at.Add(time.Second) // the longest that an OnAttempt takes
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// checkUnread looks at the response as the caller gets it.
func (o *hostileOrder) checkUnread() {
	if o.resp == nil {
		return
	}
	p := o.pageOf(o.resp)
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	assert.Zero(o.scene, p.closes, "promise 5: it is open")
	if !o.scene.policy.peeks() && !o.scene.inner.peeks() {
		assert.Empty(o.scene, p.reads, "promise 5: it is unread")
	}
}

func (o *hostileOrder) pageOf(resp *http.Response) *hostilePage {
	p, _ := o.scene.pages.Load(resp.Header.Get("Page"))
	page, _ := p.(*hostilePage)
	return page
}

func (o *hostileOrder) checkResponse() {
	if o.resp == nil {
		return
	}
	s, last := o.scene, o.attempts[len(o.attempts)-1]
	assert.NoError(s, o.err)
	assert.Same(s, last.page, o.pageOf(o.resp), "promise 5: it is the last one")
	if o.bare() && last.resp.Request != nil && s.policy.AttemptTimeout <= 0 {
		assert.Same(s, last.resp, o.resp, "promise 5: it is the base's own pointer")
	}
	if o.bare() && last.resp.StatusCode == 101 && s.policy.Classify == nil {
		assert.Equal(s, http.ResponseWriter(nil) == nil, o.resp.Body == last.resp.Body, "promise 12")
	}
	assert.Equal(s, last.resp.StatusCode, o.resp.StatusCode)
}

func (o *hostileOrder) checkError() {
	if o.err == nil {
		return
	}
	s := o.scene
	assert.Nil(s, o.resp)
	err := o.err
	if u, ok := err.(*url.Error); ok && s.timeout > 0 {
		err = u.Err
	}
	own, ok := err.(*retry.Error)
	if ok && !strings.HasPrefix(fmt.Sprint(own), "%!v(PANIC") {
		assert.NotContains(s, fmt.Sprint(own), "secret", "promise 14")
	}
	if !o.bare() || s.plain {
		return
	}
	if !ok {
		assert.Len(s, o.attempts, 1, "promise 6: after several attempts it is an *Error, not %T", err)
		return
	}
	o.checkOwnError(own)
}

func (o *hostileOrder) checkOwnError(e *retry.Error) {
	s := o.scene
	if len(o.attempts) == 0 {
		assert.Zero(s, e.Attempts)
		return
	}
	last := o.attempts[len(o.attempts)-1]
	if len(o.attempts) == 1 && same(o.err, last.err) {
		return
	}
	assert.GreaterOrEqual(s, e.Attempts, len(o.attempts), "promise 6")
	if last.err != nil && s.policy.AttemptTimeout <= 0 {
		assert.True(s, same(e.Err, last.err), "promise 6: it has the last attempt's error")
	}
	if o.asked {
		assert.True(s, same(e.Reason, o.told.Reason), "WithDecision says %v, the error %v", o.told.Reason, e.Reason)
	}
	if o.req.Context().Err() != nil && e.Reason != nil && errors.Is(e.Reason, o.req.Context().Err()) {
		assert.ErrorIs(s, e.Reason, o.cause, "promise 6: it matches the cause")
	}
}

// same compares what may not be comparable.
func same(a, b error) bool {
	va, vb := reflect.ValueOf(a), reflect.ValueOf(b)
	if a == nil || b == nil || va.Type() != vb.Type() {
		return a == nil && b == nil
	}
	return !va.Comparable() || a == b
}

// checkTold holds WithDecision against the outcome.
func (o *hostileOrder) checkTold() {
	if !o.asked || !o.lone() {
		return
	}
	s, d := o.scene, o.told
	assert.False(s, d.Retry, "WithDecision: there is no retry after the last attempt")
	if n := len(o.heard); n > 0 && n == len(o.attempts) && !o.heard[n-1].Retry {
		assert.True(s, same(o.heard[n-1].Reason, d.Reason), "WithDecision and OnAttempt differ")
	}
	if o.resp == nil || s.policy.judges || s.policy.ReadAhead > 0 {
		return
	}
	final := retry.ClassifyStatus(o.resp.StatusCode) == retry.Final
	assert.Equal(s, final, d.Class == retry.Final, "WithDecision")
	assert.Equal(s, final, d.Reason == nil, "WithDecision: there is a reason if it is not final")
}

// checkSpent foretells the balance of a Budget that one Transport has used for one order.
func (o *hostileOrder) checkSpent() {
	b := o.scene.policy.Budget
	if b == nil || b == retry.Unlimited || !o.lone() || len(o.scene.orders) > 1 ||
		len(o.heard) == 0 || len(o.heard) != len(o.attempts) {
		return
	}
	floor := 5.0
	if b.Floor > 0 {
		floor = b.Floor
	}
	want, taken := floor, 0.0
	for i, word := range o.heard {
		if word.Retry && i < len(o.heard)-1 {
			want, taken = max(want-word.Price, 0), taken+word.Price
		}
	}
	if o.resp != nil && o.heard[len(o.heard)-1].Class == retry.Final {
		want = floor
	}
	balance := b.Balance(o.req.URL)
	elapsed := time.Since(o.scene.begin).Seconds()
	assert.GreaterOrEqual(o.scene, balance, want*(1-1e-9)-1e-9, "the budget is overdrawn")
	assert.LessOrEqual(o.scene, balance, math.Min(want+0.001*elapsed+1e-6, math.Max(floor, 1)*(1+1e-9)),
		"the budget is refunded too much")
}
