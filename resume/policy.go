package resume

import (
	"net/http"
	"time"

	"github.com/seed-e3550de8/retry"
)

const (
	// defaultContinuations is the MaxContinuations of the zero Policy.
	defaultContinuations = 5

	// progress is how many bytes must arrive for the count of continuations to start anew. It is large against what a
	// request and a connection cost, so that a server that gives a little each time can't keep a client for ever.
	progress = 64 << 10
)

// A Policy says how a [Transport] continues a body. The zero Policy is a good one for most programs. Its functions may
// be called by many goroutines at once.
type Policy struct {
	// MaxContinuations is how many continuations in a row may bring less than 64 KiB together; when that much has
	// arrived, the count starts anew, so that a large download survives any number of breaks. A continuation that
	// breaks while its 200 is read for nothing has brought nothing. 0 means 5, a negative number none.
	MaxContinuations int

	// Backoff gives the wait before each continuation, the first after real progress being 1. nil means
	// retry.Exponential{}. A wait that the deadline of the request's context would cut off is not begun.
	Backoff retry.Backoff

	// Identity asks for content that can be continued: a GET without Accept-Encoding and Range is sent with
	// "Accept-Encoding: identity", in a copy of the request. Without it, [http.Transport] asks for gzip and decodes
	// what comes, and a decoded body can't be continued.
	Identity bool

	// OnContinue, if not nil, is told of each continuation before its wait, by the goroutine that reads the body.
	OnContinue func(Continuation)
}

// A Continuation is what [Policy.OnContinue] is told.
type Continuation struct {
	Request *http.Request // the first one: the caller's own, or the copy that Identity makes; read-only
	Number  int           // in this body, from 1
	Offset  int64         // the first byte that is missing, counted from the start of the content
	Total   int64         // the length of the whole content in bytes; -1 if it is not known
	Err     error         // why the body broke off
	Wait    time.Duration // how long until the continuation is sent
}

func (p *Policy) maxContinuations() int {
	if p.MaxContinuations == 0 {
		return defaultContinuations
	}
	return max(p.MaxContinuations, 0)
}

// delay is the wait before a continuation, never negative.
func (p *Policy) delay(n int) time.Duration {
	if p.Backoff == nil {
		return retry.Exponential{}.Delay(n)
	}
	return max(p.Backoff.Delay(n), 0)
}
