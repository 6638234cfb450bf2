package bench

import (
	"net/http"

	"github.com/failsafe-go/failsafe-go"
	"github.com/failsafe-go/failsafe-go/budget"
	"github.com/failsafe-go/failsafe-go/failsafehttp"
	"github.com/failsafe-go/failsafe-go/retrypolicy"
	"github.com/failsafe-go/failsafe-go/timeout"
)

var failsafeHTTP = Contender{
	Name:   "failsafehttp",
	Module: "github.com/failsafe-go/failsafe-go",
	Note:   "its HTTP retry policy; returns the last response",
	New: func(base http.RoundTripper, s Setup) http.RoundTripper {
		policies := []failsafe.Policy[*http.Response]{failsafePolicy(s).Build()}
		if s.Timeout > 0 {
			policies = append(policies, timeout.New[*http.Response](s.Timeout))
		}
		return failsafehttp.NewRoundTripper(base, policies...)
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
	switch {
	case s.doubles():
		p.WithBackoff(s.Wait, s.Cap)
	case s.Wait > 0:
		p.WithDelay(s.Wait)
	}
	return p
}
