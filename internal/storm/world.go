package storm

import (
	"math/rand/v2"
	"time"
)

// rejectCost is the work of refusing an attempt, over the work of serving one.
const rejectCost = 0.1

// A Fleet is who calls the server.
type Fleet struct {
	Clients int
	Rate    float64 // requests per second, of each
}

// A request is one call of a client, with the attempt that it is at.
type request struct {
	start   time.Duration
	since   time.Duration // when it began to wait for the current attempt
	client  int32
	attempt int16   // from 1
	broken  bool    // to an endpoint that is
	price   float64 // what its last retry has taken from the budget
	spent   float64 // what all have
}

// An outcome is what the server, or the clock, made of an attempt.
type outcome struct {
	answer answer
	wish   time.Duration // of the server: its Retry-After
}

type answer uint8

const (
	served    answer = iota
	refused          // 503
	throttled        // 429
	timedOut
	answers
)

// clients is how a fleet behaves: one value stands for all its clients, each with a state of its own.
type clients interface {
	// hold is asked before each attempt. The attempt waits until release, and hold is asked again then; if ok is false,
	// the request ends without it.
	hold(r request, now time.Duration) (release time.Duration, ok bool)
	// outcome is told of each attempt, and says whether and after what delay another follows.
	outcome(r *request, o outcome, now time.Duration) (delay time.Duration, again bool)
}

// A run is one simulation: single-threaded, and the same for the same seed.
type run struct {
	scenario Scenario
	fleet    Fleet
	clients  clients
	arrivals *rand.Rand // of its own, so that every kind of client meets the same arrivals
	faults   *rand.Rand
	capacity float64       // attempts per second
	freeAt   time.Duration // when the server has done all it accepted until now

	nextArrival time.Duration
	arrived     int // of a herd, or workers
	taken       int // jobs of workers
	servedQueue queue
	lateQueue   queue // timeouts, in order, because all clients wait equally long
	waiting     wheel // retries, and held attempts

	windowStart time.Duration // of the rate limit
	inWindow    int

	stats Stats
}

func newRun(s Scenario, f Fleet, c clients, seed uint64) *run {
	r := &run{
		scenario: s, fleet: f, clients: c,
		arrivals: rand.New(rand.NewPCG(seed, 1)),
		faults:   rand.New(rand.NewPCG(seed, 2)),
		capacity: float64(f.Clients) * f.Rate / s.load,
		stats:    newStats(s, f),
	}
	if s.herd {
		r.capacity = float64(f.Clients) / 10
		r.nextArrival = warmup
	}
	if s.workers > 0 {
		r.nextArrival, r.taken = warmup, s.workers
	}
	return r
}

// simulate runs until the end, or until nothing is left to learn.
func (run *run) simulate() *Stats {
	for {
		now, q := run.next()
		if now >= run.scenario.end() || run.stats.settled(now) {
			return &run.stats
		}
		switch q {
		case &run.servedQueue:
			run.finish(q.pop().r, outcome{answer: served}, now)
		case &run.lateQueue:
			run.finish(q.pop().r, outcome{answer: timedOut}, now)
		default:
			run.begin(now)
		}
	}
}

// next is the earliest thing that can happen: the end of an attempt at the head of a queue, or, if that is nil, the
// beginning of one.
func (run *run) next() (time.Duration, *queue) {
	at, q := run.nextArrival, (*queue)(nil)
	if t, ok := run.servedQueue.head(); ok && t < at {
		at, q = t, &run.servedQueue
	}
	if t, ok := run.lateQueue.head(); ok && t < at {
		at, q = t, &run.lateQueue
	}
	if t, ok := run.waiting.head(at); ok {
		return t, nil
	}
	return at, q
}

// begin sends what waited until now, or else a new request.
func (run *run) begin(now time.Duration) {
	if t, ok := run.waiting.head(now); ok && t == now {
		run.send(run.waiting.pop().r, now)
		return
	}
	r := run.arrive(now)
	run.stats.request(r)
	run.send(r, now)
}

// send makes the next attempt of r, unless its client holds it.
func (run *run) send(r request, now time.Duration) {
	release, ok := run.clients.hold(r, now)
	if !ok {
		run.end(r, false, now)
		return
	}
	if release > now {
		run.waiting.push(event{release, r})
		return
	}
	run.stats.attempt(r, now)
	s := &run.scenario
	if run.fails(r, now) {
		run.finish(r, outcome{refused, s.retryAfter}, now)
		return
	}
	if wait := run.throttle(now); wait > 0 {
		run.finish(r, outcome{throttled, wait}, now)
		return
	}
	done, ok := run.serve(now)
	switch {
	case !ok:
		run.finish(r, outcome{refused, s.retryAfter}, now)
	case s.timeout > 0 && done > now+s.timeout:
		run.lateQueue.push(event{now + s.timeout, r})
	default:
		run.servedQueue.push(event{done, r})
	}
}

// finish tells the client what became of an attempt.
func (run *run) finish(r request, o outcome, now time.Duration) {
	delay, again := run.clients.outcome(&r, o, now)
	run.stats.outcome(r, o)
	switch {
	case o.answer == served:
		run.end(r, now <= r.start+run.scenario.deadline, now)
	case !again:
		run.end(r, false, now)
	default:
		r.attempt++
		r.since = now
		run.waiting.push(event{now + delay, r})
	}
}

// end is the end of a request. A worker begins the next.
func (run *run) end(r request, ok bool, now time.Duration) {
	run.stats.ended(r, ok, now)
	if run.taken < run.scenario.jobs {
		run.taken++
		next := request{start: now, since: now, attempt: 1}
		run.stats.request(next)
		run.waiting.push(event{now, next})
	}
}
