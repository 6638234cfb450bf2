package retry

import (
	"net/http"
	"time"
)

// A Policy says which attempts to repeat, how often, and after how long. Every Policy is valid: a zero field has the
// default that its comment states, and the zero Policy is a good one.
//
// A Policy may be copied. Its functions and its Backoff are called by many goroutines at once.
type Policy struct {
	_ [0]func() // no comparison, no unkeyed literals

	// MaxAttempts is the most attempts that are made, the first included. 1 or negative disables retries; zero means 4.
	// The Budget may end a request earlier. An [http.Client] that follows a redirect starts anew with it.
	MaxAttempts int

	// Backoff is the schedule of waits. Nil means Exponential{}. A negative delay counts as zero.
	Backoff Backoff

	// MaxRetryAfter is the longest Retry-After that is waited for. If the server asks for more, its response is returned
	// at once, unread: to ask again earlier would be wrong, and so would be to wait for an hour. Zero means 1m.
	// If it is negative, every response with a valid Retry-After is returned at once.
	MaxRetryAfter time.Duration

	// AttemptTimeout bounds each attempt, from its start until its response headers are there. The body is the business
	// of the request's context. (A base that waits for a Read of the request's body, as net/http does over HTTP/1, is
	// late by that wait. Over HTTP/2 the next attempt goes to the same connection, dead or not, unless the base finds out
	// by [http.HTTP2Config.SendPingTimeout].) Its expiry is an error that matches [context.DeadlineExceeded] and
	// [os.ErrDeadlineExceeded], has Timeout() true, and is [Transient]. With it set, attempt 1 too is sent as a shallow
	// copy, and the response's body is wrapped (but for 101 Switching Protocols), since the attempt needs a context of
	// its own that lives until the body is read to its end or closed (after a 101, as long as the request's own). Zero or
	// negative means none.
	AttemptTimeout time.Duration

	// Classify says which failures may pass. Nil means [Classify].
	Classify Classifier

	// Idempotent says which requests may be processed twice. It must only read the request. Nil means [Idempotent].
	Idempotent func(*http.Request) bool

	// Budget bounds retries across requests. Nil means one of the Transport's own, with the defaults but for a Floor that
	// lets a single request have all of the Transport's MaxAttempts, or 101; [Unlimited] means none.
	Budget *Budget

	// OnAttempt, if not nil, is told of every attempt and of what becomes of it, in order, before any wait. It is part of
	// the request: a slow one delays it. It must not read or close the response's body, nor keep the attempt. If it
	// panics, the response is closed and the panic goes on. If the context ends the wait that it was told of, or GetBody
	// fails after it, it hears no more: the error has that.
	OnAttempt func(Attempt, Decision)

	// ShareRetryAfter makes the Retry-After of an authority hold every request that the Transport would send there, first
	// attempts too. They are released at random over the time from the end of the Retry-After to twice that, or to
	// MaxRetryAfter if that is earlier, but over half the Retry-After at least. A request whose deadline is before its
	// release, or whose MaxRetryAfter is before the end of the Retry-After, is not sent: it ends at once with an [*Error]
	// of zero attempts whose reason is [ErrDeadline] or [ErrRetryAfter]. One that has waited is held again if the server
	// has asked for that meanwhile and answered nobody, until MaxRetryAfter; then it goes. True in [WithPolicy] switches it on for a request; it cannot be switched off there.
	ShareRetryAfter bool
}

// An Attempt is one sending of a request and its outcome. It is passed by value, and is valid until the function that
// got it returns.
type Attempt struct {
	// Number counts from 1, over all nested Transports. It is 0 for a request that ShareRetryAfter did not let go at all.
	Number int

	// Request is what was sent, or, with an AttemptTimeout, what its copy was made from. It is read-only.
	Request *http.Request

	// Response is nil if and only if Err is not.
	Response *http.Response

	// Err is the base's own error, or that of an AttemptTimeout, of a base that returned nothing, or of a request that
	// was not sent.
	Err error

	// Duration is how long the base took. It is measured only if there is an OnAttempt.
	Duration time.Duration

	// Held is how long ShareRetryAfter held the request before this attempt, apart from a retry's own Delay.
	Held time.Duration
}

// A Decision is what becomes of a request after an attempt.
type Decision struct {
	// Retry reports whether there is another attempt, unless the context ends the wait for it or GetBody fails.
	Retry bool

	// Class is the attempt's.
	Class Class

	// Delay is the wait before the retry. It is also set if it was what forbade the retry: if Reason is ErrRetryAfter or
	// ErrDeadline, it is the wait that it would have been, and if ErrBudget, the one that was saved.
	Delay time.Duration

	// FromServer reports whether Delay contains the server's Retry-After.
	FromServer bool

	// Reason is why there is no retry; nil if the attempt was Final. It is one of the Err variables of this package, or
	// an error that matches the error and the cause of the request's context.
	Reason error
}

// decide is the whole policy: what to do after attempt a, at the time now. It keeps nothing and changes nothing, and
// asks no clock. The budget is not its business; it is asked after it.
func (p *Policy) decide(a Attempt, now time.Time) Decision {
	d := Decision{Class: p.classify(a)}
	if d.Class != Transient && d.Class != Unprocessed {
		d.Class = Final
	}
	if d.Class == Final && a.Err == nil {
		return d
	}
	if d.Reason = ended(a.Request); d.Reason != nil {
		return d
	}
	switch {
	case d.Class == Final:
		return d
	case d.Class == Transient && !p.idempotent(a.Request):
		d.Reason = ErrNotIdempotent
	case !Replayable(a.Request):
		d.Reason = ErrNotReplayable
	case a.Number >= p.maxAttempts():
		d.Reason = ErrMaxAttempts
	default:
		p.delay(&d, a, now)
	}
	d.Retry = d.Reason == nil
	return d
}

// delay sets how long to wait after a, or why that is too long.
func (p *Policy) delay(d *Decision, a Attempt, now time.Time) {
	d.Delay = max(p.backoff().Delay(a.Number), 0)
	if a.Response != nil {
		var retryAfter time.Duration
		if retryAfter, d.FromServer = ParseRetryAfter(a.Response.Header, now); retryAfter > 0 {
			d.Delay = saturate(retryAfter, d.Delay)
		}
		if d.FromServer && retryAfter > p.maxRetryAfter() {
			d.Reason = ErrRetryAfter
			return
		}
	}
	if deadline, ok := a.Request.Context().Deadline(); ok && deadline.Sub(now) <= d.Delay {
		d.Reason = ErrDeadline
	}
}

func saturate(d, e time.Duration) time.Duration {
	if d > forever-e {
		return forever
	}
	return d + e
}

func (p *Policy) maxAttempts() int {
	if p.MaxAttempts == 0 {
		return 4
	}
	return p.MaxAttempts
}

func (p *Policy) backoff() Backoff {
	if p.Backoff == nil {
		return Exponential{}
	}
	return p.Backoff
}

func (p *Policy) maxRetryAfter() time.Duration {
	if p.MaxRetryAfter == 0 {
		return time.Minute
	}
	return p.MaxRetryAfter
}

func (p *Policy) classify(a Attempt) Class {
	if p.Classify == nil {
		return Classify(a)
	}
	return p.Classify(a)
}

func (p *Policy) idempotent(req *http.Request) bool {
	if p.Idempotent == nil {
		return Idempotent(req)
	}
	return p.Idempotent(req)
}

// simple reports whether nobody but this package has a say in, or looks at, the outcome of an attempt.
func (p *Policy) simple() bool { return p.Classify == nil && p.OnAttempt == nil }

// plain reports whether a first attempt needs nothing before and, if it succeeds, nothing after it.
func (p *Policy) plain() bool { return p.simple() && p.AttemptTimeout <= 0 && !p.ShareRetryAfter }

// override returns a copy of p with the fields of q that are not zero.
func (p Policy) override(q *Policy) Policy {
	if q.MaxAttempts != 0 {
		p.MaxAttempts = q.MaxAttempts
	}
	if q.Backoff != nil {
		p.Backoff = q.Backoff
	}
	if q.MaxRetryAfter != 0 {
		p.MaxRetryAfter = q.MaxRetryAfter
	}
	if q.AttemptTimeout != 0 {
		p.AttemptTimeout = q.AttemptTimeout
	}
	if q.Classify != nil {
		p.Classify = q.Classify
	}
	if q.Idempotent != nil {
		p.Idempotent = q.Idempotent
	}
	if q.Budget != nil {
		p.Budget = q.Budget
	}
	if q.OnAttempt != nil {
		p.OnAttempt = q.OnAttempt
	}
	p.ShareRetryAfter = p.ShareRetryAfter || q.ShareRetryAfter
	return p
}
