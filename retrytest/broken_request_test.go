package retrytest_test

import (
	"bytes"
	"io"
	"net/http"
	"sync"
)

var brokenInRequest = []broken{
	{
		fault: "sends the consumed body again",
		change: changed(func(r *reference) {
			r.rewind = func(req *http.Request) (*http.Request, error) { return req, nil }
		}),
		caught: []string{
			"FileSentWhole",
			"BodyClosedOnce", "FreshBodyPerAttempt", "EarlyReplyUpload",
			"EarlyReplyUploadHTTP1", "EarlyReplyUploadHTTP2",
			"ReplayOnFreshConnection", "ReplayOverHTTP2", "ExpectContinue", "RedirectsWithBody", "ConcurrentUse",
			"BlockedUploadHTTP1", "BlockedUploadHTTP2",
		},
	},
	{
		fault: "rewinds the caller's body",
		change: around(func(r *reference, req *http.Request) (*http.Response, error) {
			seeker, ok := req.Body.(io.Seeker)
			if !ok {
				return r.RoundTrip(req)
			}
			defer req.Body.Close()
			copied := *req
			copied.Body = io.NopCloser(req.Body)
			copied.GetBody = func() (io.ReadCloser, error) {
				_, err := seeker.Seek(0, io.SeekStart)
				return io.NopCloser(req.Body), err
			}
			return r.RoundTrip(&copied)
		}),
		caught: []string{
			"FileSentWhole",
			"EarlyReplyUpload", "EarlyReplyUploadHTTP1", "EarlyReplyUploadHTTP2",
		},
	},
	{
		fault: "reads the whole body first, and rewinds that one reader",
		change: around(func(r *reference, req *http.Request) (*http.Response, error) {
			return r.RoundTrip(sharedReader(req))
		}),
		caught: []string{
			"BodyNotBuffered", "EarlyReplyUpload", "EarlyReplyUploadHTTP1", "EarlyReplyUploadHTTP2", "ExpectContinue",
			"BlockedUploadHTTP1", "BlockedUploadHTTP2",
		},
	},
	{
		fault: "reads the whole body first, and does not close it",
		change: around(func(r *reference, req *http.Request) (*http.Response, error) {
			if !hasBody(req) {
				return r.RoundTrip(req)
			}
			content, err := io.ReadAll(req.Body)
			if err != nil {
				return nil, err
			}
			copied := *req
			copied.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(content)), nil }
			copied.Body, _ = copied.GetBody()
			return r.RoundTrip(&copied)
		}),
		caught: []string{
			"FileSentWhole", "BodyClosed", "BodyNotBuffered", "ExpectContinue",
			"BlockedUploadHTTP1", "BlockedUploadHTTP2",
		},
	},
	{
		fault: "closes the body that the base has closed",
		change: around(func(r *reference, req *http.Request) (*http.Response, error) {
			if hasBody(req) {
				defer req.Body.Close()
			}
			return r.RoundTrip(req)
		}),
		caught: []string{"BodyClosedOnce"},
	},
	{
		fault: "retries a body without GetBody",
		change: changed(func(r *reference) {
			r.mayRepeat = func(req *http.Request, resp *http.Response, err error) bool {
				return err == nil && idempotent(req) && transient(resp.StatusCode) || mayRepeat(req, resp, err)
			}
			r.rewind = func(req *http.Request) (*http.Request, error) {
				if req.GetBody != nil {
					return rewind(req)
				}
				return req, nil
			}
		}),
		caught: []string{"BodyClosedOnce", "UnreplayableBodySentWhole"},
	},
	{
		fault: "writes to the caller's request",
		change: around(func(r *reference, req *http.Request) (*http.Response, error) {
			req.Header.Set("Retry-Attempt", "1")
			return r.RoundTrip(req)
		}),
		caught: []string{"RequestNotModified"},
	},
	{
		fault: "keeps the last request",
		change: func(r *reference) http.RoundTripper {
			var last sync.Map
			return forwarding{r, func(req *http.Request) (*http.Response, error) {
				last.Store("request", req)
				return r.RoundTrip(req)
			}}
		},
		caught: []string{"RequestNotKept"},
	},
	{
		fault: "sends clones",
		change: beneath(func(base http.RoundTripper, req *http.Request) (*http.Response, error) {
			return base.RoundTrip(req.Clone(req.Context()))
		}),
		caught: []string{"RequestTrailers"},
	},
	{
		fault: "holds one request's state in the wrapper",
		change: func(r *reference) http.RoundTripper {
			var mu sync.Mutex
			var current *http.Request
			r.rewind = func(*http.Request) (*http.Request, error) {
				mu.Lock()
				defer mu.Unlock()
				return rewind(current)
			}
			return forwarding{r, func(req *http.Request) (*http.Response, error) {
				req, done := files(req)
				defer done()
				mu.Lock()
				current = req
				mu.Unlock()
				return r.RoundTrip(req)
			}}
		},
		caught: []string{"RequestNotKept", "ConcurrentUse"},
	},
}

// sharedReader gives req a body in memory, and a GetBody that rewinds it.
func sharedReader(req *http.Request) *http.Request {
	if !hasBody(req) {
		return req
	}
	content, err := io.ReadAll(req.Body)
	req.Body.Close()
	if err != nil {
		return req
	}
	copied, shared := *req, &lockedReader{reader: bytes.NewReader(content)}
	copied.Body = shared
	copied.GetBody = func() (io.ReadCloser, error) { return shared, shared.rewind() }
	return &copied
}

// lockedReader keeps the race detector quiet, which would blame whatever other test runs at that moment.
type lockedReader struct {
	mu     sync.Mutex
	reader *bytes.Reader
}

func (l *lockedReader) Read(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.reader.Read(b)
}

func (l *lockedReader) rewind() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, err := l.reader.Seek(0, io.SeekStart)
	return err
}

func (*lockedReader) Close() error { return nil }
