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
		c := httpclient.NewClient(
			httpclient.WithHTTPClient(&http.Client{Transport: base}),
			httpclient.WithRetryCount(s.Retries),
			httpclient.WithRetrier(heimdall.NewRetrier(heimdall.NewConstantBackoff(s.Wait, 0))),
		)
		return roundTripper(c.Do)
	},
}
