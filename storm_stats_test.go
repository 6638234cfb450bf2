package retry_test

import "time"

// stormStats counts, in bins of a second, what a run shows.
type stormStats struct {
	scenario stormScenario
	bins     []stormBin
	caught   int // requests begun in the pulse
	saved    int // of those, how many ended well
	open     int // of those, how many have not ended
	herdDone []time.Duration
	peak     [10]int // attempts in the tenths of the current second
	peakBin  int
	checked  int // the second in which settled last looked
	peakMax  int // most attempts in a tenth of a second after the pulse and the first second
}

// stormBin is one second.
type stormBin struct {
	requests int // begun
	attempts int // sent
	first    int // first attempts sent in this second whose outcome is known
	firstOK  int // of those, how many succeeded
	good     int // requests that ended well in this second
}

func newStormStats(s stormScenario) stormStats {
	seconds := int((stormWarmup + s.pulse + s.after) / time.Second)
	return stormStats{scenario: s, bins: make([]stormBin, seconds+1)}
}

func (st *stormStats) bin(t time.Duration) *stormBin {
	return &st.bins[min(int(t/time.Second), len(st.bins)-1)]
}

func (st *stormStats) inPulse(t time.Duration) bool {
	return t >= stormWarmup && (st.scenario.herd || t < stormWarmup+st.scenario.pulse)
}

func (st *stormStats) request(now time.Duration) {
	st.bin(now).requests++
	if st.inPulse(now) {
		st.caught++
		st.open++
	}
}

func (st *stormStats) attempt(r stormRequest, now time.Duration) {
	st.bin(now).attempts++
	tenth := int(now / (100 * time.Millisecond))
	if tenth/10 != st.peakBin {
		st.peak, st.peakBin = [10]int{}, tenth/10
	}
	st.peak[tenth%10]++
	if now >= stormWarmup+max(st.scenario.pulse, time.Second) {
		st.peakMax = max(st.peakMax, st.peak[tenth%10])
	}
}

func (st *stormStats) firstAttempt(r stormRequest, ok bool) {
	b := st.bin(r.start)
	b.first++
	if ok {
		b.firstOK++
	}
}

func (st *stormStats) ended(r stormRequest, ok bool, now time.Duration) {
	caught := st.inPulse(r.start)
	if caught {
		st.open--
	}
	if !ok {
		return
	}
	st.bin(now).good++
	if caught {
		st.saved++
	}
	if st.scenario.herd {
		st.herdDone = append(st.herdDone, now-stormWarmup)
	}
}

// settled says that nothing is left to learn: all requests of the pulse have ended and the server has recovered.
func (st *stormStats) settled(now time.Duration) bool {
	second := int(now / time.Second)
	if st.scenario.whole || st.open > 0 || second == st.checked || now < stormWarmup+st.scenario.pulse {
		return false
	}
	st.checked = second
	if st.scenario.herd {
		return st.caught > 0
	}
	_, ok := st.recoveryUntil(now)
	return ok
}

// recovery is how long after the pulse the server is back, if it is.
func (st *stormStats) recovery() (time.Duration, bool) { return st.recoveryUntil(1 << 62) }

// recoveryUntil is how long after the pulse at least 99 % of first attempts succeed, for
// ten seconds on end. It looks at no second after now.
func (st *stormStats) recoveryUntil(now time.Duration) (time.Duration, bool) {
	const onEnd = 10
	from := int((stormWarmup + st.scenario.pulse) / time.Second)
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

// sum adds up the bins of [from, to).
func (st *stormStats) sum(from, to time.Duration) stormBin {
	var s stormBin
	for i := int(from / time.Second); i < min(int(to/time.Second), len(st.bins)); i++ {
		b := st.bins[i]
		s.requests += b.requests
		s.attempts += b.attempts
		s.first += b.first
		s.firstOK += b.firstOK
		s.good += b.good
	}
	return s
}

// amplification is attempts sent over requests begun in [from, to).
func (st *stormStats) amplification(from, to time.Duration) float64 {
	s := st.sum(from, to)
	return float64(s.attempts) / float64(max(1, s.requests))
}

// herdTime is when 99 % of the herd's requests had ended well.
func (st *stormStats) herdTime() (time.Duration, bool) {
	n := (99*st.caught + 99) / 100
	if len(st.herdDone) < n {
		return 0, false
	}
	return st.herdDone[n-1], true
}

// savedShare is the share of the requests begun in the pulse that ended well.
func (st *stormStats) savedShare() float64 {
	return float64(st.saved) / float64(max(1, st.caught))
}
