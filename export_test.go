package retry

import "net/http"

// The doors for tests: only they may ask the policy, the backoff, the budget and the holds at a time of their choosing.
var (
	ErrAttemptTimeout = errAttemptTimeout
	MaxDrain          = int64(maxDrain)
	Grace             = grace
	MaxDrainTime      = maxDrainTime
)

// CloseDrains is true where net/http reads on after a Close.
const CloseDrains = closeDrains

// DefaultBase returns the base of New(nil, Policy{}).
func DefaultBase() *http.Transport { return New(nil, Policy{}).pool().(*http.Transport) }

// InMemory makes a body, if it is a part of it, one that is known to read from memory.
type InMemory struct{}

func (InMemory) cannotDial() bool { return true }
