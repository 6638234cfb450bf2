package retry

import (
	"context"
	"time"
)

// A Store is where the Budgets and Gates of many processes meet: what a process that has just been born cannot know,
// it asks of the store. Module fleet has one on Redis and Valkey.
//
// A Budget and a Gate ask it after they have judged by themselves, so a request that succeeds at once and a retry
// that is refused here cost it no question. Its clock counts, not theirs. The authority is "http://" or "https://"
// and the host as it stands in the requests' URLs. A request without one, as the operation of a [Do], is not the
// store's business.
//
// Each method is a part of the request whose context it gets, and is called by many goroutines at once: it must
// return within a time that the request can spare, and before the context is done if it can. The wait for a retry
// begins before the store is asked, so that the answer costs time only if it takes longer than the wait. If it
// panics, so does the request.
type Store interface {
	// Withdraw takes n for a retry and reports whether there was that much. If it cannot say, it returns an error:
	// then the retry is made, since the process's own bucket had enough, and [Decision].StoreError has the error.
	Withdraw(ctx context.Context, authority string, n float64) (bool, error)

	// Refund gives back n, which was withdrawn for a retry that is not made after all. The context may be done.
	Refund(ctx context.Context, authority string, n float64)

	// Deposit is told of each request that succeeds, and gives back what its retries have withdrawn: 0 for nearly
	// all.
	Deposit(ctx context.Context, authority string, n float64)

	// Hold is told how long the authority asks to be left alone, from now on, which is more than 0. The same request
	// may ask Withdraw and Held next: an implementation can leave it until then.
	Hold(ctx context.Context, authority string, d time.Duration)

	// Held returns how long everybody is to leave the authority alone, from now on, and the whole Retry-After that
	// this is the rest of. Zero and negative mean that nobody is held, or that the store cannot say.
	Held(ctx context.Context, authority string) (rest, length time.Duration)
}

// store returns the Store of b, unless that is not to be asked about a.
func (b *Budget) store(a *Attempt) (Store, string) {
	if b.unlimited() {
		return nil, ""
	}
	return storeOf(b.Store, a)
}

// storeOf returns s and what it knows the authority of a by, or nil if it has no business with a.
func storeOf(s Store, a *Attempt) (Store, string) {
	one := a.authority()
	switch {
	case s == nil || one.host == "":
		return nil, ""
	case one.secure:
		return s, "https://" + one.host
	}
	return s, "http://" + one.host
}

// ask asks the Budget's store for the retry that has been withdrawn here, and gives that back if the store refuses.
func (p *Policy) ask(d *Decision, a *Attempt, now time.Time) {
	s, authority := p.Budget.store(a)
	if s == nil {
		return
	}
	ok, err := s.Withdraw(a.context(), authority, d.Price)
	if ok || err != nil {
		d.StoreError = err
		return
	}
	p.Budget.refund(a.url(), d.Price, p.floor, now)
	d.Price, d.Reason = 0, ErrBudget
}

// deposit tells the Budget's store of a success.
func (p *Policy) deposit(a *Attempt) {
	if s, authority := p.Budget.store(a); s != nil {
		s.Deposit(a.context(), authority, a.Spent)
	}
}

// heed makes the retry wait for what others have been asked, too.
func (p *Policy) heed(d *Decision, a *Attempt, now time.Time) {
	s, authority := storeOf(p.Gate.Store, a)
	if s == nil {
		return
	}
	rest, length := s.Held(a.context(), authority)
	// A store that is mistaken must not hold anybody for longer than a server may.
	if rest <= 0 || rest > p.MaxRetryAfter {
		return
	}
	p.Gate.extend(a.authority(), rest, min(max(length, rest), p.MaxRetryAfter), now)
	p.hold(d, a, now)
	if d.Reason != nil {
		p.refund(a, d.Price, now)
		d.Price = 0
	}
}
