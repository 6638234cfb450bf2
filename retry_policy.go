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
	// The Budget may end a request earlier. Each redirect that an [http.Client] follows is a new request with attempts
	// of its own.
	MaxAttempts int

	// Backoff is the schedule of waits. Nil means Exponential{}. A negative delay counts as zero.
	Backoff Backoff

	// RetryAfter returns how long the server asks its client to wait, counted from now, when the response came, and
	// whether it asks at all. It is asked of every response that is not Final, and of one that came with an error or
	// after its AttemptTimeout, whose body is closed. A negative wait counts as zero. It may look at the body by
	// [Peek]. Nil means [ParseRetryAfter] of the header.
	RetryAfter func(resp *http.Response, now time.Time) (time.Duration, bool)

	// MaxRetryAfter is the longest wish of a server that is waited for. If it asks for more, its response is returned
	// at once, unread: to ask again earlier would be wrong, and so would be to wait for an hour. Zero means 1m.
	// If it is negative, every response with a valid Retry-After is returned at once.
	MaxRetryAfter time.Duration

	// AttemptTimeout bounds each attempt, from its start until its response headers are there. Zero or negative means
	// none. The body is the business of the request's context.
	//
	//   - Its expiry is an error that matches [context.DeadlineExceeded] and [os.ErrDeadlineExceeded], has Timeout()
	//     true, and is [Transient]. A response that comes too late is closed; what it asks for in Retry-After is kept.
	//   - The attempt has a context of its own, which lives until the response's body is read to its end or closed. So
	//     attempt 1 too is sent as a shallow copy, and the response's body is wrapped, in a copy of the response if its
	//     Request is not what was sent or it announces trailers. The body of a 101 Switching Protocols is not wrapped;
	//     its context lives as long as the request's own.
	//   - While the attempt goes on, the context's Deadline is the end of the timeout, if that is earlier.
	//   - A base that waits for a Read of the request's body, as net/http does over HTTP/1, is late by that wait.
	//   - Over HTTP/2 the next attempt goes to the same connection, dead or not, unless the base finds out by
	//     [http.HTTP2Config.SendPingTimeout].
	//   - An upload that takes longer needs a ResponseHeaderTimeout of its [http.Transport] instead, which starts once
	//     the request is written.
	AttemptTimeout time.Duration

	// ReadAhead makes the content of a response part of its attempt, up to so many bytes: a response that would be
	// returned is first read into memory. If it breaks off, or is not complete by the AttemptTimeout, the attempt was
	// [Transient], and OnAttempt is told of the error in place of the response. Zero or negative means none.
	//
	//   - A body that was complete by then comes from memory and does not fail any more. A larger one is handed on from
	//     its first byte as it comes; nothing is read of one whose Content-Length is larger.
	//   - If there is no retry, because the request is not idempotent, say, the response is returned all the same, and
	//     its body fails where it broke off.
	//   - Every request may take so much memory. Without an AttemptTimeout, only the request's context bounds the time.
	//   - It is not for answers that come in small pieces for long, as events do: nobody sees them before there are so
	//     many bytes.
	ReadAhead int64

	// Classify says which failures may pass. Nil means [retry.Classify].
	//
	// It must not read or close the response's body, but by [Peek], nor keep the attempt; it is called by many
	// goroutines at once. A class that is none of the constants counts as Final. One of your own is best written as an
	// exception: look for the special case, and return retry.Classify(a) for the rest. If it panics, the response is
	// closed and the panic goes on.
	Classify func(Attempt) Class

	// Idempotent says which requests may be processed twice. It must only read the request. Nil means
	// [retry.Idempotent].
	Idempotent func(*http.Request) bool

	// Budget bounds retries across requests. Nil means one of the Transport's own, whose Floor is as high as one
	// request needs to make all its attempts, up to 101 of them. [Unlimited] means none.
	Budget *Budget

	// Gate holds requests to an authority until its Retry-After is over, first attempts too. Nil means none.
	Gate *Gate

	// OnAttempt, if not nil, is told of every attempt and of what becomes of it, in order, before any wait that
	// follows. It is part of the request: a slow one delays it. It must not read or close the response's body, nor keep
	// the attempt. If it panics, the response is closed and the panic goes on. In [WithPolicy] it does not replace that
	// of the Transport: both are told, the Transport's first.
	//
	// It is not called again if a retry that it was told of is not made after all, because the context ends the wait, a
	// [Gate] holds the retry for too long, or GetBody fails. The outcome of the request then says so; see
	// [WithDecision].
	OnAttempt func(Attempt, Decision)

	floor float64 // the least capacity of the Transport's own Budget that this call may use
}

// fill gives the fields that are zero their defaults, but for Classify, see class, and for the Budget, which is the
// caller's business.
func (p *Policy) fill() {
	if p.MaxAttempts == 0 {
		p.MaxAttempts = defaultAttempts
	}
	if p.Backoff == nil {
		p.Backoff = Exponential{}
	}
	if p.RetryAfter == nil {
		p.RetryAfter = ownWish
	}
	if p.MaxRetryAfter == 0 {
		p.MaxRetryAfter = time.Minute
	}
	if p.Idempotent == nil {
		p.Idempotent = Idempotent
	}
}

const defaultAttempts = 4

func ownWish(resp *http.Response, now time.Time) (time.Duration, bool) {
	return ParseRetryAfter(resp.Header, now)
}

// unobserved reports whether nobody but this package has a say in the outcome of an attempt, or looks at it. It is
// asked of a Policy as the user has it.
func (p *Policy) unobserved() bool {
	return p.Classify == nil && p.OnAttempt == nil && p.ReadAhead <= 0
}

// direct reports whether a first attempt needs nothing before it, and nothing after it if it succeeds.
func (p *Policy) direct() bool { return p.unobserved() && p.AttemptTimeout <= 0 && p.Gate == nil }

// override gives p the fields of q that are not zero.
func (p *Policy) override(q *Policy) {
	if q.MaxAttempts != 0 {
		p.MaxAttempts = q.MaxAttempts
	}
	if q.Backoff != nil {
		p.Backoff = q.Backoff
	}
	if q.RetryAfter != nil {
		p.RetryAfter = q.RetryAfter
	}
	if q.MaxRetryAfter != 0 {
		p.MaxRetryAfter = q.MaxRetryAfter
	}
	if q.AttemptTimeout != 0 {
		p.AttemptTimeout = q.AttemptTimeout
	}
	if q.ReadAhead != 0 {
		p.ReadAhead = q.ReadAhead
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
	if q.Gate != nil {
		p.Gate = q.Gate
	}
	p.OnAttempt = both(p.OnAttempt, q.OnAttempt)
}

// both returns a function that calls f and then g, those that are not nil.
func both(f, g func(Attempt, Decision)) func(Attempt, Decision) {
	switch {
	case f == nil:
		return g
	case g == nil:
		return f
	}
	return func(a Attempt, d Decision) {
		f(a, d)
		g(a, d)
	}
}
