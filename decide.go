package retry

import (
	"math"
	"net/http"
	"time"
)

// Decide returns what becomes of a request after attempt a, at the time now. It settles with the Budget and the Gate of
// p, of which nil means none here: a retry withdraws, a success deposits, a Retry-After closes the gate. It asks no
// clock, and does not call OnAttempt. It does no I/O of its own: only the [Store] of a Budget or a Gate, if they have
// one, is asked for a retry that nothing else forbids, and told of a success and of a Retry-After, within the request's
// context.
//
// A Transport does what Decide says. So may a test of your own Classify, a simulation, or a client that is not one of
// net/http: it counts a.Number from 1 and adds each Decision's Price to the Spent of the attempts after it.
//
// A nil Request stands for one that is idempotent and replayable and has no deadline, as the operation of a [Do].
func (p Policy) Decide(a Attempt, now time.Time) Decision {
	if p.Budget == nil {
		p.Budget = Unlimited
	}
	p.fill()
	d := Decision{Class: p.class(&a)}
	p.decide(&d, &a, now)
	return d
}

// Admit returns what becomes of a request that is to be sent at the time now and has waited for that since start: it
// goes at once; or it waits for Delay, after which it asks again; or, if Reason is not nil, it is not to be sent. Only
// a Gate holds requests. Admit asks no clock, and no [Store].
func (p Policy) Admit(req *http.Request, start, now time.Time) Decision {
	p.fill()
	return p.admit(req, start, now)
}

// Abandon gives back to the Budget, and to its [Store], what d has withdrawn for the retry after a, which is not made
// after all: because Admit refused it, say.
func (p Policy) Abandon(a Attempt, d Decision, now time.Time) { p.refund(&a, d.Price, now) }

// decide puts into d, which has the class of a, all that becomes of it, in this order: the request's context, the
// class, whether it may be repeated, the attempts, the wait, the gate, and the budget last, so that nothing is
// withdrawn for a retry that does not happen; and after that, what others share with this process.
func (p *Policy) decide(d *Decision, a *Attempt, now time.Time) {
	if d.Class != Transient && d.Class != Unprocessed {
		d.Class = Final
	}
	if d.Class == Final && a.Err == nil {
		p.settle(a, now)
		return
	}
	wish, wished := p.wish(a, now)
	if wished {
		a.until = now.Add(wish)
	}
	if wished && d.Class != Final && wish <= p.MaxRetryAfter {
		p.close(a, wish, now)
	}
	if d.Reason = p.forbids(a, d.Class); d.Reason != nil || d.Class == Final {
		return
	}
	d.Delay, d.FromServer = max(p.Backoff.Delay(a.Number), 0), wished
	d.Delay = saturate(wish, d.Delay)
	if d.Reason = p.tooLong(a, wish, d.Delay, wished, now); d.Reason != nil {
		return
	}
	if p.Gate != nil {
		p.hold(d, a, now)
	}
	if d.Reason == nil {
		p.withdraw(d, a, now)
	}
	if d.Reason == nil && p.Gate != nil {
		p.heed(d, a, now)
	}
	d.Retry = d.Reason == nil
}

// forbids returns why a request must not be sent again, however long it waited.
func (p *Policy) forbids(a *Attempt, class Class) error {
	if reason := a.ended(); reason != nil {
		return reason
	}
	switch {
	case class == Final:
		return nil
	case class == Transient && a.Request != nil && !p.Idempotent(a.Request):
		return ErrNotIdempotent
	case a.Request != nil && !Replayable(a.Request):
		return ErrNotReplayable
	case a.stop != nil:
		return a.stop
	case a.Number >= p.MaxAttempts, a.nested, a.once: // which an outer Transport, or Do, repeats
		return ErrMaxAttempts
	}
	return nil
}

// wish returns how long the server asked to be left alone, by the response of a, or by the one that came with an error.
func (p *Policy) wish(a *Attempt, now time.Time) (time.Duration, bool) {
	resp := a.Response
	if resp == nil {
		resp = a.lost
	}
	if resp == nil {
		d := a.until.Sub(now)
		return max(d, 0), d > 0
	}
	d, ok := p.RetryAfter(resp, now)
	if !ok {
		return 0, false
	}
	return max(d, 0), true
}

// tooLong returns why a wait is not worth it.
func (p *Policy) tooLong(a *Attempt, wish, delay time.Duration, wished bool, now time.Time) error {
	if wished && wish > p.MaxRetryAfter {
		return ErrRetryAfter
	}
	return a.deadline(delay, now)
}

// close makes everybody wait for what the server asked of a.
func (p *Policy) close(a *Attempt, wish time.Duration, now time.Time) {
	if p.Gate == nil {
		return
	}
	p.Gate.close(a.authority(), wish, now)
	if s, authority := storeOf(p.Gate.Store, a); s != nil && wish > 0 {
		s.Hold(a.context(), authority, wish)
	}
}

// hold makes the retry wait for the gate as well.
func (p *Policy) hold(d *Decision, a *Attempt, now time.Time) {
	held, reason := p.Gate.delay(a.authority(), p.MaxRetryAfter, now, now)
	if held > d.Delay {
		d.Delay, d.FromServer = held, true
	}
	if reason == nil {
		reason = a.deadline(d.Delay, now)
	}
	d.Reason = reason
}

// withdraw takes the retry out of the budget.
func (p *Policy) withdraw(d *Decision, a *Attempt, now time.Time) {
	n := price(a, d.Class)
	if !p.Budget.withdraw(a.url(), n, p.floor, now) {
		d.Reason = ErrBudget
		return
	}
	d.Price = n
	if p.Budget.Store != nil {
		p.ask(d, a, now)
	}
}

// settle tells the budget, and whoever is held, of a success.
func (p *Policy) settle(a *Attempt, now time.Time) {
	if p.Gate != nil {
		p.Gate.succeeded(a.authority())
	}
	if p.Budget.unlimited() || a.nested { // which is an outer Transport's retry
		return
	}
	if a.Spent > 0 {
		p.Budget.repay(a.url(), a.Spent, p.floor, now)
	} else {
		p.Budget.success(a.url(), now)
	}
	if p.Budget.Store != nil {
		p.deposit(a)
	}
}

// refund gives back n, which retries of a's request have taken.
func (p *Policy) refund(a *Attempt, n float64, now time.Time) {
	if !(n > 0) || p.Budget == nil { // NaN is nothing to give back either
		return
	}
	p.Budget.refund(a.url(), n, p.floor, now)
	if s, authority := p.Budget.store(a); s != nil {
		s.Refund(a.context(), authority, n)
	}
}

// admit is Admit with the defaults of p filled in.
func (p *Policy) admit(req *http.Request, start, now time.Time) Decision {
	if p.Gate == nil {
		return Decision{}
	}
	a := Attempt{Request: req}
	held, reason := p.Gate.delay(a.authority(), p.MaxRetryAfter, start, now)
	if reason == nil && held > 0 {
		reason = a.deadline(held, now)
	}
	return Decision{Class: Transient, Delay: held, FromServer: held > 0, Reason: reason}
}

// saturate adds two waits, neither of them negative.
func saturate(d, e time.Duration) time.Duration {
	if d > forever-e {
		return forever
	}
	return d + e
}

const forever = time.Duration(math.MaxInt64)
