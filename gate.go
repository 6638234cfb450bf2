package retry

import (
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// A Gate holds every request to an authority that asked for a Retry-After until that is over, first attempts too. Put
// one into a Policy; it may be shared by many Transports.
//
//   - Requests are released at random over the time from the end of the Retry-After to twice that, or to MaxRetryAfter
//     if that is earlier, but over half the Retry-After at least.
//   - A request whose deadline is before its release, or whose MaxRetryAfter is before the end of the Retry-After, is
//     not sent. It ends at once with an [*Error] of zero attempts whose reason is [ErrDeadline] or [ErrRetryAfter].
//   - A request that has waited asks again. It is held again if the server has meanwhile asked for that and refused
//     most, unless that would make it wait for longer than MaxRetryAfter in all: then it goes at once. So the longest
//     wait is MaxRetryAfter, half of it again, and the backoff.
//   - A retry that was announced to OnAttempt may be held again after its wait, and then end with ErrDeadline. The
//     response before it is closed by then, unless the request has a body: the [*Error] has its status.
//   - A Retry-After counts for the whole authority. Where a server means one resource, use no Gate.
//   - At most 4,096 authorities are held; past that a Gate lets everybody through.
//
// It is tempting to release everybody at the end of the Retry-After, but then all that was held comes back at one
// instant, which is a worse overload than the first. See docs/overload.md.
//
// The zero Gate is ready to use, by many goroutines at once. It must not be copied after its first use.
type Gate struct {
	// Rand returns a random number in [0, 1), by which a request is released. Nil means that of math/rand/v2. One below
	// 0 or NaN counts as 0, and one above 1 as 1. Set it before the first use; it is called by many goroutines at once.
	Rand func() float64

	// Store is told of each Retry-After that is waited for, and asked before each retry what others have been told, so
	// that many processes are held together. Nil means none. A first attempt is held by what the Gate knows by then.
	Store Store

	active atomic.Int32 // len(until): lets a Gate that holds nobody pass without the lock
	mu     sync.Mutex
	until  map[authority]held // at most maxHolds, some of them over
	swept  time.Time          // when all of them were last looked at
}

// held is one authority's Retry-After: it was asked for at end-length.
type held struct {
	end             time.Time
	length          time.Duration
	refused, served int // of its latest answers: refused + served < latest
}

const latest = 16

// maxHolds bounds the memory. Past it an authority is not held: the gate fails open.
const maxHolds = 1 << 12

// close holds a until retryAfter from now, unless it is held for longer already.
func (g *Gate) close(a authority, retryAfter time.Duration, now time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	one := g.until[a]
	one.count(1, 0)
	g.put(a, one, now.Add(retryAfter), retryAfter, now)
}

// extend holds a for rest from now, of a Retry-After of that length that others have been told.
func (g *Gate) extend(a authority, rest, length time.Duration, now time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.put(a, g.until[a], now.Add(rest), length, now)
}

// put makes one the hold of a, until end at least, if there is room for it.
func (g *Gate) put(a authority, one held, end time.Time, length time.Duration, now time.Time) {
	_, known := g.until[a]
	if end.After(one.end) {
		one.end, one.length = end, length
	}
	g.sweep(now, 4)
	if len(g.until) >= maxHolds && now.Sub(g.swept) >= time.Second {
		g.sweep(now, maxHolds)
		g.swept = now
	}
	if !known && len(g.until) >= maxHolds {
		return
	}
	if g.until == nil {
		g.until = make(map[authority]held)
	}
	a.host = strings.Clone(a.host) // a part of the URL's text, which must not stay in memory for it
	g.until[a] = one
	g.active.Store(int32(len(g.until)))
}

// sweep looks at some holds, at random as a map's order is, and forgets those that are over.
func (g *Gate) sweep(now time.Time, looks int) {
	for a, one := range g.until {
		if looks--; looks < 0 {
			return
		}
		if one.over(now) {
			delete(g.until, a)
		}
	}
}

// over reports whether all who waited for one have been released.
func (one held) over(now time.Time) bool { return !now.Before(one.end.Add(one.length)) }

// count adds to the answers. The older ones count half.
func (one *held) count(refused, served int) {
	one.refused += refused
	one.served += served
	if one.refused+one.served >= latest {
		one.refused /= 2
		one.served /= 2
	}
}

// succeeded notes that a has served a request.
func (g *Gate) succeeded(a authority) {
	if g.active.Load() == 0 {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if one, ok := g.until[a]; ok {
		one.count(0, 1)
		g.until[a] = one
	}
}

// get returns what a is held by, if anything.
func (g *Gate) get(a authority, now time.Time) held {
	if g.active.Load() == 0 {
		return held{}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	one := g.until[a]
	if one.over(now) {
		delete(g.until, a)
		g.active.Store(int32(len(g.until)))
	}
	return one
}

// delay returns how long a request to a is held at now, if it has waited since start, or why it must not be, under a
// longest Retry-After.
func (g *Gate) delay(a authority, longest time.Duration, start, now time.Time) (time.Duration, error) {
	one := g.get(a, now)
	rest, waited := one.end.Sub(now), now.Sub(start)
	room := max(longest, 0) - waited - rest
	open := rest <= 0
	tired := waited > 0 && room < 0
	serving := waited > 0 && one.served > one.refused
	switch {
	case open, tired, serving:
		// The gate fails open for a request that has waited in it for long, and for any that has if the server is up:
		// it may refuse a few for ever, while it serves the others.
		return 0, nil
	case room < 0:
		return rest, ErrRetryAfter
	}
	// Half the Retry-After is the least spread that keeps what was held from coming back as one burst.
	spread := max(min(one.length, room), one.length/2)
	return saturate(rest, time.Duration(g.random()*float64(spread))), nil
}

func (g *Gate) random() float64 {
	if g.Rand == nil {
		return rand.Float64()
	}
	if u := g.Rand(); u > 0 {
		return min(u, 1)
	}
	return 0
}
