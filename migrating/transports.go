// Package migrating has each piece of docs/migrating.md before and after. Its tests run both against the same script.
package migrating

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/PuerkitoBio/rehttp"
	"github.com/failsafe-go/failsafe-go/failsafehttp"
	"github.com/hashicorp/go-retryablehttp"

	"github.com/seed-e3550de8/retry"
)

func hashicorpBefore(base http.RoundTripper) *http.Client {
	c := retryablehttp.NewClient()
	c.HTTPClient = &http.Client{Transport: base}
	c.Logger = slog.Default()
	c.RetryMax = 3
	c.RetryWaitMin = 500 * time.Millisecond
	c.RetryWaitMax = 10 * time.Second
	c.CheckRetry = func(ctx context.Context, resp *http.Response, err error) (bool, error) {
		if resp != nil && resp.StatusCode == http.StatusConflict {
			return true, nil
		}
		return retryablehttp.DefaultRetryPolicy(ctx, resp, err)
	}
	c.RequestLogHook = func(_ retryablehttp.Logger, req *http.Request, retries int) {
		slog.Info("sending", "host", req.URL.Host, "retries", retries)
	}
	c.PrepareRetry = func(req *http.Request) error {
		req.Header.Set("Authorization", "Bearer "+token())
		return nil
	}
	c.ErrorHandler = retryablehttp.PassthroughErrorHandler
	return c.StandardClient()
}

func hashicorpAfter(base http.RoundTripper) *http.Client {
	return &http.Client{Transport: retry.New(signing{base}, retry.Policy{ // MaxAttempts: 4 is RetryMax: 3
		Backoff: retry.Exponential{Base: 500 * time.Millisecond, Max: 10 * time.Second},
		Classify: func(a retry.Attempt) retry.Class {
			if a.Response != nil && a.Response.StatusCode == http.StatusConflict {
				return retry.Transient
			}
			return retry.Classify(a)
		},
		OnAttempt: func(a retry.Attempt, d retry.Decision) {
			slog.Info("sent", "attempt", a, "decision", d)
		},
	})}
}

// signing takes the place of PrepareRetry: it sees each attempt, the first one too, and changes a copy.
type signing struct{ base http.RoundTripper }

func (s signing) RoundTrip(req *http.Request) (*http.Response, error) {
	req = req.Clone(req.Context())
	req.Header.Set("Authorization", "Bearer "+token())
	return s.base.RoundTrip(req)
}

func token() string { return "secret" }

func rehttpBefore(base http.RoundTripper) *http.Client {
	return &http.Client{Transport: rehttp.NewTransport(base,
		rehttp.RetryAll(
			rehttp.RetryMaxRetries(3),
			rehttp.RetryHTTPMethods(http.MethodGet, http.MethodHead, http.MethodPut, http.MethodDelete),
			rehttp.RetryAny(rehttp.RetryTemporaryErr(), rehttp.RetryStatuses(429, 502, 503, 504)),
		),
		rehttp.ExpJitterDelay(time.Second, 10*time.Second))}
}

func rehttpAfter(base http.RoundTripper) *http.Client {
	return &http.Client{Transport: retry.New(base, retry.Policy{
		Backoff: retry.Exponential{Base: time.Second, Max: 10 * time.Second},
	})}
}

func failsafeBefore(base http.RoundTripper) *http.Client {
	policy := failsafehttp.NewRetryPolicyBuilder().
		WithBackoff(time.Second, 10*time.Second).
		WithMaxRetries(3).
		ReturnLastFailure().
		Build()
	return &http.Client{Transport: failsafehttp.NewRoundTripper(base, policy)}
}

func failsafeAfter(base http.RoundTripper) *http.Client {
	return &http.Client{Transport: retry.New(base, retry.Policy{
		Backoff: retry.Exponential{Base: time.Second, Max: 10 * time.Second},
	})}
}

// retrying is a transport of one's own, as it stands in many programs.
type retrying struct{ base http.RoundTripper }

func (t retrying) RoundTrip(req *http.Request) (*http.Response, error) {
	wait := time.Second
	for attempt := 1; ; attempt++ {
		resp, err := t.base.RoundTrip(req)
		if attempt == 4 || err == nil && resp.StatusCode < 500 && resp.StatusCode != 429 {
			return resp, err
		}
		if req.Body != nil && req.Body != http.NoBody {
			if req.GetBody == nil {
				return resp, err
			}
			body, bodyErr := req.GetBody()
			if bodyErr != nil {
				return nil, errors.Join(err, bodyErr)
			}
			req.Body = body // the caller's request
		}
		if resp != nil {
			_ = resp.Body.Close()
		}
		time.Sleep(wait) // whatever the server asks for, and whatever becomes of the context
		wait *= 2
	}
}

func ownTransportBefore(base http.RoundTripper) *http.Client {
	return &http.Client{Transport: retrying{base}}
}

func ownTransportAfter(base http.RoundTripper) *http.Client {
	return &http.Client{Transport: retry.New(base, retry.Policy{})}
}
