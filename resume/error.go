package resume

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"strconv"
	"strings"

	"github.com/seed-e3550de8/retry"
)

// Reasons why a body is not continued, found in Error.Reason beside [retry.ErrMaxAttempts], [retry.ErrDeadline] and
// the context's error. Compare with [errors.Is].
var (
	// ErrChanged: the server has other content now, so that the rest of the old one can't be had any more. A new
	// request gets the new content.
	ErrChanged = errors.New("content changed")

	// ErrRefused: the server does not give the rest. Error.StatusCode is its answer; if that is a 200 or 206, what it
	// says does not fit what is missing.
	ErrRefused = errors.New("continuation refused")

	errNeither = errors.New("resume: the base RoundTripper returned neither a response nor an error")
)

// An Error is what Read returns when a body has broken off and is not continued. It matches, under [errors.Is] and
// [errors.As], First, Err and Reason.
type Error struct {
	Offset        int64 // the first byte that is missing, counted from the start of the content
	Total         int64 // the length of the whole content in bytes; -1 if it is not known
	Continuations int   // how many were sent
	First         error // why the body broke off for the first time: the error that there would be without a Transport
	Err           error // the last failure: why the body broke off this time, or the base's error
	Reason        error // why there is no further continuation; nil if it is Err
	StatusCode    int   // the status of the last continuation's response if that is why; else 0
}

var _ error = (*Error)(nil)

// Error returns a text that holds no URL or header of this package's.
func (e *Error) Error() string {
	text := "resume: at byte " + strconv.FormatInt(e.Offset, 10)
	if e.Total >= 0 {
		text += " of " + strconv.FormatInt(e.Total, 10)
	}
	if text += fmt.Sprintf(" after %d continuations", e.Continuations); e.Continuations == 1 {
		text = strings.TrimSuffix(text, "s")
	}
	if e.StatusCode != 0 {
		text += ": " + strings.TrimSpace("status "+strconv.Itoa(e.StatusCode)+" "+http.StatusText(e.StatusCode))
	}
	for _, err := range e.Unwrap() {
		// Most breaks are alike, so that the first is also the last.
		if more := ": " + err.Error(); !strings.HasSuffix(text, more) {
			text += more
		}
	}
	return text
}

// Unwrap returns First, Err and Reason, those that are not nil.
func (e *Error) Unwrap() []error {
	var errs []error
	for _, err := range []error{e.First, e.Err, e.Reason} {
		if err != nil {
			errs = append(errs, err)
		}
	}
	return errs
}

// Timeout reports whether the last failure was a timeout, or the deadline of the request's context passed or left no
// time for a wait.
func (e *Error) Timeout() bool {
	if e.StatusCode != 0 { // an answer is why; and Reason may be a context's cause, whose Is is anybody's
		return false
	}
	return e.Reason == retry.ErrDeadline || timedOut(e.Reason) || timedOut(e.Err)
}

func timedOut(err error) bool {
	t, ok := errors.AsType[interface {
		error
		Timeout() bool
	}](err)
	return ok && t.Timeout()
}

// refused is ErrRefused with what does not fit.
func refused(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrRefused}, args...)...)
}

// ended returns why a context is done, or nil. Its error and its cause must both match: net/http returns the one or the
// other, depending on the protocol. A context of somebody's own may be done without an error yet, or have one that
// cannot be compared.
func ended(ctx context.Context) error {
	err, cause := ctx.Err(), context.Cause(ctx)
	if err != nil && reflect.ValueOf(err).Comparable() && err == cause {
		return err
	}
	if err != nil {
		return fmt.Errorf("%w: %w", err, cause)
	}
	select {
	case <-ctx.Done():
		return context.Canceled
	default:
		return nil
	}
}
