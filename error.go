package retry

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// The reasons why a request is not sent again, found in Decision.Reason and Error.Reason. Compare with [errors.Is].
var (
	// ErrMaxAttempts: Policy.MaxAttempts were made, or an outer Transport does the retrying.
	ErrMaxAttempts = errors.New("the attempts are exhausted")

	// ErrBudget: Policy.Budget has less than one retry left for this server.
	ErrBudget = errors.New("the retry budget is spent")

	// ErrNotIdempotent: Policy.Idempotent says so, and the failure is not Unprocessed.
	ErrNotIdempotent = errors.New("the request is not idempotent")

	// ErrNotReplayable: the request has a body and no GetBody, or GetBody failed.
	ErrNotReplayable = errors.New("the request's body cannot be sent again")

	// ErrRetryAfter: the server asks for more than Policy.MaxRetryAfter.
	ErrRetryAfter = errors.New("the server's Retry-After is too long to wait for")

	// ErrDeadline: the wait would have ended after the deadline. It has not passed yet, so this does not match
	// context.DeadlineExceeded; Error.Timeout is true all the same.
	ErrDeadline = errors.New("the context's deadline is before the end of the wait")
)

var (
	errBrokenBase = errors.New("retry: the base RoundTripper returned neither a response nor an error")
	errCanceled   = errors.New("the request's Cancel channel is closed")
	errNoBody     = errors.New("retry: GetBody returned neither a body nor an error")
)

// An Error is the outcome of a request that ended without a response after more than one attempt, or while it waited.
// It matches, under [errors.Is] and [errors.As], the last attempt's error, the reason, and, if the request's context
// ended it, the context's error and its cause.
//
// The error of a request that was sent only once, and did not wait, is not an Error: it is the base's own value.
type Error struct {
	Attempts   int   // how many times the base was asked; 0 if the request never left the hold of ShareRetryAfter
	Reason     error // why there is no further attempt; nil if the last attempt's error is Final
	Err        error // the last attempt's error; nil if it had a response
	StatusCode int   // the status of the last attempt's response, which is closed; 0 if it had none
}

var _ error = (*Error)(nil)

// Error returns a text that holds no URL, header or body of this package's. Of a [*url.Error] inside, as a base that is
// itself an [http.Client] returns it, only what it wraps is printed.
func (e *Error) Error() string {
	text := "retry: after " + strconv.Itoa(e.Attempts) + " attempts"
	if e.Attempts == 1 {
		text = "retry: after 1 attempt"
	}
	if e.StatusCode != 0 {
		text += ": " + strings.TrimSpace("status "+strconv.Itoa(e.StatusCode)+" "+http.StatusText(e.StatusCode))
	}
	for _, err := range e.Unwrap() {
		// A context that ends an attempt is both its error and the reason.
		if more := ": " + withoutURL(err).Error(); !strings.HasSuffix(text, more) {
			text += more
		}
	}
	return text
}

// Unwrap returns Err and Reason, those that are not nil.
func (e *Error) Unwrap() []error {
	var errs []error
	if e.Err != nil {
		errs = append(errs, e.Err)
	}
	if e.Reason != nil {
		errs = append(errs, e.Reason)
	}
	return errs
}

// Timeout reports whether the last attempt timed out, or the deadline of the request's context passed or left no time
// for the wait. It is a method because [url.Error] asks its Err directly, without unwrapping.
func (e *Error) Timeout() bool {
	if errors.Is(e.Reason, ErrDeadline) {
		return true
	}
	for _, err := range e.Unwrap() {
		if t, ok := find[timeout](err); ok && t.Timeout() {
			return true
		}
	}
	return false
}

// Temporary reports what the last attempt's error says of itself, for the sake of [url.Error]. What is worth another
// attempt is a question for [Classify].
func (e *Error) Temporary() bool {
	t, ok := find[temporary](e.Err)
	return ok && t.Temporary()
}

type timeout interface {
	error
	Timeout() bool
}

type temporary interface {
	error
	Temporary() bool
}

// withoutURL returns what is to be printed of err: the error in its innermost url.Error, if it has any. The errors
// of this package see to that themselves.
func withoutURL(err error) error {
	switch err.(type) {
	case *Error, *endedError, *rewindError:
		return err
	}
	for {
		u, ok := find[*url.Error](err)
		if !ok {
			return err
		}
		if err = u.Err; err == nil {
			return errors.New(u.Op)
		}
	}
}

// ended returns why req's context, or the Cancel channel that http.Client.Timeout closes, forbids to send it again, or
// nil. The context itself is asked because errors don't tell: a dial or header timeout is a DeadlineExceeded too, and
// HTTP/1 returns the bare cause.
func ended(req *http.Request) error {
	ctx := req.Context()
	if err := ctx.Err(); err != nil {
		return &endedError{err, context.Cause(ctx)}
	}
	select {
	case <-canceled(req):
		return &endedError{context.Canceled, errCanceled}
	default:
		return nil
	}
}

func canceled(req *http.Request) <-chan struct{} {
	//lint:ignore SA1019 http.Client still sets it
	return req.Cancel
}

// endedError is the Reason of a request whose context is done: net/http has both the error and the cause, depending on
// the protocol and the moment, so both must match.
type endedError struct{ err, cause error }

func (e *endedError) Error() string {
	cause := withoutURL(e.cause).Error()
	if cause == e.err.Error() {
		return cause
	}
	return e.err.Error() + ": " + cause
}

func (e *endedError) Unwrap() []error { return []error{e.err, e.cause} }

// rewindError is the Reason when GetBody fails: ErrNotReplayable, and GetBody's own error.
type rewindError struct{ err error }

func (e *rewindError) Error() string {
	return ErrNotReplayable.Error() + ": " + withoutURL(e.err).Error()
}
func (e *rewindError) Unwrap() []error { return []error{ErrNotReplayable, e.err} }
