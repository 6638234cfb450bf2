package retrytest

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed-e3550de8/retry/internal/memnet"
)

// These run the real http.Server and http.Transport, over pipes in memory.
var wireChecks = []check{
	{
		name:    "ReplayOnFreshConnection",
		promise: "a retry on a new connection sends the whole body.",
		why: "on a connection that was used before, http.Transport rewinds by itself what it could not write, " +
			"and hides a wrapper that does not. After Connection: close nothing hides it: \"ContentLength=8 with " +
			"Body length 0\".",
		run: replayOnFreshConnection,
	},
	{
		name:    "ReplayOverHTTP2",
		promise: "a retry over HTTP/2 sends the whole body.",
		why: "there http.Transport reads the body in a goroutine of its own, which may still run when the " +
			"response is there.",
		run: replayOverHTTP2,
	},
	{
		name:    "ConnectionReuse",
		promise: "the retry uses the connection that brought an error page of 64 KiB.",
		why: "over HTTP/1 a body that is closed before its end takes its connection along (http.Response). Since Go " +
			"1.27 net/http reads on for 50 ms, but not if the attempt's context is done. In an outage each retry " +
			"then costs the server a handshake more.",
		run: connectionReuse,
	},
	{
		name:    "SwitchingProtocols",
		promise: "the body of a 101 response can be written to.",
		why: "http.Response: \"As of Go 1.12, the Body will also implement io.Writer on a successful \\\"101 " +
			"Switching Protocols\\\" response\". A wrapper around it that can only read breaks WebSockets and " +
			"httputil.ReverseProxy.",
		run: switchingProtocols,
	},
}

// serve starts a server for handler, and returns a transport whose connections all lead to it, and the number of
// connections that were made.
func (p *probe) serve(handler http.HandlerFunc) (tr *http.Transport, conns *atomic.Int32) {
	p.Helper()
	conns = new(atomic.Int32)
	var protocols http.Protocols
	protocols.SetHTTP1(true)
	protocols.SetUnencryptedHTTP2(true)
	server := &http.Server{Handler: handler, Protocols: &protocols, ConnState: func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			conns.Add(1)
		}
	}}
	listener := memnet.Listen()
	go func() { _ = server.Serve(listener) }()
	tr = &http.Transport{DialContext: listener.DialContext, ExpectContinueTimeout: time.Hour}
	p.Cleanup(func() {
		tr.CloseIdleConnections()
		server.Close()
		// The http.Server may take half of it to close a connection, and must not outlive the bubble.
		time.Sleep(time.Second)
	})
	return tr, conns
}

// failOnce is a handler that answers the first request for each path with the failure status, and the others with h.
func (p *probe) failOnce(h, prepare http.HandlerFunc) http.HandlerFunc {
	var seen sync.Map
	return func(w http.ResponseWriter, r *http.Request) {
		if _, again := seen.LoadOrStore(r.URL.Path, true); again {
			h(w, r)
			return
		}
		if prepare != nil {
			prepare(w, r)
		}
		w.WriteHeader(p.claims.failureStatus())
	}
}

// closing ends the connection with the response, if it is one of HTTP/1.
func closing(w http.ResponseWriter, r *http.Request) {
	if r.ProtoMajor == 1 { // the others have no such field, and quic-go refuses it (RFC 9114 section 4.2)
		w.Header().Set("Connection", "close")
	}
}

// echoBody answers with what the request brought.
func echoBody(w http.ResponseWriter, r *http.Request) {
	text, err := io.ReadAll(r.Body)
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	fmt.Fprintf(w, "%s %s: %s", r.Method, r.URL.Path, text)
}

// bounded is a transport that ends an endless wrapper.
type bounded struct {
	http.RoundTripper
	sent atomic.Int32
}

func (b *bounded) RoundTrip(req *http.Request) (*http.Response, error) {
	if b.sent.Add(1) > runaway {
		panic(fmt.Sprintf("more than %d attempts of one request", runaway))
	}
	return b.RoundTripper.RoundTrip(req)
}

func (b *bounded) CloseIdleConnections() {
	if tr, ok := b.RoundTripper.(*http.Transport); ok {
		tr.CloseIdleConnections()
	}
}

// do sends req through a http.Client over the wrapper, and breaks the promise unless its answer is a 200.
func (p *probe) do(tr http.RoundTripper, req *http.Request) (*http.Response, string) {
	p.Helper()
	resp, err := (&http.Client{Transport: p.wrap(&bounded{RoundTripper: tr})}).Do(req)
	if err != nil {
		p.broken("After a failure status and then a 200 there was the error %q.", err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if resp.StatusCode != http.StatusOK || err != nil {
		p.broken("After a failure status and then a 200, the status was %d, and reading the body ended with the "+
			"error %v.", resp.StatusCode, err)
	}
	return resp, string(text)
}

func replayOnFreshConnection(p *probe) {
	tr, conns := p.serve(p.failOnce(echoBody, closing))
	req, _ := p.upload(http.MethodPut, "the body")
	if _, text := p.do(tr, req); text != "PUT /a/path: the body" {
		p.broken("The server got %q.", text)
	}
	if n := conns.Load(); n != 2 {
		p.broken("The server closed the first connection, and saw %d in all.", n)
	}
}

func replayOverHTTP2(p *probe) {
	tr, _ := p.serve(p.failOnce(echoBody, nil))
	tr.Protocols = new(http.Protocols)
	tr.Protocols.SetUnencryptedHTTP2(true)
	req, _ := p.upload(http.MethodPut, "the body")
	resp, text := p.do(tr, req)
	if text != "PUT /a/path: the body" || resp.ProtoMajor != 2 {
		p.broken("The server got %q over %s.", text, resp.Proto)
	}
}

func connectionReuse(p *probe) {
	page := strings.Repeat("sorry. ", 64<<10/7)
	var first atomic.Bool
	first.Store(true)
	tr, conns := p.serve(func(w http.ResponseWriter, r *http.Request) {
		if !first.CompareAndSwap(true, false) {
			return
		}
		w.Header().Set("Content-Length", strconv.Itoa(len(page)))
		w.WriteHeader(p.claims.failureStatus())
		_, _ = io.WriteString(w, page)
	})
	p.do(tr, p.request(http.MethodGet))
	if n := conns.Load(); n != 1 {
		p.broken("Two attempts, the first with an answer of %d bytes, used %d connections.", len(page), n)
	}
}

func switchingProtocols(p *probe) {
	tr, _ := p.serve(p.failOnce(func(w http.ResponseWriter, _ *http.Request) {
		conn, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer conn.Close()
		fmt.Fprint(rw, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
		_ = rw.Flush()
		line, _ := rw.ReadString('\n')
		fmt.Fprint(conn, strings.ToUpper(line))
	}, nil))
	req := p.request(http.MethodGet)
	req.Header.Set("Connection", "Upgrade")
	req.Header.Set("Upgrade", "echo")
	resp, err := p.roundTrip(p.wrap(&bounded{RoundTripper: tr}), req)
	if err != nil || resp.StatusCode != http.StatusSwitchingProtocols {
		p.broken("The upgrade, after one failure, ended with %v and the error %v.", resp, err)
	}
	defer resp.Body.Close()
	rw, ok := resp.Body.(io.ReadWriteCloser)
	if !ok {
		p.broken("The body is a %T, which is no io.ReadWriteCloser.", resp.Body)
	}
	_, err = fmt.Fprint(rw, "hello\n")
	line, readErr := bufio.NewReader(rw).ReadString('\n')
	if err != nil || readErr != nil || line != "HELLO\n" {
		p.broken("Writing to the body gave the error %v, and the answer was %q with the error %v.", err, line, readErr)
	}
}
