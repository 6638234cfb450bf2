package retry_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-e3550de8/retry"
	"github.com/seed-e3550de8/retry/httpfault"
)

// summed is a body whose reader sets a trailer again and again, as the comment on http.Request.Trailer allows.
type summed struct {
	io.Reader
	req *http.Request
	n   int
}

func (b *summed) Read(p []byte) (int, error) {
	b.n++
	b.req.Trailer.Set("X-Sum", fmt.Sprint(b.n))
	return b.Reader.Read(p)
}

func (b *summed) Close() error { return nil }

// withSums makes a PUT of size bytes that sets its trailer while it is read.
func withSums(t *testing.T, url string, size int) *http.Request {
	req, err := http.NewRequestWithContext(t.Context(), "PUT", url, nil)
	require.NoError(t, err)
	req.Trailer = http.Header{"X-Sum": nil}
	req.ContentLength = -1
	req.GetBody = func() (io.ReadCloser, error) {
		return &summed{Reader: strings.NewReader(strings.Repeat("x", size)), req: req}, nil
	}
	req.Body, _ = req.GetBody()
	return req
}

// A server that answers before it has read the body must not be able to end the process: two goroutines that set
// trailers in one map do. Run with the race detector, this finds them.
func TestAnEarlyAnswerSharesNoTrailersWithTheNextAttempt(t *testing.T) {
	for i := range 40 {
		li, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		acceptRaw(t, li, func() func(net.Conn) {
			first := make(chan struct{}, 1)
			first <- struct{}{}
			return func(c net.Conn) {
				r := bufio.NewReader(c)
				req, err := http.ReadRequest(r)
				if err != nil {
					return
				}
				select {
				case <-first:
					_, _ = io.WriteString(c, "HTTP/1.1 503 Early\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
				default:
					_, _ = io.Copy(io.Discard, req.Body)
					_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
				}
			}
		}())
		tr := &http.Transport{}
		p := retry.Policy{Backoff: retry.Constant(0), Budget: retry.Unlimited}
		req := withSums(t, "http://"+li.Addr().String(), 1<<20)
		if i%2 == 1 {
			req.Trailer = http.Header{} // HTTP/1 sends what is in it after the body, announced or not
		}
		resp, err := retry.New(tr, p).RoundTrip(req)
		if err == nil {
			drop(resp)
		}
		tr.CloseIdleConnections()
		if i == 0 && err == nil {
			assert.Contains(t, []int{200, 503}, resp.StatusCode)
		}
	}
}

// net/http fills the caller's Trailer map while it sends the body: a deep copy of the request would lose them.
func TestTrailersGoBothWaysThroughARetry(t *testing.T) {
	overBoth(t, func(t *testing.T, proto string) {
		srv := faulty(t, proto, httpfault.Status(503).Body("not now").Times(2), httpfault.OK("page").Trailer("Sum", "1"))
		resp, err := retry.New(srv.Transport(), new(trail).eager(4)).RoundTrip(withSums(t, srv.URL, 10))
		require.NoError(t, err)
		assert.Equal(t, "page", readAndClose(t, resp))
		assert.Equal(t, http.Header{"Sum": {"1"}}, resp.Trailer)
		require.Len(t, srv.Requests(), 3)
		for _, r := range srv.Requests() {
			assert.NotEmpty(t, r.Trailer.Get("X-Sum"))
			assert.EqualValues(t, 10, r.BodyLength)
		}
	})
}

// While an attempt still reads, its body may set a trailer: the next attempt would set the same ones.
func TestARequestWithTrailersIsNotSentAgainWhileItsBodyIsRead(t *testing.T) {
	const wait = time.Second
	for name, row := range map[string]struct {
		read   time.Duration // how long the Read of the first attempt takes
		result error         // of it
		closed bool          // before that
		again  bool
	}{
		"ends the body in time":        {wait - 1, io.EOF, false, true},
		"ends the body too late":       {wait + 1, io.EOF, false, false},
		"returns in time, closed":      {wait - 1, nil, true, true},
		"is not ended by the Close":    {wait + 1, nil, true, false},
		"returns in time, never ended": {wait - 1, nil, false, false},
		"has ended long ago":           {0, io.EOF, false, true},
		"is never called, closed":      {-1, nil, true, true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { checkTrailers(t, wait, row.read, row.result, row.closed, row.again) })
		})
	}
}

func TestTheWaitForTheReadEndsWithTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		end := time.Second - retry.Grace/2 // the wait for a Read is the last of the wait for the retry
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(end, cancel)
		req, begin, free := withSums(t, "http://api.example.com/", 10).WithContext(ctx), time.Now(), make(chan struct{})
		req.Body = io.NopCloser(readerFunc(func([]byte) (int, error) { <-free; return 0, io.EOF }))
		b := roundTripperFunc(func(req *http.Request) (*http.Response, error) {
			go func() { _, _ = req.Body.Read(make([]byte, 9)) }()
			synctest.Wait()
			return &http.Response{StatusCode: 503, Body: http.NoBody, Request: req}, nil
		})
		_, err := retry.New(b, every(time.Second)).RoundTrip(req)
		assert.ErrorIs(t, err, context.Canceled)
		assert.Equal(t, end, time.Since(begin))
		close(free)
	})
}

func checkTrailers(t *testing.T, wait, read time.Duration, result error, closed, again bool) {
	req, begin := withSums(t, "http://api.example.com/", 10), time.Now()
	req.Body = io.NopCloser(readerFunc(func([]byte) (int, error) { time.Sleep(read); return 0, result }))
	var sent []time.Duration
	b := roundTripperFunc(func(req *http.Request) (*http.Response, error) {
		sent = append(sent, time.Since(begin))
		if read >= 0 {
			go func() { _, _ = req.Body.Read(make([]byte, 9)) }()
			synctest.Wait()
		}
		if closed {
			req.Body.Close()
		}
		return &http.Response{StatusCode: []int{503, 200}[len(sent)-1], Body: http.NoBody, Request: req}, nil
	})
	var d retry.Decision
	resp, err := retry.New(b, every(wait)).RoundTrip(req.WithContext(retry.WithDecision(t.Context(), &d)))
	require.NoError(t, err)
	if again {
		assert.Equal(t, []time.Duration{0, wait}, sent)
	} else {
		assert.Len(t, sent, 1)
		assert.Equal(t, 503, resp.StatusCode, "the response in hand")
		assert.ErrorIs(t, d.Reason, retry.ErrNotReplayable)
		assert.EqualError(t, d.Reason, "request body not replayable: "+
			"an earlier attempt still reads it, and may set a trailer")
	}
	time.Sleep(time.Hour) // the Reads end
}

// A Read that ReadAhead has left behind sets no trailer in what the caller already has.
func TestTrailersThatComeAfterTheAttemptTimeoutAreTheReaders(t *testing.T) {
	overBoth(t, func(t *testing.T, proto string) {
		s := serve(t, proto, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Trailer", "Sum")
			_, _ = io.WriteString(w, "page")
			_ = http.NewResponseController(w).Flush()
			time.Sleep(2 * time.Second)
			w.Header().Set("Sum", "1")
		})
		p := retry.Policy{AttemptTimeout: time.Second, ReadAhead: 100}
		resp, err := retry.New(s.base, p).RoundTrip(newRequest(t, "POST", "http://example.com/", ""))
		require.NoError(t, err)
		time.Sleep(time.Minute)
		assert.Equal(t, http.Header{"Sum": nil}, resp.Trailer, "as announced")
		assert.Equal(t, "page", readAndClose(t, resp))
		assert.Equal(t, http.Header{"Sum": {"1"}}, resp.Trailer)
	})
}

// net/http sends some requests again by itself, with a body that it gets from GetBody.
func TestTrailersAreSentAlsoWhereNetHTTPSendsARequestAgain(t *testing.T) {
	for name, first := range map[string]httpfault.Step{
		"a stream that is refused": httpfault.RSTStream(httpfault.RefusedStream).Early(),
		"a connection that goes":   httpfault.GoAway(0, httpfault.NoError).Early(),
	} {
		synctest.Test(t, func(t *testing.T) {
			warm := httpfault.OK("warm")
			s := httpfault.Config{Protocol: httpfault.H2C, Pipe: true}.NewServer(t, warm, first, httpfault.OK("page"))
			tr, p := s.Transport(), retry.Policy{MaxAttempts: 1}
			resp, err := retry.New(tr, p).RoundTrip(newRequest(t, "GET", s.URL, ""))
			require.NoError(t, err, name)
			assert.Equal(t, "warm", readAndClose(t, resp), name)
			synctest.Wait()
			req := withSums(t, s.URL, 200<<10) // of which the first sending does not come to the end
			resp, err = retry.New(tr, p).RoundTrip(req)
			require.NoError(t, err, name)
			assert.Equal(t, "page", readAndClose(t, resp), name)
			require.Len(t, s.Requests(), 3, name)
			assert.NotEmpty(t, s.Requests()[2].Trailer.Get("X-Sum"), name)
		})
	}
}
