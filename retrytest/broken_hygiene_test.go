package retrytest_test

import (
	"context"
	"io"
	"net/http"
	"time"
)

var brokenInHygiene = []broken{
	{
		fault: "does not forward CloseIdleConnections",
		change: func(r *reference) http.RoundTripper {
			return struct{ http.RoundTripper }{r}
		},
		caught: []string{"CloseIdleConnectionsForwarded"},
	},
	{
		fault: "closes idle connections by itself",
		change: changed(func(r *reference) {
			r.discard = func(resp *http.Response, limit time.Duration) {
				discard(resp, limit)
				r.CloseIdleConnections()
			}
		}),
		caught: []string{"IdleConnectionsKept", "ConnectionReuse"},
	},
	{
		fault: "leaks the context of an attempt that failed",
		change: beneath(func(base http.RoundTripper, req *http.Request) (*http.Response, error) {
			var body releasing
			var ctx context.Context
			ctx, body.release = context.WithCancel(req.Context())
			resp, err := base.RoundTrip(req.WithContext(ctx))
			if err == nil {
				body.ReadCloser = resp.Body
				resp.Body = &body
			}
			return resp, err
		}),
		caught: []string{"BodyNotWrapped", "NothingLeft", "SwitchingProtocols"},
	},
	{
		fault: "leaves a goroutine behind",
		change: around(func(r *reference, req *http.Request) (*http.Response, error) {
			go func() { select {} }()
			return r.RoundTrip(req)
		}),
		caught: []string{"NothingLeft"},
	},
	{
		fault: "ends the context of an attempt with the attempt",
		change: beneath(func(base http.RoundTripper, req *http.Request) (*http.Response, error) {
			ctx, cancel := context.WithCancel(req.Context())
			defer cancel()
			return base.RoundTrip(req.WithContext(ctx))
		}),
		caught:  []string{"ResponseOutlivesCall", "ConnectionReuse"},
		perhaps: "ConnectionReuse", // since Go 1.27 net/http may have read the page before it hears of the context
	},
	{
		fault: "makes attempts under a context of its own",
		change: beneath(func(base http.RoundTripper, req *http.Request) (*http.Response, error) {
			resp, err := base.RoundTrip(req.WithContext(context.Background()))
			if resp != nil {
				resp.Request = req
			}
			return resp, err
		}),
		caught: []string{
			"NeverBoth", "BodyClosed", "BodyClosedOnce", "NothingLeft", // blocked
			"ClientTimeout", "Informational",
		},
	},
}

// contextOfItsOwn gives each attempt a context, which it releases with the error or with the body.
func contextOfItsOwn(base http.RoundTripper) func(*http.Request) (*http.Response, error) {
	return func(req *http.Request) (*http.Response, error) {
		ctx, release := context.WithCancel(req.Context())
		resp, err := base.RoundTrip(req.WithContext(ctx))
		if err != nil {
			release()
			return nil, err
		}
		if resp.StatusCode == http.StatusSwitchingProtocols {
			context.AfterFunc(req.Context(), release)
			return resp, nil
		}
		resp.Body = &releasing{resp.Body, release}
		return resp, nil
	}
}

// releasing is a body with the context of its attempt.
type releasing struct {
	io.ReadCloser
	release context.CancelFunc
}

func (r *releasing) Close() error {
	defer r.release()
	return r.ReadCloser.Close()
}
