package retry

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// The reasons why a request is not sent again, found in Decision.Reason and Error.Reason. Compare with [errors.Is]. An
// error of a single attempt is the base's own and matches none of them; [WithDecision] tells its reason.
var (
	// ErrMaxAttempts: Policy.MaxAttempts were made, or an outer Transport does the retrying.
	ErrMaxAttempts = errors.New("attempts exhausted")

	// ErrBudget: Policy.Budget has less for this server than the retry takes.
	ErrBudget = errors.New("retry budget spent")

	// ErrNotIdempotent: the request is not idempotent, and the server may have acted on it.
	ErrNotIdempotent = errors.New("request not idempotent")

	// ErrNotReplayable: the request has a body and no GetBody, or trailers, or GetBody failed.
	ErrNotReplayable = errors.New("request body not replayable")

	// ErrRetryAfter: the server asks for more than Policy.MaxRetryAfter.
	ErrRetryAfter = errors.New("Retry-After too long")

	// ErrDeadline: the wait would have ended after the deadline. It has not passed yet, so this does not match
	// context.DeadlineExceeded; Error.Timeout is true all the same.
	ErrDeadline = errors.New("deadline before the end of the wait")
)

var (
	errBrokenBase = errors.New("retry: the base RoundTripper returned neither a response nor an error")
	errCanceled   = errors.New("the request's Cancel channel is closed")
	errStillRead  = errors.New("an earlier attempt still reads it, and may set a trailer")
	errNoBody     = errors.New("retry: GetBody returned neither a body nor an error")
)

// An Error is the outcome of a request that ended without a response after more than one attempt, or after a wait, or
// whose GetBody failed when there was no response to return. It matches, under [errors.Is] and [errors.As], the last
// attempt's error, the reason, and, if the request's context ended it, the context's error and its cause.
//
// The error of a request that was sent only once, and did not wait, is not an Error: it is the base's own value. Nor is
// that of an [http.Client] whose Timeout ended the request, which keeps the text alone. For clients that compare errors
// there is [Transport.PlainErrors].
type Error struct {
	Attempts   int   // how often the base was asked, or the operation of a Do called; 0 if the request never left a Gate
	Reason     error // why there is no further attempt; nil if the last attempt's error is Final
	Err        error // the last attempt's error; nil if it had a response
	StatusCode int   // the status of the last attempt's response, which is closed; 0 if it had none

	layer *layer    // the call whose outcome it is
	until time.Time // when the server wants to be asked again, at the earliest
}

var _ error = (*Error)(nil)

// Error returns the reason, the number of attempts, the status and the last error, in this order, without the URL, the
// header and the body. Of a [*url.Error] inside, as a base that is itself an [http.Client] returns it, only what it
// wraps is printed. What the base's own error says is printed as it is.
func (e *Error) Error() string {
	text := "retry: failed"
	if e.Reason != nil {
		text = "retry: " + withoutURL(e.Reason).Error()
	}
	if e.Attempts == 0 {
		return text + ", not sent"
	}
	text += " after " + strconv.Itoa(e.Attempts)
	if e.StatusCode != 0 {
		text += ": " + strings.TrimSpace("status "+strconv.Itoa(e.StatusCode)+" "+http.StatusText(e.StatusCode))
	}
	if e.Err != nil {
		text += ": " + withoutURL(e.Err).Error()
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
	if e.Reason == ErrDeadline {
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
