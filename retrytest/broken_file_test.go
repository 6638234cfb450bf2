package retrytest_test

import (
	"io"
	"net/http"
	"os"
)

// files lets each attempt read a file by itself. The kit's base is done with it when it answers.
func files(req *http.Request) (*http.Request, func()) {
	return filesRead(req, func(f *os.File, offset int64) io.Reader {
		return io.NewSectionReader(f, offset, req.ContentLength)
	})
}

func filesRead(req *http.Request, by func(*os.File, int64) io.Reader) (*http.Request, func()) {
	f, ok := req.Body.(*os.File)
	if !ok {
		return req, func() {}
	}
	offset, err := f.Seek(0, io.SeekCurrent)
	if err != nil {
		return req, func() {}
	}
	next := *req
	next.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(by(f, offset)), nil }
	next.Body, _ = next.GetBody()
	return &next, func() { f.Close() }
}

var brokenWithFiles = []broken{
	{
		fault: "sends a file once",
		change: changed(func(r *reference) {
			r.files = func(req *http.Request) (*http.Request, func()) { return req, func() {} }
		}),
		caught: []string{"FileReplayed"},
	},
	{
		fault: "sends what is left of a file",
		change: changed(func(r *reference) {
			r.files = func(req *http.Request) (*http.Request, func()) {
				return filesRead(req, func(f *os.File, _ int64) io.Reader { return f })
			}
		}),
		caught: []string{"FileSentWhole"},
	},
	{
		fault: "leaves a file open",
		change: changed(func(r *reference) {
			r.files = func(req *http.Request) (*http.Request, func()) {
				next, _ := files(req)
				return next, func() {}
			}
		}),
		caught: []string{"FileSentWhole"},
	},
	{
		fault: "wraps the body of a response",
		change: beneath(func(base http.RoundTripper, req *http.Request) (*http.Response, error) {
			resp, err := base.RoundTrip(req)
			if err == nil && resp.StatusCode != http.StatusSwitchingProtocols {
				resp.Body = struct{ io.ReadCloser }{resp.Body}
			}
			return resp, err
		}),
		caught: []string{"BodyNotWrapped"},
	},
}
