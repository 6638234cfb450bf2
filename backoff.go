package retry

import (
	"math"
	"math/rand/v2"
	"strconv"
	"time"
)

// A Backoff is a schedule of waits. Delay returns how long to wait before a retry; the first retry is 1.
//
// A Backoff is stateless: Delay may be called for any retry, in any order, by many goroutines at once. A negative
// delay counts as zero. [Exponential] and [Constant] are the implementations of this package.
type Backoff interface {
	Delay(retry int) time.Duration
}

var (
	_ Backoff = Exponential{}
	_ Backoff = Constant(0)
	_ Backoff = BackoffFunc(nil)
)

// Exponential is the truncated exponential backoff. With c = min(Max, Base * 2^(retry-1)) the delay before a retry is
// drawn anew each time, from the range that Jitter names. The truncation comes first and the jitter after it, so that
// clients which all wait the longest time still come back spread out.
//
// The zero Exponential waits U[0, 1s), U[0, 2s), U[0, 4s) and so on up to U[0, 32s). A delay is never negative and
// never above Max, for any retry, Base and Max; a retry below 1 counts as 1.
//
// Full jitter on a truncated exponential is the form that M. Brooker, "Exponential Backoff And Jitter" (2015), found
// to cost the fewest calls.
type Exponential struct {
	Base   time.Duration // the range before the first retry; zero or negative means 1s
	Max    time.Duration // no delay is longer; zero or negative means 32s
	Jitter Jitter        // zero means FullJitter
}

// Jitter is the randomness of an [Exponential]. A value that is none of the constants counts as FullJitter.
type Jitter int

const (
	// FullJitter draws from [0, c), where c is the truncated exponential, min(Max, Base * 2^(retry-1)).
	FullJitter Jitter = iota

	// EqualJitter draws from [c/2, c).
	EqualJitter

	// AdditiveJitter is the well-known formula min(Base * 2^(retry-1) + U[0, 1s], Max). The random second does not
	// grow with the wait, and the truncation takes it away again: at the cap, clients that failed together come back
	// together. It is here for those who must have it.
	AdditiveJitter

	// NoJitter is c itself, for tests and for a client that is alone with its server.
	NoJitter
)

// String returns the name of the constant.
func (j Jitter) String() string {
	switch j {
	case FullJitter:
		return "FullJitter"
	case EqualJitter:
		return "EqualJitter"
	case AdditiveJitter:
		return "AdditiveJitter"
	case NoJitter:
		return "NoJitter"
	}
	return "Jitter(" + strconv.Itoa(int(j)) + ")"
}

// Delay implements [Backoff]. It is At(retry, rand.Float64()), with the random number of math/rand/v2.
func (e Exponential) Delay(retry int) time.Duration {
	return e.At(retry, rand.Float64())
}

// At is Delay with its random number given. A u below 0 or NaN counts as 0, and one of 1 or above as the largest below
// 1.
func (e Exponential) At(retry int, u float64) time.Duration {
	if !(u > 0) {
		u = 0
	}
	u = min(u, 1-1.0/(1<<53))
	base, longest := orDefault(e.Base, time.Second), orDefault(e.Max, 32*time.Second)
	c := math.Min(math.Ldexp(float64(base), min(max(retry, 1)-1, 63)), float64(longest))
	switch e.Jitter {
	case EqualJitter:
		c = c/2 + u*c/2
	case AdditiveJitter:
		c += u * float64(time.Second)
	case NoJitter:
	default:
		c *= u
	}
	// float64(longest) can lie above the largest Duration, where a conversion would overflow.
	if c >= float64(longest) {
		return longest
	}
	return time.Duration(c)
}

// A BackoffFunc is a function as a [Backoff].
type BackoffFunc func(retry int) time.Duration

// Delay implements [Backoff]. A nil BackoffFunc does not wait.
func (f BackoffFunc) Delay(retry int) time.Duration {
	if f == nil {
		return 0
	}
	return f(retry)
}

// Constant is a [Backoff] that waits the same time before each retry. Zero or less does not wait at all.
type Constant time.Duration

// Delay implements [Backoff].
func (c Constant) Delay(int) time.Duration { return max(time.Duration(c), 0) }

func orDefault(d, byDefault time.Duration) time.Duration {
	if d <= 0 {
		return byDefault
	}
	return d
}
