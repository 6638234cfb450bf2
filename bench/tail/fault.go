package tail

import "math/rand/v2"

// A Fault is what the server makes of an attempt.
type Fault int

const (
	None        Fault = iota
	Reset             // acts, and resets the connection within the header of its answer; over HTTP/2 the stream
	Unavailable       // 503 with a short page
	TooMany           // 429 with Retry-After: 0
	Stall             // acts, and answers two seconds later
	Drip              // 503 with a page that drips for a second
	faults
)

// A Mix is the share of each fault among the attempts; the rest is answered well.
type Mix [faults]float64

// of returns what becomes of the nth attempt of a request. It is the same in each run, and for each library: who sends
// the same attempts meets the same faults.
func (m Mix) of(request, n int) Fault {
	at := rand.New(rand.NewPCG(uint64(request), uint64(n))).Float64()
	for f := Reset; f < faults; f++ {
		if at -= m[f]; at < 0 {
			return f
		}
	}
	return None
}
