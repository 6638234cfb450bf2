package conformance

import (
	"net/http"
	"time"

	"github.com/PuerkitoBio/rehttp"

	"github.com/seed-e3550de8/retry/retrytest"
)

const buffered = "its documentation says that it reads the body into memory"

func rehttpTransport() Subject {
	wrap := func(attempts int) func(http.RoundTripper) http.RoundTripper {
		return func(base http.RoundTripper) http.RoundTripper {
			return rehttp.NewTransport(base,
				rehttp.RetryAll(rehttp.RetryMaxRetries(attempts-1), idempotent(), failed()),
				rehttp.ExpJitterDelay(time.Second, 30*time.Second))
		}
	}
	return Subject{
		Name:   "rehttp",
		Module: "github.com/PuerkitoBio/rehttp",
		Setup:  "told to repeat idempotent methods after any error, 408, 429 and 500-599, with ExpJitterDelay",
		Wrap:   wrap(4),
		Claims: retrytest.Claims{
			Attempts:         4,
			LongestBackoff:   30 * time.Second,
			Persistent:       wrap(120),
			NoIdempotencyKey: true,
			NoUnprocessed:    true,
			NoRetryAfter:     true,
			NoDeadline:       true,
			Unclaimed: map[string]string{
				"BodyNotBuffered":       buffered,
				"BlockedUploadHTTP1":    buffered,
				"BlockedUploadHTTP2":    buffered,
				"CertificateErrorFinal": "which errors are retried is for its user to say",
				"CancelKeepsLastError":  lastErrorLost,
			},
		},
		Told: func(base http.RoundTripper, again func(*http.Response) bool) http.RoundTripper {
			told := func(a rehttp.Attempt) bool { return a.Response != nil && again(a.Response) }
			return rehttp.NewTransport(base,
				rehttp.RetryAll(rehttp.RetryMaxRetries(3), idempotent(), rehttp.RetryAny(told, failed())),
				rehttp.ConstDelay(0))
		},
	}
}

func idempotent() rehttp.RetryFn {
	return rehttp.RetryHTTPMethods("", "GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE")
}

func failed() rehttp.RetryFn {
	return rehttp.RetryAny(
		rehttp.RetryIsErr(func(err error) bool { return err != nil }),
		rehttp.RetryStatuses(http.StatusRequestTimeout, http.StatusTooManyRequests),
		rehttp.RetryStatusInterval(500, 600),
	)
}
