package retrytest_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

var brokenInResponse = []broken{
	{
		fault: "drains without a bound in time",
		change: discarding(func(resp *http.Response, _ time.Duration) {
			defer resp.Body.Close()
			_, _ = io.CopyN(io.Discard, resp.Body, maxDrain)
		}),
		caught: []string{
			"DiscardBoundedInTime", "BlockedCloseBounded", "BlockedUploadHTTP2", "DiscardGivenUp", "DiscardWithinWait",
		},
	},
	{
		fault: "drains without a bound in bytes",
		change: discarding(func(resp *http.Response, limit time.Duration) {
			defer time.AfterFunc(limit, func() { resp.Body.Close() }).Stop()
			defer resp.Body.Close()
			_, _ = io.Copy(io.Discard, resp.Body)
		}),
		caught: []string{"DiscardBoundedInBytes", "BlockedCloseBounded", "BlockedUploadHTTP2", "DiscardGivenUp"},
	},
	{
		fault:  "never closes a discarded response",
		change: discarding(func(*http.Response, time.Duration) {}),
		caught: []string{"DiscardedResponsesClosed", "DiscardedBeforeWait", "ConnectionReuse"},
	},
	{
		fault:  "closes a discarded response without reading it",
		change: discarding(closeUnread),
		caught: caughtIfItOnlyCloses,
	},
	{
		fault: "ends the context of an attempt before it closes the response",
		change: changed(func(r *reference) {
			r.base = forwarding{r.base, contextOfItsOwn(r.base)}
			r.discard = func(resp *http.Response, limit time.Duration) {
				if own, ok := resp.Body.(*releasing); ok {
					own.release()
					time.Sleep(time.Millisecond) // net/http may be quicker
				}
				closeUnread(resp, limit)
			}
		}),
		caught: []string{"BodyNotWrapped", "ConnectionReuse"},
	},
	{
		fault: "returns a response and an error together",
		change: givingUp(func(resp *http.Response, err error) (*http.Response, error) {
			return resp, errors.Join(err, errors.New("giving up"))
		}),
		caught: []string{"NeverBoth", "LastResponseUnread", "TimeoutStaysTimeout"},
	},
	{
		fault: "returns an error instead of the last response",
		change: changed(func(r *reference) {
			r.giveUp = func(resp *http.Response, err error) (*http.Response, error) {
				if resp == nil {
					return nil, err
				}
				go resp.Body.Close()
				return nil, fmt.Errorf("giving up after %d attempts", r.attempts)
			}
		}),
		caught: []string{"LastResponseUnread"},
	},
	{
		fault: "returns an opaque error",
		change: changed(func(r *reference) {
			r.giveUp = func(resp *http.Response, err error) (*http.Response, error) {
				if resp != nil {
					return resp, nil
				}
				return nil, fmt.Errorf("giving up after %d attempts: %v", r.attempts, err)
			}
		}),
		caught: []string{"LastErrorMatches", "TimeoutStaysTimeout"},
	},
	{
		fault: "wraps the last error in one without Timeout",
		change: changed(func(r *reference) {
			r.giveUp = func(resp *http.Response, err error) (*http.Response, error) {
				if resp != nil {
					return resp, nil
				}
				return nil, fmt.Errorf("giving up after %d attempts: %w", r.attempts, err)
			}
		}),
		caught: []string{"TimeoutStaysTimeout"},
	},
	{
		fault: "wraps every error in one without Timeout",
		change: around(func(r *reference, req *http.Request) (*http.Response, error) {
			resp, err := r.RoundTrip(req)
			if err != nil {
				err = fmt.Errorf("giving up: %w", err)
			}
			return resp, err
		}),
		caught: []string{"TimeoutStaysTimeout", "ClientTimeout"},
	},
	{
		fault: "reads the response into memory",
		change: around(func(r *reference, req *http.Request) (*http.Response, error) {
			resp, err := r.RoundTrip(req)
			if err != nil || resp.StatusCode == http.StatusSwitchingProtocols {
				return resp, err
			}
			defer resp.Body.Close()
			content, err := io.ReadAll(resp.Body)
			if err != nil {
				return nil, err
			}
			resp.Body, resp.ContentLength = io.NopCloser(bytes.NewReader(content)), int64(len(content))
			return resp, nil
		}),
		caught: []string{"BodyNotWrapped", "LastResponseUnread", "Head", "BlockedCloseBounded", "DiscardGivenUp"},
	},
	{
		fault: "returns a copy of the response",
		change: around(func(r *reference, req *http.Request) (*http.Response, error) {
			resp, err := r.RoundTrip(req)
			if err != nil {
				return nil, err
			}
			copied := *resp
			return &copied, nil
		}),
		caught: []string{"ResponseTrailers"},
	},
	{
		fault: "wraps the body of a 101",
		change: around(func(r *reference, req *http.Request) (*http.Response, error) {
			resp, err := r.RoundTrip(req)
			if err == nil {
				resp.Body = struct{ io.ReadCloser }{resp.Body}
			}
			return resp, err
		}),
		caught: []string{"BodyNotWrapped", "SwitchingProtocols"},
	},
}

func closeUnread(resp *http.Response, limit time.Duration) {
	discardBy(resp, limit, func(*discarded) io.Reader { return http.NoBody })
}
