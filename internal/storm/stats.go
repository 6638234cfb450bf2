package storm

import "time"

// Stats counts, in bins of a second, what a run shows.
type Stats struct {
	scenario Scenario
	fleet    Fleet
	bins     []bin
	open     int // requests begun in the pulse that have not ended
	caught   int // requests begun in the pulse
	numbered [deepest + 1]numbered
	herdDone []time.Duration
	peak     [10]int // attempts in the tenths of the current second
	peakBin  int
	checked  int // the second in which settled last looked
	peakMax  int // most attempts in a tenth of a second after the pulse and the first second
}

// deepest is the last attempt that is counted by its number.
const deepest = 10

// numbered is what became of the attempts of one number, of requests of the pulse.
type numbered struct{ sent, good int }

// A bin is one second.
type bin struct {
	requests int // begun
	attempts int // sent
	first    int // first attempts sent in this second whose outcome is known
	firstOK  int // of those, how many succeeded
	good     int // requests that ended well in this second
	fair     int // requests begun that are not to a broken endpoint
	well     int // of those, how many ended well
}

func newStats(s Scenario, f Fleet) Stats {
	return Stats{scenario: s, fleet: f, bins: make([]bin, int(s.end()/time.Second)+1)}
}

func (st *Stats) bin(t time.Duration) *bin {
	return &st.bins[min(int(t/time.Second), len(st.bins)-1)]
}

func (st *Stats) inPulse(t time.Duration) bool {
	return t >= warmup && (st.scenario.herd || t < warmup+st.scenario.pulse)
}

func (st *Stats) request(r request) {
	b := st.bin(r.start)
	b.requests++
	if !r.broken {
		b.fair++
	}
	if st.inPulse(r.start) {
		st.caught++
		st.open++
	}
}

func (st *Stats) attempt(r request, now time.Duration) {
	st.bin(now).attempts++
	tenth := int(now / (100 * time.Millisecond))
	if tenth/10 != st.peakBin {
		st.peak, st.peakBin = [10]int{}, tenth/10
	}
	st.peak[tenth%10]++
	if now >= warmup+max(st.scenario.pulse, time.Second) {
		st.peakMax = max(st.peakMax, st.peak[tenth%10])
	}
}

func (st *Stats) outcome(r request, o outcome) {
	good := 0
	if o.answer == served {
		good = 1
	}
	if r.attempt == 1 {
		b := st.bin(r.start)
		b.first++
		b.firstOK += good
	}
	if r.attempt <= deepest && st.inPulse(r.start) {
		n := &st.numbered[r.attempt]
		n.sent++
		n.good += good
	}
}

func (st *Stats) ended(r request, ok bool, now time.Duration) {
	if st.inPulse(r.start) {
		st.open--
	}
	if !ok {
		return
	}
	st.bin(now).good++
	if !r.broken {
		st.bin(r.start).well++
	}
	if st.scenario.herd {
		st.herdDone = append(st.herdDone, now-warmup)
	}
}

// settled says that nothing is left to learn: all requests of the pulse have ended and the server has recovered.
func (st *Stats) settled(now time.Duration) bool {
	second := int(now / time.Second)
	if st.scenario.workers > 0 {
		return st.caught == st.scenario.jobs && st.open == 0
	}
	if st.scenario.whole || st.open > 0 || second == st.checked || now < warmup+st.scenario.pulse {
		return false
	}
	st.checked = second
	if st.scenario.herd {
		return st.caught > 0
	}
	_, ok := st.recoveryUntil(now)
	return ok
}

// Recovery is how long after the pulse the server is back, if it is.
func (st *Stats) Recovery() (time.Duration, bool) { return st.recoveryUntil(1 << 62) }

// recoveryUntil is how long after the pulse at least 99 % of first attempts succeed, for ten seconds on end. It looks
// at no second after now.
func (st *Stats) recoveryUntil(now time.Duration) (time.Duration, bool) {
	const onEnd = 10
	from := int((warmup + st.scenario.pulse) / time.Second)
	good := 0
	for i := from; i < min(int(now/time.Second)-2, len(st.bins)-1); i++ {
		b := st.bins[i]
		good++
		if float64(b.firstOK) < 0.99*float64(b.first) || b.first == 0 {
			good = 0
		}
		if good == onEnd {
			return time.Duration(i+1-onEnd-from) * time.Second, true
		}
	}
	return 0, false
}

// Attempts is how many were sent in the pulse.
func (st *Stats) Attempts() int { return st.pulse(st.scenario.pulse).attempts }

// sum adds up the bins of [from, to).
func (st *Stats) sum(from, to time.Duration) bin {
	var s bin
	for i := int(from / time.Second); i < min(int(to/time.Second), len(st.bins)); i++ {
		b := st.bins[i]
		s.requests += b.requests
		s.attempts += b.attempts
		s.first += b.first
		s.firstOK += b.firstOK
		s.good += b.good
		s.fair += b.fair
		s.well += b.well
	}
	return s
}

// pulse adds up the last seconds of the pulse.
func (st *Stats) pulse(last time.Duration) bin {
	end := warmup + st.scenario.pulse
	return st.sum(end-last, end)
}

// amplification is attempts sent over requests begun.
func (b bin) amplification() float64 { return float64(b.attempts) / float64(max(1, b.requests)) }

// wellShare is the share of the requests begun that ended well.
func (b bin) wellShare() float64 { return float64(b.well) / float64(max(1, b.fair)) }

// herdTime is when 99 % of the herd's requests had ended well.
func (st *Stats) herdTime() (time.Duration, bool) {
	n := (99*st.caught + 99) / 100
	if n == 0 || len(st.herdDone) < n {
		return 0, false
	}
	return st.herdDone[n-1], true
}
