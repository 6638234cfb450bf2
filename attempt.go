package retry

import (
	"context"
	"net/http"
	"net/url"
	"time"
)

// An Attempt is one sending of a request and its outcome. It is passed by value, and is valid until the function that
// got it returns.
type Attempt struct {
	// Number counts from 1, over all nested Transports. It is 0 for a request that a [Gate] did not let go at all.
	Number int

	// Request is what was sent, or, with an AttemptTimeout, what its copy was made from. It is read-only. It is nil for
	// the run of an operation.
	Request *http.Request

	// Exactly one of Response and Err is nil. Err is the base's own error, or that of an AttemptTimeout, of a base that
	// returned nothing, or of a request that was not sent. Of the run of an operation both may be nil.
	Response *http.Response
	Err      error

	// Duration is how long the base took. It is measured only if there is an OnAttempt.
	Duration time.Duration

	// Held is how long a [Gate] held the request before this attempt, apart from a retry's own Delay.
	Held time.Duration

	// Spent is what the retries of the request have taken from the Budget so far.
	Spent float64

	lost   *http.Response // came with an error, or too late, and is closed
	nested bool           // part of a retry of an outer Transport
	once   bool           // of a Transport without retries, part of an operation that has them
	until  time.Time      // when a server that it met wants to be asked again, at the earliest
	stop   error          // why there must be no further attempt, whatever became of this one

	// Of the run of an operation, which has no Request:
	ctx context.Context
}

// A Decision is what becomes of a request after an attempt.
type Decision struct {
	// Retry reports whether there is another attempt, unless the context ends the wait for it or GetBody fails.
	Retry bool

	// Class is the class of the outcome.
	Class Class

	// Delay is the wait before the retry. If Reason is ErrRetryAfter, ErrDeadline or ErrBudget, it is the wait that was
	// not made.
	Delay time.Duration

	// FromServer reports whether Delay contains the server's Retry-After.
	FromServer bool

	// Price is what the retry has taken from the Budget.
	Price float64

	// StoreError is why the Budget's [Store] did not say whether it had enough for the retry. The Budget decided alone.
	StoreError error

	// Reason is why there is no retry: one of the Err variables of this package, or an error that matches the error and
	// the cause of the request's context. It is nil if the attempt was Final and the context was not done.
	Reason error
}

func (a *Attempt) url() *url.URL {
	if a.Request == nil {
		return nil
	}
	return a.Request.URL
}

func (a *Attempt) authority() authority { return authorityOf(a.url()) }

// ended returns why the request must not be sent any more, or nil.
func (a *Attempt) ended() error {
	switch {
	case a.Request != nil:
		return ended(a.Request)
	case a.ctx != nil:
		return endedContext(a.ctx, nil)
	}
	return nil
}

// context returns the context that a was sent with.
func (a *Attempt) context() context.Context {
	switch {
	case a.Request != nil:
		return a.Request.Context()
	case a.ctx != nil:
		return a.ctx
	}
	return context.Background()
}

// deadline returns ErrDeadline if the deadline is before the end of a wait of d.
func (a *Attempt) deadline(d time.Duration, now time.Time) error {
	if deadline, ok := a.context().Deadline(); ok && deadline.Sub(now) <= d {
		return ErrDeadline
	}
	return nil
}
