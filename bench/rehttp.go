package bench

import (
	"net/http"
	"time"

	"github.com/PuerkitoBio/rehttp"
)

var rehttpTransport = Contender{
	Name:   "rehttp",
	Module: "github.com/PuerkitoBio/rehttp",
	Note:   "told to repeat any error, 429 and 500-599",
	New: func(base http.RoundTripper, s Setup) http.RoundTripper {
		conditions := []rehttp.RetryFn{
			rehttp.RetryMaxRetries(s.Retries),
			rehttp.RetryAny(
				rehttp.RetryIsErr(func(err error) bool { return err != nil }),
				rehttp.RetryStatuses(http.StatusTooManyRequests),
				rehttp.RetryStatusInterval(500, 600),
			),
		}
		if s.Safe {
			conditions = append(conditions, rehttp.RetryHTTPMethods(http.MethodGet, http.MethodPut))
		}
		t := rehttp.NewTransport(base, rehttp.RetryAll(conditions...),
			func(a rehttp.Attempt) time.Duration { return s.before(a.Index) })
		t.PerAttemptTimeout = s.Timeout
		return t
	},
}
