package retry

// The doors for tests: only they may ask the policy, the backoff, the budget and the holds at a time of their choosing.
var (
	ErrAttemptTimeout = errAttemptTimeout
	MaxDrain          = int64(maxDrain)
	DrainGrace        = drainGrace
	MaxDrainTime      = maxDrainTime
)
