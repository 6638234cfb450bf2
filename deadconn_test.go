package retry_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-e3550de8/retry"
)

// doomed gives base eight idle connections: each is reset at the first byte of its next request.
func doomed(t *testing.T, base *http.Transport) {
	var conns atomic.Int32
	var gather sync.WaitGroup
	s := serveRaw(t, http1, func(c net.Conn) {
		dead, r := conns.Add(1) <= 8, bufio.NewReader(c)
		for n := 0; ; n++ {
			if _, err := r.Peek(1); err != nil {
				return
			}
			if n > 0 && dead {
				reset(c)
				return
			}
			req, _ := http.ReadRequest(r)
			_, _ = io.Copy(io.Discard, req.Body)
			if dead {
				gather.Done()
				gather.Wait() // so that each has a connection of its own
			}
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
		}
	})
	base.DialContext, base.MaxIdleConnsPerHost = s.base.DialContext, 8
	t.Cleanup(base.CloseIdleConnections)
	gather.Add(8)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			resp, err := base.RoundTrip(newRequest(t, "GET", "http://example.com/", ""))
			if assert.NoError(t, err) {
				assert.NoError(t, resp.Body.Close())
			}
		})
	}
	all.Wait()
	synctest.Wait()
	require.Len(t, s.open(), 8)
}

// wrappedBase hides the type of a base, but not its idle connections.
type wrappedBase struct{ *http.Transport }

func (w wrappedBase) RoundTrip(req *http.Request) (*http.Response, error) {
	return w.Transport.RoundTrip(req)
}

// net/http passes dead connections by itself for a GET, but not for other idempotent methods: an attempt each.
func TestAnIdempotentRequestSurvivesAPoolOfDeadConnections(t *testing.T) {
	for method, want := range map[string]int{
		"GET": 1, "PUT": 2, "DELETE": 2, "OPTIONS": 1, "QUERY": 2, "POST marked idempotent": 2, "POST": 1,
	} {
		for name, wrap := range map[string]func(*http.Transport) http.RoundTripper{
			"http.Transport":             func(tr *http.Transport) http.RoundTripper { return tr },
			"one that wraps a Transport": func(tr *http.Transport) http.RoundTripper { return wrappedBase{tr} },
		} {
			t.Run(method+" over "+name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					base, tr := retry.DefaultBase(), new(trail)
					doomed(t, base)
					req := newRequest(t, strings.Fields(method)[0], "http://example.com/", "payload")
					if strings.Contains(method, "marked") {
						req = req.WithContext(retry.AsIdempotent(t.Context()))
					}
					resp, err := retry.New(wrap(base), tr.eager(4)).RoundTrip(req)
					drop(resp)
					if method == "POST" {
						assert.Error(t, err)
					} else {
						assert.NoError(t, err)
					}
					if want > 1 && name != "http.Transport" {
						assert.Len(t, tr.steps, 3, "its idle connections are closed after the second failure")
					} else {
						assert.Len(t, tr.steps, want)
					}
				})
			})
		}
	}
}

// The key that marks a request for net/http is for the attempt after a failed one, at a request that is idempotent and
// that net/http does not know to be so. It must not make net/http resend what is not.
func TestARequestIsMarkedForTheSakeOfDeadConnections(t *testing.T) {
	const standard, older = "Idempotency-Key", "X-Idempotency-Key"
	both := func(req *http.Request) (*http.Response, error) {
		resp, _ := answer(503)(req)
		return resp, errPeerReset
	}
	for name, row := range map[string]struct {
		method string
		header http.Header
		first  reply
		want   http.Header // of the second attempt
	}{
		"PUT after a reset": {"PUT", http.Header{"A": {"1"}}, fail(errPeerReset),
			http.Header{"A": {"1"}, older: nil}},
		"PUT after a 503":            {"PUT", http.Header{"A": {"1"}}, answer(503), http.Header{"A": {"1"}}},
		"PUT after both":             {"PUT", http.Header{}, both, http.Header{}},
		"PUT with a key":             {"PUT", http.Header{standard: {"1"}}, fail(errPeerReset), http.Header{standard: {"1"}}},
		"PUT with the older key":     {"PUT", http.Header{older: {"1"}}, fail(errPeerReset), http.Header{older: {"1"}}},
		"POST, refused":              {"POST", http.Header{}, fail(errDialRefused), http.Header{}},
		"POST with a key":            {"POST", http.Header{standard: nil}, fail(errPeerReset), http.Header{standard: nil}},
		"GET":                        {"GET", http.Header{}, fail(errPeerReset), http.Header{}},
		"no method":                  {"", http.Header{}, fail(errPeerReset), http.Header{}},
		"HEAD":                       {"HEAD", http.Header{}, fail(errPeerReset), http.Header{}},
		"OPTIONS":                    {"OPTIONS", http.Header{}, fail(errPeerReset), http.Header{}},
		"TRACE":                      {"TRACE", http.Header{}, fail(errPeerReset), http.Header{}},
		"DELETE, after it timed out": {"DELETE", http.Header{}, fail(context.DeadlineExceeded), http.Header{older: nil}},
	} {
		s, base := play(row.first, answer(200)), &http.Transport{}
		base.RegisterProtocol("script", s)
		o := place(row.method, "")
		o.URL.Scheme, o.Header = "script", row.header
		before := row.header.Clone()
		mustEnd(t, retry.New(base, every(0)), o)
		assert.Equal(t, row.want, s.sent[1].req.Header, name)
		assert.Equal(t, before, o.Header, "%s: the caller's header is not touched", name)
	}
}

func TestARequestWithoutHeaderIsNotMarked(t *testing.T) {
	o := place("PUT", "")
	o.Header = nil // which net/http refuses each time
	p := every(0)
	p.Classify = func(retry.Attempt) retry.Class { return retry.Transient }
	_, err := retry.New(&http.Transport{}, p).RoundTrip(o.Request)
	assert.EqualError(t, err, "retry: attempts exhausted after 4: http: nil Request.Header")
}

// Another base's connections are closed after the second failure in a row.
func TestTheIdleConnectionsOfABaseOfAnotherTypeAreClosed(t *testing.T) {
	for name, row := range map[string]struct {
		method  string
		replies []reply
		want    []int // the numbers of attempts before which that happened
	}{
		"PUT":                    {"PUT", []reply{fail(errPeerReset)}, []int{3, 4}},
		"GET":                    {"GET", []reply{fail(errPeerReset)}, nil},
		"POST, refused":          {"POST", []reply{fail(errDialRefused)}, nil},
		"PUT, after a 503 or so": {"PUT", []reply{answer(503), fail(errPeerReset), answer(503)}, []int{3}},
	} {
		var closed []int
		s := play(row.replies...)
		base := closingIdle{s, func() { closed = append(closed, s.attempts()+1) }}
		resp, _ := retry.New(base, every(0)).RoundTrip(place(row.method, "").Request)
		drop(resp)
		assert.Equal(t, row.want, closed, name)
	}
}

func TestTheIdleConnectionsOfATransportStay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, http1, fine).warm(t)
		s.base.RegisterProtocol("script", play(fail(errPeerReset), fail(errPeerReset), answer(200)))
		o := place("PUT", "")
		o.URL.Scheme = "script"
		mustEnd(t, retry.New(s.base, every(0)), o)
		assert.Len(t, s.open(), 1)
	})
}
