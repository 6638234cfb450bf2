package bench

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

var awsAttempt = Contender{
	Name:   "aws-sdk-go-v2",
	Module: "github.com/aws/aws-sdk-go-v2",
	Note:   "the attempt middleware alone, without signing and parsing; its token bucket off",
	New: func(base http.RoundTripper, s Setup) http.RoundTripper {
		standard := retry.NewStandard(func(o *retry.StandardOptions) {
			o.MaxAttempts = 1 + s.Retries
			o.RateLimiter = ratelimit.None
			o.Backoff = retry.BackoffDelayerFunc(func(int, error) (time.Duration, error) { return s.Wait, nil })
		})
		attempts := retry.NewAttemptMiddleware(standard, smithyhttp.RequestCloner)
		send := awsSend(base)
		return roundTripper(func(req *http.Request) (*http.Response, error) {
			in, err := awsRequest(req)
			if err != nil {
				return nil, err
			}
			out, _, err := attempts.HandleFinalize(req.Context(), middleware.FinalizeInput{Request: in}, send)
			if err != nil && req.Context().Err() != nil {
				return nil, err
			}
			if resp, ok := out.Result.(*http.Response); ok && resp != nil {
				return resp, nil
			}
			return nil, err
		})
	},
}

func awsRequest(req *http.Request) (*smithyhttp.Request, error) {
	in := smithyhttp.NewStackRequest().(*smithyhttp.Request)
	in.Method, in.URL, in.Header, in.ContentLength = req.Method, req.URL, req.Header.Clone(), req.ContentLength
	if in.Header == nil {
		in.Header = http.Header{}
	}
	if req.Body == nil {
		return in, nil
	}
	return in.SetStream(req.Body)
}

// awsSend does what the handlers below the middleware do: it sends, and makes an error of a failing status, whose body
// it reads to the end and closes.
func awsSend(base http.RoundTripper) middleware.FinalizeHandler {
	return middleware.FinalizeHandlerFunc(func(ctx context.Context, in middleware.FinalizeInput) (middleware.FinalizeOutput, middleware.Metadata, error) {
		var out middleware.FinalizeOutput
		resp, err := base.RoundTrip(in.Request.(*smithyhttp.Request).Build(ctx))
		if err != nil {
			return out, middleware.Metadata{}, &smithyhttp.RequestSendError{Err: err}
		}
		out.Result = resp
		if transient(resp.StatusCode) {
			io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
			err = &smithyhttp.ResponseError{Response: &smithyhttp.Response{Response: resp}, Err: fmt.Errorf("status %d", resp.StatusCode)}
		}
		return out, middleware.Metadata{}, err
	})
}
