package retry_test

import (
	"math/rand/v2"
	"time"

	"github.com/seed-e3550de8/retry"
)

// This file is the world of the simulation: virtual time, one server, and the
// requests of a fleet of clients. What the clients do after an attempt stands in
// storm_real_test.go and storm_models_test.go, and the scenarios in storm_test.go.

const (
	stormWarmup     = 20 * time.Second
	stormRejectCost = 0.1 // work of refusing an attempt, over the work of serving one
)

// stormScenario is what happens to the server, from stormWarmup on.
type stormScenario struct {
	name     string
	pulse    time.Duration // how long the bad time lasts
	after    time.Duration // how long the simulation goes on after it
	load     float64       // steady first attempts per second over capacity
	down     bool          // every attempt is answered 503, at no cost
	surge    float64       // factor on the first attempts; zero is 1
	slow     float64       // factor on the capacity; zero is 1
	failing  float64       // this share of attempts is answered 503, at random
	queue    time.Duration // attempts that would wait longer are answered 503
	timeout  time.Duration // clients give up after this; the server works on; zero is never
	herd     bool          // every client sends one request, all at once; the capacity is a tenth of the clients per second
	deadline time.Duration // of each request
	whole    bool          // simulate all of after, even if there is nothing more to learn

	backoff    retry.Exponential // of the clients
	attempts   int               // their MaxAttempts; zero is the default
	retryAfter time.Duration     // what each 503 asks for; zero is nothing
}

// stormFleet is who calls the server.
type stormFleet struct {
	clients int
	rate    float64 // requests per second, of each
}

type stormOutcome uint8

const (
	stormServed stormOutcome = iota
	stormRefused
	stormTimedOut
)

// stormClients is how a fleet behaves: one value stands for all its clients, each
// with a state of its own.
type stormClients interface {
	// hold is asked before each attempt. The attempt waits until release, and hold is
	// asked again then; if ok is false, the request ends without it.
	hold(r stormRequest, now time.Duration) (release time.Duration, ok bool)
	// outcome is told of each attempt, and says whether and after what delay another follows.
	outcome(r stormRequest, o stormOutcome, now time.Duration) (delay time.Duration, again bool)
}

type stormRequest struct {
	start   time.Duration
	since   time.Duration // when it began to wait for the current attempt
	client  int32
	attempt int32 // from 1
}

// stormRun is one simulation: single-threaded, and the same for the same seed.
type stormRun struct {
	scenario stormScenario
	fleet    stormFleet
	clients  stormClients
	arrivals *rand.Rand // of its own, so that every kind of client meets the same arrivals
	faults   *rand.Rand
	capacity float64       // attempts per second
	freeAt   time.Duration // when the server has done all it accepted until now

	nextArrival time.Duration
	herdSent    int
	served      stormQueue // ends of attempts, in order, because the server is FIFO
	timedOut    stormQueue // likewise, because all clients wait equally long
	waiting     stormWheel // retries, and held attempts

	stats stormStats
}

func newStormRun(s stormScenario, f stormFleet, clients stormClients, seed uint64) *stormRun {
	run := &stormRun{
		scenario: s, fleet: f, clients: clients,
		arrivals: rand.New(rand.NewPCG(seed, 1)),
		faults:   rand.New(rand.NewPCG(seed, 2)),
		capacity: float64(f.clients) * f.rate / s.load,
		stats:    newStormStats(s),
	}
	if s.herd {
		run.capacity = float64(f.clients) / 10
		run.nextArrival = stormWarmup
	}
	return run
}

// end is when the simulation stops.
func (run *stormRun) end() time.Duration {
	return stormWarmup + run.scenario.pulse + run.scenario.after
}

func (run *stormRun) inPulse(t time.Duration) bool {
	return t >= stormWarmup && t < stormWarmup+run.scenario.pulse
}

// simulate runs until the end, or until nothing is left to learn.
func (run *stormRun) simulate() *stormStats {
	for {
		now, queue := run.next()
		if now >= run.end() || run.stats.settled(now) {
			return &run.stats
		}
		switch queue {
		case &run.served:
			run.finish(queue.pop().r, stormServed, now)
		case &run.timedOut:
			run.finish(queue.pop().r, stormTimedOut, now)
		default:
			run.begin(now)
		}
	}
}

// next is the earliest thing that can happen: the end of an attempt at the head of a
// queue, or, if that is nil, the beginning of one.
func (run *stormRun) next() (time.Duration, *stormQueue) {
	at, queue := run.nextArrival, (*stormQueue)(nil)
	if t, ok := run.served.head(); ok && t < at {
		at, queue = t, &run.served
	}
	if t, ok := run.timedOut.head(); ok && t < at {
		at, queue = t, &run.timedOut
	}
	if t, ok := run.waiting.head(at); ok {
		return t, nil
	}
	return at, queue
}

// begin sends what waited until now, or else a new request.
func (run *stormRun) begin(now time.Duration) {
	if t, ok := run.waiting.head(now); ok && t == now {
		run.send(run.waiting.pop().r, now)
		return
	}
	run.arrive(now)
}

func (run *stormRun) arrive(now time.Duration) {
	r := stormRequest{start: now, since: now, attempt: 1}
	if run.scenario.herd {
		r.client = int32(run.herdSent)
		run.herdSent++
		if run.herdSent == run.fleet.clients {
			run.nextArrival = run.end()
		}
	} else {
		r.client = int32(run.arrivals.IntN(run.fleet.clients))
		rate := float64(run.fleet.clients) * run.fleet.rate
		if run.scenario.surge > 0 && run.inPulse(now) {
			rate *= run.scenario.surge
		}
		run.nextArrival = now + time.Duration(run.arrivals.ExpFloat64()/rate*float64(time.Second))
	}
	run.stats.request(now)
	run.send(r, now)
}

func (run *stormRun) send(r stormRequest, now time.Duration) {
	release, ok := run.clients.hold(r, now)
	if !ok {
		run.stats.ended(r, false, now)
		return
	}
	if release > now {
		run.waiting.push(stormEvent{release, r})
		return
	}
	run.stats.attempt(r, now)
	s := &run.scenario
	if run.inPulse(now) && (s.down || s.failing > 0 && run.faults.Float64() < s.failing) {
		run.finish(r, stormRefused, now)
		return
	}
	done, ok := run.serve(now)
	switch {
	case !ok:
		run.finish(r, stormRefused, now)
	case s.timeout > 0 && done > now+s.timeout:
		run.timedOut.push(stormEvent{now + s.timeout, r})
	default:
		run.served.push(stormEvent{done, r})
	}
}

// serve puts an attempt into the server's queue and says when it is answered. The
// cost of an attempt is fixed as it arrives: what a slow server accepted stays slow.
func (run *stormRun) serve(now time.Duration) (done time.Duration, ok bool) {
	capacity := run.capacity
	if run.scenario.slow > 0 && run.inPulse(now) {
		capacity *= run.scenario.slow
	}
	cost := time.Duration(float64(time.Second) / capacity)
	run.freeAt = max(run.freeAt, now)
	if run.freeAt-now > run.scenario.queue {
		run.freeAt += time.Duration(stormRejectCost * float64(cost))
		return 0, false
	}
	run.freeAt += cost
	return run.freeAt, true
}

func (run *stormRun) finish(r stormRequest, o stormOutcome, now time.Duration) {
	delay, again := run.clients.outcome(r, o, now)
	if r.attempt == 1 {
		run.stats.firstAttempt(r, o == stormServed)
	}
	if o == stormServed {
		run.stats.ended(r, now <= r.start+run.scenario.deadline, now)
		return
	}
	if !again {
		run.stats.ended(r, false, now)
		return
	}
	r.attempt++
	r.since = now
	run.waiting.push(stormEvent{now + delay, r})
}
