package storm

import "time"

// arrive is a new request of one of the clients. It sets the time of the next.
func (run *run) arrive(now time.Duration) request {
	r := request{start: now, since: now, attempt: 1}
	s := &run.scenario
	switch {
	case s.workers > 0:
		run.count(s.workers)
	case s.herd:
		r.client = int32(run.arrived)
		run.count(run.fleet.Clients)
	default:
		r.client = int32(run.arrivals.IntN(run.fleet.Clients))
		rate := float64(run.fleet.Clients) * run.fleet.Rate
		if s.surge > 0 && s.inPulse(now) {
			rate *= s.surge
		}
		run.nextArrival = now + time.Duration(run.arrivals.ExpFloat64()/rate*float64(time.Second))
		r.broken = s.broken > 0 && run.faults.Float64() < s.broken
	}
	if f, ok := run.clients.(*fresh); ok {
		r.client = f.enter(r.client)
	}
	return r
}

// count counts the arrivals, of which there are n in all.
func (run *run) count(n int) {
	run.arrived++
	if run.arrived == n {
		run.nextArrival = run.scenario.end()
	}
}

// fails says whether an attempt meets the trouble of the scenario.
func (run *run) fails(r request, now time.Duration) bool {
	s := &run.scenario
	return s.inPulse(now) && (s.down || r.broken || s.failing > 0 && run.faults.Float64() < s.failing)
}

// throttle is how long a client that is over the rate limit is asked to wait, in whole seconds; zero lets it pass.
func (run *run) throttle(now time.Duration) time.Duration {
	s := &run.scenario
	if s.limit == 0 {
		return 0
	}
	if now >= run.windowStart+s.window {
		run.windowStart, run.inWindow = now-(now-warmup)%s.window, 0
	}
	if run.inWindow < s.limit {
		run.inWindow++
		return 0
	}
	rest := run.windowStart + s.window - now
	return (rest + time.Second - 1) / time.Second * time.Second
}

// serve puts an attempt into the server's queue and says when it is answered. The cost of an attempt is fixed as it
// arrives: what a slow server accepted stays slow.
func (run *run) serve(now time.Duration) (done time.Duration, ok bool) {
	capacity := run.capacity
	if run.scenario.slow > 0 && run.scenario.inPulse(now) {
		capacity *= run.scenario.slow
	}
	cost := time.Duration(float64(time.Second) / capacity)
	run.freeAt = max(run.freeAt, now)
	if run.freeAt-now > run.scenario.queue {
		run.freeAt += time.Duration(rejectCost * float64(cost))
		return 0, false
	}
	run.freeAt += cost
	return run.freeAt, true
}
