package bench

import (
	"net/http"

	"github.com/seed-e3550de8/retry"
)

var ours = Contender{
	Name:   "retry",
	Module: "github.com/seed-e3550de8/retry",
	Note:   "its defaults, but for the wait",
	Budget: true,
	New: func(base http.RoundTripper, s Setup) http.RoundTripper {
		return retry.New(base, ourPolicy(s))
	},
}

var oursUnlimited = Contender{
	Name:   "retry+unlimited",
	Module: "github.com/seed-e3550de8/retry",
	Note:   "the same without a budget",
	New: func(base http.RoundTripper, s Setup) http.RoundTripper {
		p := ourPolicy(s)
		p.Budget = retry.Unlimited
		return retry.New(base, p)
	},
}

func ourPolicy(s Setup) retry.Policy {
	p := retry.Policy{MaxAttempts: 1 + s.Retries, Backoff: retry.Constant(s.Wait), AttemptTimeout: s.Timeout}
	if s.doubles() {
		p.Backoff = retry.Exponential{Base: s.Wait, Max: s.Cap, Jitter: retry.NoJitter}
	}
	return p
}
