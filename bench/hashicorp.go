package bench

import (
	"net/http"
	"time"

	"github.com/hashicorp/go-retryablehttp"
)

var hashicorp = Contender{
	Name:   "go-retryablehttp",
	Module: "github.com/hashicorp/go-retryablehttp",
	Note:   "its RoundTripper; returns the last response",
	New: func(base http.RoundTripper, s Setup) http.RoundTripper {
		c := retryablehttp.NewClient()
		c.HTTPClient = &http.Client{Transport: base, Timeout: s.Timeout}
		c.Logger = nil
		c.RetryMax = s.Retries
		c.Backoff = func(_, _ time.Duration, _ int, _ *http.Response) time.Duration { return s.Wait }
		if s.doubles() {
			c.Backoff, c.RetryWaitMin, c.RetryWaitMax = retryablehttp.DefaultBackoff, s.Wait, s.Cap
		}
		c.ErrorHandler = retryablehttp.PassthroughErrorHandler
		return &retryablehttp.RoundTripper{Client: c}
	},
}
