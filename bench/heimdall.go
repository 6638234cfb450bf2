package bench

import (
	"net/http"

	"github.com/gojek/heimdall/v7"
	"github.com/gojek/heimdall/v7/httpclient"
)

var heimdallClient = Contender{
	Name:   "heimdall",
	Module: "github.com/gojek/heimdall/v7",
	Note:   "its httpclient, Do",
	New: func(base http.RoundTripper, s Setup) http.RoundTripper {
		backoff := heimdall.NewConstantBackoff(s.Wait, 0)
		if s.doubles() {
			backoff = heimdall.NewExponentialBackoff(s.Wait, s.Cap, 2, 0)
		}
		c := httpclient.NewClient(
			httpclient.WithHTTPClient(&http.Client{Transport: base, Timeout: s.Timeout}),
			httpclient.WithRetryCount(s.Retries),
			httpclient.WithRetrier(heimdall.NewRetrier(backoff)),
		)
		return roundTripper(c.Do)
	},
}
