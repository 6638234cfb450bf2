package conformance

import (
	"net/http"
	"time"

	"github.com/imroc/req/v3"

	"github.com/seed-e3550de8/retry/bench"
	"github.com/seed-e3550de8/retry/retrytest"
)

func imrocReq() Subject {
	wrap := func(attempts int) func(http.RoundTripper) http.RoundTripper {
		return func(base http.RoundTripper) http.RoundTripper {
			return bench.ReqTransport(bench.ReqClient(base).
				SetCommonRetryCount(attempts-1).
				SetCommonRetryBackoffInterval(time.Second, 30*time.Second).
				SetCommonRetryCondition(func(r *req.Response, err error) bool { return err != nil || retried(r.StatusCode) }))
		}
	}
	return Subject{
		Name:   "imroc/req",
		Module: "github.com/imroc/req/v3",
		Setup: "a client told to repeat any error, 408, 429 and 500-599, with SetCommonRetryBackoffInterval, without its " +
			"timeout, its redirects and its reading of whole bodies. The adapter makes its request of the caller's, with " +
			"GetBody as its body and the Content-Length set again; a body without GetBody gets SetRetryCount(0), which the " +
			"client demands; a retry hook closes the response",
		Wrap: wrap(4),
		Claims: retrytest.Claims{
			Attempts:         4,
			LongestBackoff:   30 * time.Second,
			Persistent:       wrap(120),
			NoIdempotency:    true,
			NoIdempotencyKey: true,
			NoUnprocessed:    true,
			NoRetryAfter:     true,
			NoDeadline:       true,
			NoFiles:          true,
			Unclaimed: map[string]string{
				"CertificateErrorFinal":         userSays,
				"CancelKeepsLastError":          lastErrorLost,
				"CloseIdleConnectionsForwarded": notATransport,
				"RequestNotModified":            notATransport,
				"RequestTrailers":               noTrailers,
			},
		},
		Told: func(base http.RoundTripper, again func(*http.Response) bool) http.RoundTripper {
			return bench.ReqTransport(bench.ReqClient(base).
				SetCommonRetryCount(3).
				SetCommonRetryFixedInterval(0).
				SetCommonRetryCondition(func(r *req.Response, err error) bool {
					return err != nil || retried(r.StatusCode) || again(r.Response)
				}))
		},
	}
}

func retried(status int) bool {
	return status == http.StatusRequestTimeout || status == http.StatusTooManyRequests || status >= 500
}

const (
	userSays   = "which errors are retried is for its user to say"
	noTrailers = "its requests have no trailers"
)
