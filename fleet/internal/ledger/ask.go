package ledger

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"
)

var (
	errAuthority = errors.New("the host is too long for a key")
	errAnswer    = errors.New("the store's answer makes no sense")
)

// ask asks one question, in which n is withdrawn and all is told that has been gathered. What is told is gone if
// there is no answer: it may have been heard, and a retry that is given back twice would be one too many.
func (l *Ledger) ask(ctx context.Context, authority string, n float64) (Answer, error) {
	if len(authority) > maxAuthority {
		return Answer{}, errAuthority
	}
	q, err := l.take(authority)
	if err != nil {
		return Answer{}, err
	}
	q.Withdraw = n
	bounded, cancel := context.WithTimeout(ctx, l.settings.Timeout)
	defer cancel()
	a, err := l.server.Ask(bounded, authority, q)
	if err == nil {
		err = a.check()
	}
	if err == nil {
		l.learn(authority, q, a)
		return a, nil
	}
	if ctx.Err() == nil { // else it is the request that ended, and nothing is known of the store
		l.fail(err)
	}
	return Answer{}, err
}

// take takes what is to be told of an authority, unless the server is left alone.
func (l *Ledger) take(authority string) (Question, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.settings.Now()
	if err := l.paused(now); err != nil {
		return Question{}, err
	}
	s := l.site(authority)
	q := s.next
	q.Hold = max(s.wish.Sub(now), 0)
	s.next, s.told, s.wish = Question{}, now, time.Time{}
	return q, nil
}

func (a Answer) check() error {
	for _, v := range []float64{a.Capacity, a.Balance} {
		if math.IsNaN(v) || math.IsInf(v, 0) || v < 0 {
			return fmt.Errorf("%w: %+v", errAnswer, a)
		}
	}
	return nil
}

func (l *Ledger) learn(authority string, q Question, a Answer) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.settings.Now()
	l.failed, l.until = 0, time.Time{}
	s := l.site(authority)
	if a.Granted {
		s.owed += q.Withdraw
	}
	s.held, s.length, s.learned, s.capacity = now.Add(a.Rest), a.Length, now, a.Capacity
}

// fail leaves the server alone for twice as long after each failure, and a random part less, lest all processes come
// back at once.
func (l *Ledger) fail(err error) {
	l.mu.Lock()
	pause := min(minPause<<min(l.failed, 10), maxPause)
	l.failed++
	l.last = err
	l.until = l.settings.Now().Add(pause - time.Duration(l.settings.Random()*float64(pause)/2))
	l.mu.Unlock()
	if l.settings.OnError != nil {
		l.settings.OnError(err)
	}
}

// site returns what is known of an authority. The lock is held.
func (l *Ledger) site(authority string) *site {
	now := l.settings.Now()
	s := l.sites[authority]
	if s == nil {
		l.makeRoom(now)
		s = &site{}
		l.sites[strings.Clone(authority)] = s
	}
	s.used = now
	return s
}

// makeRoom forgets what has not been used for an hour, of a few that chance picks as a map's order is, and, if there
// are too many, one of them.
func (l *Ledger) makeRoom(now time.Time) {
	looks := 4
	for authority, s := range l.sites {
		if looks--; looks < 0 {
			return
		}
		if len(l.sites) >= maxSites || now.Sub(s.used) > idle {
			delete(l.sites, authority)
		}
	}
}
