// Package ledger is what a process does with a store that it shares with others: when it asks, what it gathers, and
// what it does while there is no answer. It knows no store: [Server] is one, over a network or in a simulation.
package ledger

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed-e3550de8/retry"
)

// A Server answers a question about one authority in one round trip, as one step.
type Server interface {
	Ask(ctx context.Context, authority string, q Question) (Answer, error)
}

// A Question is all that is to be told and asked at once. Each part may be zero.
type Question struct {
	Withdraw  float64       // for one retry
	Refund    float64       // of what this process has withdrawn
	Successes float64       // of requests
	Hold      time.Duration // since now
}

// An Answer is the state after it.
type Answer struct {
	Granted      bool          // what was to be withdrawn was there
	Capacity     float64       // of the bucket
	Balance      float64       // that is there
	Rest, Length time.Duration // of the hold
}

// Settings are the ways of a Ledger. All of them must be set, but OnError.
type Settings struct {
	Timeout time.Duration // of one question
	Share   float64       // of the successes that is told: 0 < Share <= 1
	OnError func(error)
	Now     func() time.Time
	Random  func() float64
}

const (
	gather       = time.Second // between two questions that tell only of successes
	fresh        = time.Second // how long an answer on a hold is good
	idle         = time.Hour
	maxSites     = 1 << 12
	maxAuthority = 300 // bytes; no name of a host is that long
	large        = 100 // retries
	few          = 4
	minPause     = 100 * time.Millisecond
	maxPause     = 5 * time.Second
)

// A Ledger is the [retry.Store] of one process.
type Ledger struct {
	server    Server
	settings  Settings
	attending atomic.Int32 // how many Attend

	mu     sync.Mutex
	sites  map[string]*site // at most maxSites
	failed int              // questions in a row
	until  time.Time        // when the server may be asked again
	last   error
}

var _ retry.Store = (*Ledger)(nil)

// A site is what a Ledger knows of one authority.
type site struct {
	used, told time.Time
	next       Question  // what is to be told
	wish       time.Time // the end of a Retry-After that is to be told
	owed       float64   // withdrawn and not given back: what this process may give back at most
	held       time.Time // the end of the hold, by this process's clock
	length     time.Duration
	learned    time.Time // when that was
	capacity   float64   // of the shared bucket, likewise
}

// New returns a Ledger of what s has.
func New(s Server, settings Settings) *Ledger {
	if settings.Now == nil {
		settings.Now = time.Now
	}
	if settings.Random == nil {
		settings.Random = rand.Float64
	}
	return &Ledger{server: s, settings: settings, sites: make(map[string]*site)}
}

// Withdraw asks for a retry, and tells all that has been gathered.
func (l *Ledger) Withdraw(ctx context.Context, authority string, n float64) (bool, error) {
	a, err := l.ask(ctx, authority, positive(n))
	return a.Granted, err
}

// positive is n, or 0 for what is less or NaN, which a caller of Policy.Decide may have in an Attempt.
func positive(n float64) float64 {
	if n > 0 {
		return n
	}
	return 0
}

// Refund keeps what is given back until the next question, because the request that it is a part of may be over.
func (l *Ledger) Refund(_ context.Context, authority string, n float64) {
	if len(authority) > maxAuthority {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.refund(l.site(authority), n)
}

// Deposit counts a success if chance takes it, and gives back what its retries have taken. That is told at once if
// nothing has been for a second, unless somebody attends to it.
func (l *Ledger) Deposit(ctx context.Context, authority string, n float64) {
	if len(authority) <= maxAuthority && l.count(authority, n) {
		_, _ = l.ask(ctx, authority, 0)
	}
}

// count reports whether there is something to be told now.
func (l *Ledger) count(authority string, n float64) bool {
	drawn := l.settings.Random() < l.settings.Share
	if !drawn && n <= 0 {
		return false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.site(authority)
	l.refund(s, n)
	if drawn {
		s.next.Successes += 1 / l.settings.Share
	}
	due := l.settings.Now().Sub(s.told) >= gather
	return due && s.next != (Question{}) && l.attending.Load() == 0
}

// refund gives back n, or what this process has taken, if that is less. Where a bucket is large, so that one retry does
// not matter, one in a few does so for all of them: a process that makes one request then asks less.
func (l *Ledger) refund(s *site, n float64) {
	n = min(positive(n), s.owed)
	s.owed -= n
	if n > 0 && s.capacity >= large {
		n *= few
		if l.settings.Random()*few >= 1 {
			return
		}
	}
	s.next.Refund += n
}

// Hold keeps a Retry-After for the next question, which the same request asks if it may be sent again.
func (l *Ledger) Hold(_ context.Context, authority string, d time.Duration) {
	if len(authority) > maxAuthority {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.site(authority)
	if end := l.settings.Now().Add(d); end.After(s.wish) {
		s.wish = end
	}
}

// Held returns what the last answer said, if that was just now, or asks.
func (l *Ledger) Held(ctx context.Context, authority string) (rest, length time.Duration) {
	if len(authority) > maxAuthority {
		return 0, 0
	}
	if !l.knows(authority) {
		_, _ = l.ask(ctx, authority, 0)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.site(authority)
	return s.held.Sub(l.settings.Now()), s.length
}

func (l *Ledger) knows(authority string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.site(authority)
	return s.wish.IsZero() && l.settings.Now().Sub(s.learned) < fresh
}

// Attend tells once a second what has been gathered, until the context is done, and then what is left.
func (l *Ledger) Attend(ctx context.Context) {
	l.attending.Add(1)
	defer l.attending.Add(-1)
	ticks := time.NewTicker(gather)
	defer ticks.Stop()
	for {
		select {
		case <-ctx.Done():
			l.tell(context.WithoutCancel(ctx))
			return
		case <-ticks.C:
			l.tell(ctx)
		}
	}
}

// tell asks about each authority of which there is something to tell.
func (l *Ledger) tell(ctx context.Context) {
	for _, authority := range l.due() {
		if _, err := l.ask(ctx, authority, 0); err != nil {
			return
		}
	}
}

func (l *Ledger) due() (authorities []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for authority, s := range l.sites {
		if s.next != (Question{}) {
			authorities = append(authorities, authority)
		}
	}
	return authorities
}

// paused returns why the server is left alone at now.
func (l *Ledger) paused(now time.Time) error {
	if now.Before(l.until) {
		return fmt.Errorf("the store is left alone for a while after: %w", l.last)
	}
	return nil
}
