package retrytest_test

import (
	"io"
	"net/http"
	"sync"
	"time"
)

var brokenInBounds = []broken{
	{
		fault: "waits for Close",
		change: discarding(func(resp *http.Response, limit time.Duration) {
			closed := make(chan struct{})
			resp.Body = closing{resp.Body, closed}
			discard(resp, limit)
			<-closed
		}),
		caught: []string{"BlockedCloseBounded", "BlockedUploadHTTP2"},
	},
	{
		fault: "reads on after it gave a response up",
		change: discarding(func(resp *http.Response, limit time.Duration) {
			discardBy(resp, limit, func(d *discarded) io.Reader { return d.ReadCloser })
		}),
		caught: []string{"DiscardGivenUp"},
	},
	{
		fault: "reads a response that returns nothing as often as it likes",
		change: discarding(func(resp *http.Response, limit time.Duration) {
			discardBy(resp, limit, func(d *discarded) io.Reader { return patient{d} })
		}),
		caught: []string{"DiscardGivenUp"},
	},
	{
		fault: "waits anew after it has read a response",
		change: changed(func(r *reference) {
			r.discard = func(resp *http.Response, limit time.Duration) {
				discard(resp, limit)
				_ = sleep(resp.Request.Context(), limit)
			}
		}),
		caught: []string{"DiscardWithinWait"},
	},
	{
		fault: "waits for GetBody",
		change: changed(func(r *reference) {
			r.rewind = func(req *http.Request) (*http.Request, error) {
				next := *req
				if !hasBody(req) {
					return &next, nil
				}
				body, err := req.GetBody()
				next.Body = body
				return &next, err
			}
		}),
		caught: []string{"BlockedGetBodyBounded"},
	},
	{
		fault: "leaves open what GetBody returns too late",
		change: around(func(r *reference, req *http.Request) (*http.Response, error) {
			if req.GetBody == nil {
				return r.RoundTrip(req)
			}
			copied := *req
			copied.GetBody = func() (io.ReadCloser, error) {
				body, err := req.GetBody()
				if err == nil && req.Context().Err() != nil {
					body = io.NopCloser(body)
				}
				return body, err
			}
			return r.RoundTrip(&copied)
		}),
		caught: []string{"BlockedGetBodyBounded"},
	},
	{
		fault: "waits until the body of the attempt before is closed",
		change: func(r *reference) http.RoundTripper {
			return forwarding{r, func(req *http.Request) (*http.Response, error) {
				if !hasBody(req) || req.GetBody == nil {
					return r.RoundTrip(req)
				}
				return r.RoundTrip(oneAtATime(req))
			}}
		},
		caught: []string{"BlockedUploadHTTP1"},
	},
}

// oneAtATime gives req a GetBody that waits until the body before is closed by whoever reads it.
func oneAtATime(req *http.Request) *http.Request {
	next, current := *req, &awaited{ReadCloser: req.Body, closed: make(chan struct{})}
	next.Body = current
	next.GetBody = func() (io.ReadCloser, error) {
		<-current.closed
		body, err := req.GetBody()
		current = &awaited{ReadCloser: body, closed: make(chan struct{})}
		return current, err
	}
	return &next
}

// awaited is a body that tells when it is closed.
type awaited struct {
	io.ReadCloser
	once   sync.Once
	closed chan struct{}
}

func (a *awaited) Close() error {
	defer a.once.Do(func() { close(a.closed) })
	return a.ReadCloser.Close()
}

// closing is a body that tells when its Close has returned.
type closing struct {
	io.ReadCloser
	closed chan struct{}
}

func (c closing) Close() error {
	defer close(c.closed)
	return c.ReadCloser.Close()
}

// patient reads a discarded body until somebody gives it up.
type patient struct{ *discarded }

func (p patient) Read(b []byte) (int, error) {
	p.empty = 0
	return p.discarded.Read(b)
}
