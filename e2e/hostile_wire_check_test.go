package e2e_test

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"reflect"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/seed-e3550de8/retry"
	"github.com/seed-e3550de8/retry/httpfault"
)

// check holds what the server saw against what the callers got.
func (s *wireScene) check() {
	arrivals := s.server.Requests()
	for _, o := range s.orders {
		var own []httpfault.Request
		for _, r := range arrivals {
			if r.Path == o.req.URL.Path {
				own = append(own, r)
			}
		}
		o.checkRequest()
		o.checkTimes(own)
		o.checkActed(own, arrivals)
		o.checkArrived(own)
		o.checkAttempts()
		o.checkReason()
		o.checkError()
		if o.resp != nil {
			o.checkResponse(own)
		}
		o.checkClosed(own, arrivals)
	}
}

func (o *wireOrder) checkRequest() {
	now := *o.req
	assert.True(o.scene, reflect.DeepEqual(now.Header, o.header),
		"promise 2: the header was %v and is %v", o.header, now.Header)
	assert.True(o.scene, sameRequest(&o.before, &now, o.url), "promise 2: the request was %v and is %v", o.before, now)
}

// checkTimes demands that the call ends with its context, that nothing is sent after it, and that no retry comes
// earlier than the server asked.
func (o *wireOrder) checkTimes(own []httpfault.Request) {
	s := o.scene
	late := o.deadline.Add(slackOfCalls)
	ended := latest(late, o.returned.Add(100*time.Millisecond+slackOfCalls)).Add(o.slow)
	if !s.http2() {
		late = late.Add(o.slow) // net/http waits for a pending Read of the request's body
	}
	//lint:ignore SA1019 http.Client still sets it
	if !s.http2() || o.req.Cancel == nil { // which net/http does not look at before it sends a stream again by itself
		assert.LessOrEqual(s, o.returned.Sub(late), time.Duration(0), "promise 9: nothing waits past its deadline")
	}
	// Over HTTP/2 it is this body that waits for such a Read, if the answer came early.
	assert.LessOrEqual(s, o.finished.Sub(ended), time.Duration(0), "a body ends with its request")
	for _, r := range own {
		assert.LessOrEqual(s, r.Time.Sub(o.returned), slackOfCalls, "promise 10: nothing is sent after the call")
		for _, w := range o.heard {
			if w.page != nil && w.page.wish > 0 && r.Time.After(w.at) {
				assert.GreaterOrEqual(s, r.Time.Sub(w.at), w.page.wish, "promise 8: no retry comes earlier than the server asks")
			}
		}
	}
}

// checkActed demands that what must not be processed twice is sent once, unless it is certain that the server did not
// act on it, which it says by RST_STREAM or by GOAWAY, of that stream or of an earlier one.
func (o *wireOrder) checkActed(own, all []httpfault.Request) {
	s := o.scene
	if o.once {
		assert.LessOrEqual(s, len(own), 1, "promise 3: what cannot be replayed is sent once")
	}
	if o.idempotent {
		return
	}
	acted := 0
	for i, r := range own {
		if s.unprocessed(r, all) {
			continue
		}
		acted++
		later := own[len(own)-1].Time.After(r.Time) // those of one moment may be noted in any order
		assert.False(s, later, "promise 7: arrival %d may have been acted on, and was not the last", i+1)
	}
	assert.LessOrEqual(s, acted, 1, "promise 7")
}

func (s *wireScene) unprocessed(r httpfault.Request, all []httpfault.Request) bool {
	claim := s.claims[r.Step]
	if claim.refuses || claim.ownRetries {
		return true
	}
	for _, other := range all {
		claim, ok := s.claims[other.Step]
		if ok && other.Connection == r.Connection && claim.last >= 0 && int64(r.Stream) > claim.last {
			return true
		}
	}
	return false
}

// checkClosed demands that all bodies are closed, and the file that they are of.
//
// net/http does not close what it got from GetBody to send an HTTP/2 stream again, if it can't do that after all:
// because the context ends, or no connection is to be had. That happens only after a connection or a stream was ended.
func (o *wireOrder) checkClosed(own, all []httpfault.Request) {
	s := o.scene
	for i, b := range o.sources {
		assert.True(s, b.closes.Load() > 0 || b.resent, "promise 4: body %d of the request is closed", i+1)
	}
	if o.file == nil {
		return
	}
	loses := s.http2() && s.dials.Load() > 1
	for _, r := range own {
		loses = loses || s.unprocessed(r, all)
	}
	_, err := o.file.Stat()
	switch {
	case o.keeps:
		assert.NoError(s, err, "the file of a section stays the caller's")
	case !loses:
		assert.ErrorIs(s, err, os.ErrClosed, "promise 4: the file is closed")
	}
	o.file.Close()
	s.loses = s.loses || loses
}

// checkArrived demands that a body which the server takes for whole is that of the caller, and its trailer too.
func (o *wireOrder) checkArrived(own []httpfault.Request) {
	s := o.scene
	for i, r := range own {
		if !r.Whole {
			continue
		}
		if !assert.Equal(s, o.sum(), r.SHA256, "promise 3: the body of arrival %d is that of the request", i+1) {
			continue
		}
		if o.total != "" && (s.http2() || r.ContentLength < 0) {
			assert.Equal(s, o.total, r.Trailer.Get("Total"), "promise 12: the trailer of arrival %d", i+1)
		}
	}
}

// most is how often the order may be sent: the layers share their attempts.
func (o *wireOrder) most() int {
	most := 0
	for _, p := range o.scene.policies {
		n := p.MaxAttempts
		if o.policy {
			n = wirePolicy.MaxAttempts
		}
		if n == 0 {
			n = 4
		}
		most = max(most, n)
	}
	return most
}

func (o *wireOrder) checkAttempts() {
	s := o.scene
	if !s.watched {
		return
	}
	if !s.gated && o.timeout == 0 {
		assert.NotEmpty(s, o.attempts, "promise 1")
	}
	assert.LessOrEqual(s, len(o.attempts), o.most(), "promises 1 and 13")
	for i, a := range o.attempts {
		assert.False(s, i > 0 && a.late, "promise 9: nothing is sent after the context is done")
		assert.False(s, i > 0 && a.same, "promise 2: a retry is a copy")
	}
	if len(s.policies) > 1 || s.gated {
		return
	}
	for i, w := range o.heard[:min(len(o.heard), max(len(o.attempts)-1, 0))] {
		start := o.attempts[i+1].start
		assert.True(s, w.Retry, "it was not announced")
		assert.GreaterOrEqual(s, start.Sub(w.at), w.Delay)
		assert.LessOrEqual(s, start.Sub(w.at)-w.Delay, slackOfCalls, "promise 11: no body makes a retry later")
	}
}

// checkReason demands that there is a reason to give a failure up, and that it is true.
func (o *wireOrder) checkReason() {
	s, d := o.scene, o.told
	assert.False(s, d.Retry, "there is no retry after the last attempt")
	if o.resp != nil && retry.ClassifyStatus(o.resp.StatusCode) != retry.Final {
		assert.Error(s, d.Reason, "a failure is given up for a reason")
	}
	switch d.Reason {
	case retry.ErrNotIdempotent:
		assert.False(s, o.idempotent)
	case retry.ErrNotReplayable:
		assert.True(s, o.once || o.total != "" || o.kind == "source")
	case retry.ErrDeadline:
		_, ends := o.before.Context().Deadline()
		assert.True(s, ends || o.timeout > 0 || len(s.policies) > 1)
	case retry.ErrMaxAttempts:
		if s.watched {
			assert.GreaterOrEqual(s, len(o.attempts), 1)
		}
	}
}

func (o *wireOrder) checkError() {
	if o.err == nil {
		return
	}
	s := o.scene
	assert.Nil(s, o.resp)
	assert.NotContains(s, fmt.Sprint(o.err), "secret", "promise 14")
	err := o.err
	if u, ok := err.(*url.Error); ok && o.timeout > 0 {
		err = u.Err
	}
	if _, ours := errors.AsType[*retry.Error](err); ours || s.plain || !s.watched || o.timeout > 0 {
		return
	}
	if assert.Len(s, o.attempts, 1, "promise 6: after several attempts it is an *Error, not %T", err) {
		timed := s.policies[0].AttemptTimeout > 0 || s.policies[len(s.policies)-1].AttemptTimeout > 0
		assert.True(s, timed || same(err, o.attempts[0].err), "promise 6: it is the base's own, not %v", err)
	}
}

// checkResponse demands that the caller has what the server sent.
func (o *wireOrder) checkResponse(own []httpfault.Request) {
	s, p := o.scene, o.pageOf()
	assert.NoError(s, o.err)
	if p == nil {
		o.checkReceipt()
		return
	}
	assert.Same(s, o, p.order, "it is the answer to this request")
	assert.Equal(s, p.status, o.resp.StatusCode)
	assert.NotEmpty(s, own)
	o.checkPage(p)
}
