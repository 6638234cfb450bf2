package bench

import (
	"net/http"
	"time"
)

// A Setup is what a case asks of every library.
type Setup struct {
	Retries int           // attempts after the first
	Wait    time.Duration // before each retry; zero is no wait
	Cap     time.Duration // above Wait: the wait doubles with each retry, up to Cap, without jitter where that can be said
	Timeout time.Duration // of each attempt, for the libraries that have one; zero is none
	Safe    bool          // repeat no request that may be processed twice, for the libraries that can tell or be told
}

// doubles reports whether the wait grows with each retry.
func (s Setup) doubles() bool { return s.Cap > s.Wait }

// before returns the wait before a retry, which counts from 0.
func (s Setup) before(retry int) time.Duration {
	if !s.doubles() {
		return s.Wait
	}
	return min(s.Wait<<retry, s.Cap)
}

// A Contender is one way to send a request.
type Contender struct {
	Name   string // as in the names of the benchmarks
	Module string // empty if it is no library
	Note   string // what a reader of its figures should know
	Kind   Kind
	Budget bool // some retries are refused, so that cases of nothing but failures say little
	New    func(base http.RoundTripper, s Setup) http.RoundTripper
}

// Kind says which cases a Contender takes part in.
type Kind int

const (
	// Retrier repeats a request that failed.
	Retrier Kind = iota
	// Sender does not: it is there for comparison.
	Sender
	// Hedger sends again while the first is under way, and takes any response for an answer.
	Hedger
)

// Field returns all contenders, the bare base first.
func Field() []Contender {
	return []Contender{
		bare, passThrough, handLoop,
		ours, oursUnlimited,
		rehttpTransport, hashicorp, failsafeHTTP, failsafeBudget,
		heimdallClient, restyV2, restyV3, imrocReq, hedged, awsAttempt, azPipeline,
	}
}

// roundTripper makes a RoundTripper of a function.
type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// transient is the condition given to the libraries that have none of their own.
func transient(status int) bool {
	return status == http.StatusTooManyRequests || status >= http.StatusInternalServerError
}
