package bench

import (
	"net/http"

	"github.com/failsafe-go/failsafe-go/budget"
	"github.com/failsafe-go/failsafe-go/failsafehttp"
	"github.com/failsafe-go/failsafe-go/retrypolicy"
)

var failsafe = Contender{
	Name:   "failsafehttp",
	Module: "github.com/failsafe-go/failsafe-go",
	Note:   "its HTTP retry policy; returns the last response",
	New: func(base http.RoundTripper, s Setup) http.RoundTripper {
		return failsafehttp.NewRoundTripper(base, failsafePolicy(s).Build())
	},
}

var failsafeBudget = Contender{
	Name:   "failsafehttp+budget",
	Module: "github.com/failsafe-go/failsafe-go",
	Note:   "the same with its budget and that budget's defaults",
	Budget: true,
	New: func(base http.RoundTripper, s Setup) http.RoundTripper {
		return failsafehttp.NewRoundTripper(base, failsafePolicy(s).WithBudget(budget.New()).Build())
	},
}

func failsafePolicy(s Setup) retrypolicy.Builder[*http.Response] {
	p := failsafehttp.NewRetryPolicyBuilder().WithMaxRetries(s.Retries).ReturnLastFailure()
	if s.Wait > 0 {
		p.WithDelay(s.Wait)
	}
	return p
}
