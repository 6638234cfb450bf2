package bench

import (
	"context"
	"net/http"
	"time"

	"github.com/imroc/req/v3"
)

var imrocReq = Contender{
	Name:   "imroc-req",
	Module: "github.com/imroc/req/v3",
	Note:   "a client with verbs: the adapter builds its request, and closes the responses that it passes over",
	New: func(base http.RoundTripper, s Setup) http.RoundTripper {
		c := ReqClient(base).
			SetTimeout(s.Timeout).
			SetCommonRetryCount(s.Retries).
			SetCommonRetryInterval(func(_ *req.Response, attempt int) time.Duration { return s.before(attempt - 1) }).
			SetCommonRetryCondition(func(r *req.Response, err error) bool { return err != nil || transient(r.StatusCode) })
		return ReqTransport(c)
	},
}

// ReqClient returns a client of imroc/req that leaves bodies and redirects to the caller, as a RoundTripper has to. By
// default it reads all of a body into memory; without that it leaves the responses open that it passes over.
func ReqClient(base http.RoundTripper) *req.Client {
	c := req.C().
		DisableAutoReadResponse().
		SetRedirectPolicy(req.NoRedirectPolicy()).
		SetTimeout(0).
		SetLogger(nil).
		SetCommonRetryHook(func(r *req.Response, err error) {
			if err == nil {
				r.Body.Close()
			}
		})
	c.Transport.WrapRoundTripFunc(func(http.RoundTripper) req.HttpRoundTripFunc {
		return func(attempt *http.Request) (*http.Response, error) {
			if n, ok := attempt.Context().Value(bodyLength{}).(int64); ok {
				attempt.ContentLength = n
			}
			return base.RoundTrip(attempt)
		}
	})
	return c
}

// bodyLength is the context key of the Content-Length, which cannot be given to a request of imroc/req whose body is
// not in memory.
type bodyLength struct{}

// ReqTransport sends requests through c. Those whose body exists once are sent once: the library has an error for them
// otherwise.
func ReqTransport(c *req.Client) http.RoundTripper {
	return roundTripper(func(of *http.Request) (*http.Response, error) {
		r := c.R().SetContext(of.Context())
		r.Headers = of.Header.Clone()
		if of.Body != nil && of.Body != http.NoBody {
			r.SetContext(context.WithValue(of.Context(), bodyLength{}, of.ContentLength))
			if of.GetBody == nil {
				r.SetBody(of.Body).SetRetryCount(0)
			} else {
				of.Body.Close()
				r.SetBody(of.GetBody)
			}
		}
		resp, err := r.Send(of.Method, of.URL.String())
		if err != nil {
			return nil, err
		}
		return resp.Response, nil
	})
}
