package bench

import (
	"net/http"

	"github.com/PuerkitoBio/rehttp"
)

var rehttpTransport = Contender{
	Name:   "rehttp",
	Module: "github.com/PuerkitoBio/rehttp",
	Note:   "told to repeat any error, 429 and 500-599",
	New: func(base http.RoundTripper, s Setup) http.RoundTripper {
		return rehttp.NewTransport(base,
			rehttp.RetryAll(
				rehttp.RetryMaxRetries(s.Retries),
				rehttp.RetryAny(
					rehttp.RetryIsErr(func(err error) bool { return err != nil }),
					rehttp.RetryStatuses(http.StatusTooManyRequests),
					rehttp.RetryStatusInterval(500, 600),
				),
			),
			rehttp.ConstDelay(s.Wait))
	},
}
