package tail

import (
	"bytes"
	"context"
	"io"
	"math"
	"net"
	"net/http"
	"net/http/httptrace"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed-e3550de8/retry/bench"
)

// Setup is that of all libraries: waits of 100, 200, 400 and 800 ms, the third of which outlives a restart.
var Setup = bench.Setup{
	Retries: 4,
	Wait:    100 * time.Millisecond,
	Cap:     time.Second,
	Timeout: 500 * time.Millisecond,
	Safe:    true,
}

// patience is when a caller gives up.
const patience = 10 * time.Second

// A Result is what became of a row's requests.
type Result struct {
	Requests    int
	Well        int             // requests that ended with a 200 and its whole body
	Times       []time.Duration // of those, in ascending order
	Attempts    int             // those that net/http makes by itself included
	Connections int             // opened
	Corrupt     int             // bodies that arrived whole and wrong, of requests and answers
	Twice       int             // POSTs that were acted upon more than once
}

// Quantile returns the time within which the share q of all requests had ended well, and false if fewer ever did.
func (r Result) Quantile(q float64) (time.Duration, bool) {
	at := int(math.Ceil(q*float64(r.Requests))) - 1
	if at >= len(r.Times) {
		return 0, false
	}
	return r.Times[max(at, 0)], true
}

// A run is the client's side of a row.
type run struct {
	row       Row
	server    *server
	url       string
	transport *http.Transport
	sender    http.RoundTripper
	body      []byte
	page      []byte
	times     []time.Duration // for each request, 0 if it did not end well
	sent      atomic.Int64
	opened    atomic.Int64
	corrupt   atomic.Int64
}

// Run sends the requests of a row through a library.
func Run(c bench.Contender, row Row) (Result, error) {
	r := &run{row: row, body: content(row.Size), page: content(4 << 10), times: make([]time.Duration, row.Requests)}
	var err error
	if r.server, err = newServer(row, r.body, r.page); err != nil {
		return Result{}, err
	}
	r.url = "http://" + r.server.address
	r.transport = r.newTransport()
	defer r.transport.CloseIdleConnections()
	r.sender = c.New(r.transport, Setup)
	err = r.sendAll()
	r.server.http.Close()
	return r.result(), err
}

// content is what bodies are made of: no two pages of it are the same.
func content(size int) []byte {
	b := make([]byte, size)
	for i := range b {
		b[i] = byte(i ^ i>>8 ^ i>>16)
	}
	return b
}

func (r *run) newTransport() *http.Transport {
	dialer := new(net.Dialer)
	return &http.Transport{
		Protocols:           r.row.protocols(),
		MaxIdleConnsPerHost: 256,
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := dialer.DialContext(ctx, network, address)
			if err == nil {
				r.opened.Add(1)
			}
			return conn, err
		},
	}
}

// sendAll sends the requests at their rate, and waits for all of them.
func (r *run) sendAll() (err error) {
	var requests, restart sync.WaitGroup
	start := time.Now()
	for i := range r.row.Requests {
		if r.row.Restart && i == r.row.Requests/2 {
			restart.Go(func() { err = r.server.restart() })
		}
		time.Sleep(time.Until(start.Add(time.Duration(i) * time.Second / time.Duration(r.row.Rate))))
		requests.Go(func() { r.send(i) })
	}
	restart.Wait()
	requests.Wait()
	return err
}

func (r *run) send(i int) {
	// No deadline: one library has no timeout for its attempts if the request has a deadline. A wrapper that counts
	// would do so at a price: some ask whether their base is an http.Transport.
	ctx, cancel := context.WithCancel(httptrace.WithClientTrace(context.Background(), r.trace()))
	defer cancel()
	defer time.AfterFunc(patience, cancel).Stop()
	start := time.Now()
	resp, err := r.sender.RoundTrip(r.request(ctx, i))
	if err != nil {
		return
	}
	defer resp.Body.Close()
	same, err := isRead(resp.Body, r.page)
	switch {
	case err != nil || resp.StatusCode != http.StatusOK:
	case same:
		r.times[i] = time.Since(start)
	default:
		r.corrupt.Add(1)
	}
}

// trace counts attempts. Over HTTP/2 a connection that is open already is got in two steps, each of which is told of.
func (r *run) trace() *httptrace.ClientTrace {
	trace := &httptrace.ClientTrace{GetConn: func(string) { r.sent.Add(1) }}
	if r.row.HTTP2 {
		trace.GotConn = func(info httptrace.GotConnInfo) {
			if info.Reused {
				r.sent.Add(-1)
			}
		}
	}
	return trace
}

func (r *run) request(ctx context.Context, i int) *http.Request {
	var body io.Reader
	if len(r.body) > 0 {
		body = bytes.NewReader(r.body)
	}
	req, _ := http.NewRequestWithContext(ctx, r.row.Method, r.url, body)
	req.Header.Set(number, strconv.Itoa(i))
	if r.row.Method == http.MethodPut {
		req.Body, req.ContentLength = payload{bytes.NewReader(r.body)}, int64(len(r.body))
		req.GetBody = func() (io.ReadCloser, error) { return payload{bytes.NewReader(r.body)}, nil }
	}
	return req
}

// A payload is the body of an upload. It seeks, as a file does: resty needs that.
type payload struct{ *bytes.Reader }

func (payload) Close() error { return nil }

func (r *run) result() Result {
	res := Result{
		Requests:    r.row.Requests,
		Attempts:    int(r.sent.Load()),
		Connections: int(r.opened.Load()),
		Corrupt:     int(r.server.corrupt.Load()) + int(r.corrupt.Load()),
	}
	for _, d := range r.times {
		if d > 0 {
			res.Times = append(res.Times, d)
		}
	}
	slices.Sort(res.Times)
	res.Well = len(res.Times)
	for i := range r.server.executed {
		if r.row.Method == http.MethodPost && r.server.executed[i].Load() > 1 {
			res.Twice++
		}
	}
	return res
}
