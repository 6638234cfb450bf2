package retry

import (
	"context"
	"errors"
	"time"
)

// Do calls op until it returns no error, under the policy p. To call Do is to say that op may be repeated: whatever it
// does, as often as it does it.
//
//   - Every error is [Transient], unless [Mark] or p.Classify says otherwise. An Attempt has no Request and no Response
//     then, and Err is op's. Mark beats Classify.
//   - p applies as in a Transport, with a [WithPolicy] of ctx on top: MaxAttempts, Backoff, MaxRetryAfter, OnAttempt,
//     the deadline of ctx, and the Budget if there is one, whose authority is that of a nil URL. AttemptTimeout,
//     RetryAfter, Idempotent and Gate are for requests. Backoff counts the runs, whatever attempts there were in them.
//   - Transports within op, whose requests have the context that op was given, are part of it. The requests of one URL
//     stay within one MaxAttempts over all runs, the smaller of p's and the Transport's. (Of several requests of one
//     method and URL in a run, the first, the second and so on each has them; and a Do within op counts its own,
//     anew in each run.) When those are exhausted, or a Budget is spent, or op returns an [*Error] that says so, Do
//     ends. It does not end with a Transport's [ErrDeadline], as the deadline may be that of one run.
//   - If a Transport within op was asked to wait and did not, since the wait was too long, or the request a POST, or
//     the attempt the last one, Do waits for that before it calls op again, or ends with [ErrRetryAfter] or
//     [ErrDeadline].
//   - If ctx is done, op is called once, as a Transport asks its base once. A panic of op goes on.
//
// Do returns the value of the last run beside its error. After one run, and no wait, the error is op's own; otherwise
// it is an [*Error] with the last one in it. A nil op is an error.
func Do[T any](ctx context.Context, p Policy, op func(context.Context) (T, error)) (T, error) {
	if op == nil || ctx == nil {
		var none T
		return none, errNoOperation
	}
	o := newOperation(ctx, p)
	for {
		value, err := op(o.begin())
		if o.ended(err) {
			return value, o.result(err)
		}
	}
}

var errNoOperation = errors.New("retry: Do needs a context and an operation")

// Mark returns err with an operation's own word on its class, which [Do] follows. It has the text of err, and matches
// what err matches. Of several marks the outermost counts. A nil err stays nil.
func Mark(err error, c Class) error {
	if err == nil {
		return nil
	}
	return &markedError{err, c}
}

type markedError struct {
	error
	class Class
}

func (e *markedError) Unwrap() error { return e.error }

// classifyRun is the class of the error of a run.
func (p *Policy) classifyRun(a Attempt) Class {
	if m, ok := find[*markedError](a.Err); ok {
		return m.class
	}
	if p.Classify == nil {
		return Transient
	}
	return p.Classify(a)
}

func newOperation(ctx context.Context, p Policy) *operation {
	o := &operation{ctx: ctx, policy: p, attempts: map[string]int{}}
	if s := settingsOf(ctx); s != nil {
		o.told, o.around = s.decision, s.operation
		if s.policy != nil {
			o.policy.override(s.policy)
		}
	}
	if o.policy.Budget == nil {
		o.policy.Budget = Unlimited
	}
	own := o.policy
	o.policy.Classify, o.policy.Gate = own.classifyRun, nil
	o.policy.fill()
	return o
}

// begin begins a run and returns its context.
func (o *operation) begin() context.Context {
	o.run.Number++
	o.mu.Lock()
	o.seen, o.until, o.stop = map[string]int{}, time.Time{}, nil
	o.mu.Unlock()
	ctx := with(o.ctx, func(s *settings) {
		s.operation, s.attempt, s.layer = o, o.run.Number, nil
	})
	o.started = time.Now()
	return ctx
}

// ended decides on a run and waits if there is to be another. It reports whether there is none.
func (o *operation) ended(err error) bool {
	now := time.Now()
	o.run.Err, o.run.Duration, o.run.ctx = err, now.Sub(o.started), o.ctx
	o.mu.Lock()
	o.run.until, o.run.stop = o.until, o.stop
	o.mu.Unlock()
	d := o.decide(err, now)
	o.reason = d.Reason
	if o.policy.OnAttempt != nil {
		o.policy.OnAttempt(o.run, d)
	}
	if d.Retry {
		o.run.Spent += d.Price
		if o.reason = waitFor(o.ctx, nil, now, d.Delay); o.reason != nil {
			o.policy.refund(&o.run, d.Price, time.Now())
			o.waited, d.Retry, d.Reason = true, false, o.reason
		}
	}
	if o.told != nil {
		*o.told = d
	}
	if !d.Retry {
		o.around.note(time.Time{}, d.Reason) // when to come back it has heard from note
	}
	return !d.Retry
}

func (o *operation) decide(err error, now time.Time) Decision {
	if err == nil {
		o.policy.settle(&o.run, now)
		return Decision{}
	}
	if inner, ok := find[*Error](err); ok && isExhausted(inner.Reason) {
		o.run.stop = inner.Reason
	}
	d := Decision{Class: o.policy.class(&o.run)}
	o.policy.decide(&d, &o.run, now)
	return d
}

// result is the outcome of the operation, whose last run returned err.
func (o *operation) result(err error) error {
	if err == nil || o.run.Number == 1 && !o.waited {
		return err
	}
	return &Error{Attempts: o.run.Number, Reason: o.reason, Err: err}
}
