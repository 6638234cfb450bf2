package conformance

import (
	"cmp"
	"context"
	"io"
	"net/http"
	"time"

	"resty.dev/v3"

	"github.com/seed-e3550de8/retry/retrytest"
)

func restyClient() Subject {
	wrap := func(attempts int) func(http.RoundTripper) http.RoundTripper {
		return func(base http.RoundTripper) http.RoundTripper {
			return throughResty(newResty(base, attempts).SetRetryWaitTime(time.Second).SetRetryMaxWaitTime(30 * time.Second))
		}
	}
	return Subject{
		Name:   "resty",
		Module: "resty.dev/v3",
		Setup: "a client told to repeat any error and, by its own conditions, 429 and 5xx, with SetRetryWaitTime and " +
			"SetRetryMaxWaitTime, without its redirects and its parsing of bodies. The adapter makes its request of the " +
			"caller's, with its body and SetContentLength; a middleware takes each other body from GetBody, where resty would seek in the first one",
		Wrap: wrap(4),
		Claims: retrytest.Claims{
			Attempts:          4,
			NotRetried:        []int{http.StatusRequestTimeout},
			LongestBackoff:    30 * time.Second,
			LongestRetryAfter: -1,
			Persistent:        wrap(120),
			NoIdempotencyKey:  true,
			NoUnprocessed:     true,
			NoDeadline:        true,
			Unclaimed: map[string]string{
				"CertificateErrorFinal":         userSays,
				"CancelKeepsLastError":          lastErrorLost,
				"CloseIdleConnectionsForwarded": notATransport,
				"RequestNotModified":            notATransport,
				"BlockedGetBodyBounded":         "GetBody is called by the adapter",
				"RequestTrailers":               noTrailers,
			},
		},
		Told: func(base http.RoundTripper, again func(*http.Response) bool) http.RoundTripper {
			return throughResty(newResty(base, 4).SetRetryWaitTime(0).SetRetryMaxWaitTime(0).
				AddRetryConditions(func(r *resty.Response, err error) bool { return err == nil && again(r.RawResponse) }))
		},
	}
}

func newResty(base http.RoundTripper, attempts int) *resty.Client {
	return resty.New().
		SetLogger(silent{}).
		SetTransport(base).
		SetRedirectPolicy(resty.RedirectNoPolicy()).
		SetResponseDoNotParse(true).
		SetRetryCount(attempts-1).
		AddRequestMiddleware(afresh).
		AddRetryConditions(
			resty.RetryConditionStatusTooManyRequests,
			resty.RetryConditionStatus5XX,
			func(_ *resty.Response, err error) bool { return err != nil },
		)
}

func throughResty(c *resty.Client) http.RoundTripper {
	return roundTripper(func(req *http.Request) (*http.Response, error) {
		r := c.R().SetContext(context.WithValue(req.Context(), getBody{}, req.GetBody))
		r.Header = req.Header.Clone()
		if req.Body != nil {
			r.SetBody(req.Body).SetContentLength(req.ContentLength)
		}
		resp, err := r.Execute(cmp.Or(req.Method, http.MethodGet), req.URL.String())
		if err != nil {
			return nil, err
		}
		return resp.RawResponse, nil
	})
}

// getBody is the context key of the caller's GetBody, for which a request of resty has no place.
type getBody struct{}

// afresh is a middleware: by itself, resty would seek in a body that net/http has closed.
func afresh(_ *resty.Client, r *resty.Request) error {
	again, _ := r.Context().Value(getBody{}).(func() (io.ReadCloser, error))
	if r.Attempt == 1 || again == nil {
		return nil
	}
	body, err := again()
	if err == nil {
		r.SetBody(body)
	}
	return err
}

type silent struct{}

func (silent) Errorf(string, ...any) {}
func (silent) Warnf(string, ...any)  {}
func (silent) Debugf(string, ...any) {}
