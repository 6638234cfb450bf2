// Package conformance runs the kit of retrytest over the field. Each library is set up as its documentation shows, and
// what it does not claim is not asked of it.
package conformance

import (
	"net/http"

	"github.com/seed-e3550de8/retry/retrytest"
)

// A Subject is a library under test.
type Subject struct {
	Name   string
	Module string
	Setup  string // how Wrap uses it
	Wrap   func(http.RoundTripper) http.RoundTripper
	Claims retrytest.Claims

	// Dir is the module that runs the kit over it, below this one, if not this one itself. Then there is no Wrap.
	Dir string

	// Told repeats three times at most, without waits, what the library repeats as it is set up above, and a response
	// that again is true of. It is nil if the library does not let its user say so.
	Told func(base http.RoundTripper, again func(*http.Response) bool) http.RoundTripper
	Own  Own
}

// Own is what a library has of its own for the inputs of [Rows]. Where it has nothing, the field is nil, and Told must
// do.
type Own struct {
	Look   func(*http.Response) []byte                    // at the first KiB of a body, which stays whole
	Whole  func(base http.RoundTripper) http.RoundTripper // reads answers into memory, and repeats those that break off
	Resume func(base http.RoundTripper) http.RoundTripper // continues downloads that break off
}

// Field returns all subjects.
//
// The kit asks for attempts, waits and bodies of a RoundTripper. A client that builds a request of its own is here if
// it can be given the caller's in a few lines, which are in its Setup; azcore and the AWS SDK cannot. hedgedhttp is
// left out because it does not retry, and because its requests share a pool of goroutines, which a testing/synctest
// bubble cannot hold.
func Field() []Subject {
	return []Subject{
		ours(), hashicorp(), rehttpTransport(), failsafe(), heimdallClient(), restyClient(), imrocReq(), sigstore(), netHTTP(),
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// lastErrorLost is the reason for those that return the context's error after a wait that was cancelled, as net/http
// does.
const lastErrorLost = "a cancelled wait has the context's error alone, as in net/http"
