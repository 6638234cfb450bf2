package bench

import (
	"net/http"
	"time"

	resty2 "github.com/go-resty/resty/v2"
	resty3 "resty.dev/v3"
)

var restyV2 = Contender{
	Name:   "resty-v2",
	Module: "github.com/go-resty/resty/v2",
	Note:   "a client with verbs: the adapter builds its request, and closes the responses that it passes over",
	New: func(base http.RoundTripper, s Setup) http.RoundTripper {
		c := resty2.New().
			SetLogger(silent{}).
			SetTransport(base).
			SetRetryCount(s.Retries).
			SetRetryWaitTime(s.Wait).
			SetRetryMaxWaitTime(max(s.Wait, s.Cap)).
			SetTimeout(s.Timeout).
			SetDoNotParseResponse(true).
			AddRetryCondition(func(r *resty2.Response, err error) bool { return err != nil || transient(r.StatusCode()) })
		// SetDoNotParseResponse leaves every body to the caller, who sees the passed-over ones here alone.
		c.AddRetryHook(func(r *resty2.Response, err error) {
			if err == nil && r.Request.Attempt <= s.Retries {
				r.RawBody().Close()
			}
		})
		return roundTripper(func(req *http.Request) (*http.Response, error) {
			r := c.R().SetContext(req.Context())
			r.Header = req.Header
			if req.Body != nil {
				r.SetBody(req.Body)
			}
			resp, err := r.Execute(req.Method, req.URL.String())
			if err != nil {
				return nil, err
			}
			return resp.RawResponse, nil
		})
	},
}

var restyV3 = Contender{
	Name:   "resty-v3",
	Module: "resty.dev/v3",
	Note:   "a client with verbs: the adapter builds its request",
	New: func(base http.RoundTripper, s Setup) http.RoundTripper {
		c := resty3.New().
			SetLogger(silent{}).
			SetTransport(base).
			SetRetryCount(s.Retries).
			SetRetryWaitTime(s.Wait).
			SetRetryMaxWaitTime(max(s.Wait, s.Cap)).
			SetTimeout(s.Timeout).
			SetResponseDoNotParse(true)
		if s.doubles() {
			c.SetRetryDelayStrategy(func(r *resty3.Response, _ error) (time.Duration, error) {
				return s.before(r.Request.Attempt - 1), nil
			})
		}
		c.AddRetryConditions(func(r *resty3.Response, err error) bool {
			return err != nil || r != nil && transient(r.StatusCode())
		})
		return roundTripper(func(req *http.Request) (*http.Response, error) {
			r := c.R().SetContext(req.Context())
			r.Header = req.Header.Clone()
			if req.Body != nil {
				r.SetBody(req.Body)
			}
			resp, err := r.Execute(req.Method, req.URL.String())
			if err != nil {
				return nil, err
			}
			return resp.RawResponse, nil
		})
	},
}

// silent is a logger for both versions, whose default one prints every failure.
type silent struct{}

func (silent) Errorf(string, ...any) {}
func (silent) Warnf(string, ...any)  {}
func (silent) Debugf(string, ...any) {}
