package retry

import "reflect"

// maxErrors bounds how much of an error is looked at. Its tree is anybody's, and may be endless.
const maxErrors = 1000

// A tree asks the errors that an error is made of. Unlike errors.Is it can demand that every branch of a join says so.
type tree struct {
	says  func(error) bool
	every bool // each branch must say so, otherwise one is enough
	joins bool // only joins are looked into, not what wraps a single error
	left  int  // how many errors may still be asked
}

// every reports whether err, or something that it wraps, says so; of errors that are joined, each of them.
func every(err error, says func(error) bool) bool {
	t := tree{says: says, every: true, left: maxErrors}
	return t.holds(err)
}

// holds asks err, and then what it wraps. An Error is asked for the last attempt's error, never for the reason: that is
// no cause of the failure.
func (t *tree) holds(err error) bool {
	for err != nil && t.left > 0 && !isNilPointer(err) {
		t.left--
		if t.says(err) {
			return true
		}
		switch e := err.(type) {
		case interface{ Unwrap() error }:
			err = e.Unwrap()
		case *Error:
			err = e.Err
		case interface{ Unwrap() []error }:
			return t.among(e.Unwrap())
		default:
			return false
		}
		if t.joins {
			return false
		}
	}
	return false
}

func (t *tree) among(errs []error) bool {
	found := false
	for _, err := range errs {
		if err == nil {
			continue
		}
		if found = t.holds(err); found != t.every {
			return found
		}
	}
	return found
}

// isNilPointer reports whether err is a nil pointer, whose methods may panic.
func isNilPointer(err error) bool {
	v := reflect.ValueOf(err)
	return v.Kind() == reflect.Pointer && v.IsNil()
}

// find is errors.AsType for the errors of others: it looks at a bounded part of err, and an error whose methods panic
// holds nothing, and neither does a nil pointer.
func find[E error](err error) (found E, ok bool) {
	defer func() { _ = recover() }()
	t := tree{left: maxErrors, says: func(err error) bool {
		found, ok = err.(E)
		return ok
	}}
	t.holds(err)
	return found, ok
}
