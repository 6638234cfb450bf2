package bench

import (
	"io"
	"net/http"
	"time"
)

var bare = Contender{
	Name: "bare",
	Note: "the base itself",
	Kind: Sender,
	New:  func(base http.RoundTripper, _ Setup) http.RoundTripper { return base },
}

var passThrough = Contender{
	Name: "pass-through",
	Note: "a struct that calls the base",
	Kind: Sender,
	New:  func(base http.RoundTripper, _ Setup) http.RoundTripper { return &forwarder{base} },
}

var handLoop = Contender{
	Name: "hand-written",
	Note: "a loop as one would write it by hand: GetBody, a bounded drain, a timer if there is a wait; no Retry-After, no jitter, no budget",
	New: func(base http.RoundTripper, s Setup) http.RoundTripper {
		return &loop{base: base, retries: s.Retries, wait: s.Wait}
	},
}

type forwarder struct{ base http.RoundTripper }

func (f *forwarder) RoundTrip(req *http.Request) (*http.Response, error) {
	return f.base.RoundTrip(req)
}

type loop struct {
	base    http.RoundTripper
	retries int
	wait    time.Duration
}

func (l *loop) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := l.base.RoundTrip(req)
	for n := 0; n < l.retries && (err != nil || transient(resp.StatusCode)); n++ {
		if req.Body != nil && req.Body != http.NoBody && req.GetBody == nil {
			return resp, err
		}
		if resp != nil && resp.Body != http.NoBody {
			io.CopyN(io.Discard, resp.Body, 256<<10)
			resp.Body.Close()
		}
		if err := sleep(req, l.wait); err != nil {
			return nil, err
		}
		again := new(http.Request)
		*again = *req
		if req.GetBody != nil {
			body, err := req.GetBody()
			if err != nil {
				return nil, err
			}
			again.Body = body
		}
		resp, err = l.base.RoundTrip(again)
	}
	return resp, err
}

func sleep(req *http.Request, d time.Duration) error {
	if d == 0 {
		return req.Context().Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-req.Context().Done():
		return req.Context().Err()
	}
}
