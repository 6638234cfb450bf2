package retrytest_test

import (
	"net/http"
)

var brokenInReplay = []broken{
	{
		fault: "retries only GET",
		change: repeating(func(req *http.Request, resp *http.Response, err error) bool {
			return req.Method == "GET" && mayRepeat(req, resp, err)
		}),
		caught: []string{
			"FileReplayed",
			"IdempotentReplayed", "FreshBodyPerAttempt", "EarlyReplyUpload", "PostWithKeyReplayed",
			"UnprocessedReplayed",
			"ConcurrentUse", "ReplayOnFreshConnection", "ReplayOverHTTP2", "Head", "RequestTrailers", "ExpectContinue",
			"RedirectsWithBody",
			"BlockedUploadHTTP1", "BlockedUploadHTTP2",
		},
	},
	{
		fault: "retries POST",
		change: repeating(func(req *http.Request, resp *http.Response, err error) bool {
			other := *req
			other.Method = "PUT"
			return mayRepeat(&other, resp, err)
		}),
		caught: []string{"PostNotSentTwice"},
	},
	{
		fault: "does not look at the key",
		change: repeating(func(req *http.Request, resp *http.Response, err error) bool {
			return (idempotentMethod(req) || err != nil) && mayRepeat(req, resp, err)
		}),
		caught: []string{"PostWithKeyReplayed"},
	},
	{
		fault: "retries no POST at all",
		change: repeating(func(req *http.Request, resp *http.Response, err error) bool {
			return idempotent(req) && mayRepeat(req, resp, err)
		}),
		caught: []string{"UnprocessedReplayed"},
	},
	{
		fault: "retries only 503",
		change: repeating(func(req *http.Request, resp *http.Response, err error) bool {
			return (err != nil || resp.StatusCode == 503) && mayRepeat(req, resp, err)
		}),
		caught: []string{"TransientStatusRetried"},
	},
	{
		fault: "retries whatever has a Retry-After",
		change: repeating(func(req *http.Request, resp *http.Response, err error) bool {
			return err == nil && !hasBody(req) && resp.Header["Retry-After"] != nil || mayRepeat(req, resp, err)
		}),
		caught: []string{"FinalStatusNotRetried"},
	},
	{
		fault: "retries no errors",
		change: repeating(func(req *http.Request, resp *http.Response, err error) bool {
			return err == nil && mayRepeat(req, resp, err)
		}),
		caught: []string{
			"AttemptsBounded", "TransientErrorRetried", "UnprocessedReplayed", "FreshBodyPerAttempt",
			"CancelKeepsLastError",
		},
	},
	{
		fault: "retries certificate errors",
		change: repeating(func(req *http.Request, resp *http.Response, err error) bool {
			return certificate(err) || mayRepeat(req, resp, err)
		}),
		caught: []string{"CertificateErrorFinal"},
	},
	{
		fault:  "makes 101 attempts",
		change: changed(func(r *reference) { r.attempts = 101 }),
		caught: []string{"AttemptsBounded"},
	},
}
