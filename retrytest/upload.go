package retrytest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

const earlyReplyWhy = "http.RoundTripper: callers wanting to reuse the body must wait for its Close. The " +
	"transport is still sending the first body when the retry begins; if both attempts read the same bytes, the " +
	"server stores a mixture and says 200 (golang/go#51907)."

var uploadChecks = []check{
	{
		name:    "EarlyReplyUploadHTTP1",
		promise: "an upload of 8 MiB arrives intact when the server answers its first attempt before reading it.",
		why:     earlyReplyWhy,
		live:    true,
		run: func(p *probe) {
			var protocols http.Protocols
			protocols.SetHTTP1(true)
			earlyReplies(p, protocols)
		},
	},
	{
		name: "EarlyReplyUploadHTTP2",
		promise: "an upload of 8 MiB over HTTP/2 arrives intact when the server answers its first attempt before " +
			"reading it.",
		why:  earlyReplyWhy,
		live: true,
		run: func(p *probe) {
			var protocols http.Protocols
			protocols.SetUnencryptedHTTP2(true)
			earlyReplies(p, protocols)
		},
	},
}

const (
	// uploadSize is larger than what sockets and servers hold back, so that much of it is unsent when the answer comes.
	uploadSize = 8 << 20

	// heldAt is where one Read of the first attempt is held until the second attempt has begun.
	heldAt = 64 << 10

	// heldFor is the longest that anybody waits for another: a wrapper may well wait for that Read to end.
	heldFor = 2 * time.Second
)

// earlyReplies needs the buffers of real sockets: over a pipe in memory nothing is on its way.
func earlyReplies(p *probe, protocols http.Protocols) {
	uploads := p.refuse()
	server := httptest.NewUnstartedServer(uploads)
	server.Config.Protocols = &protocols
	server.Start()
	defer server.Close()
	tr := &http.Transport{Protocols: &protocols, DialContext: dialSmall}
	defer tr.CloseIdleConnections()
	uploads.arriveOver(p, tr, server.URL)
}

func (p *probe) refuse() *refuser { return &refuser{code: p.claims.failureStatus(), hold: newHold()} }

// arriveOver makes an upload through tr to where r is, and breaks the promise unless it arrives intact.
func (r *refuser) arriveOver(p *probe, tr http.RoundTripper, url string) {
	wrap := p.wrap
	if p.claims.Hasty != nil {
		wrap = p.claims.Hasty
	}
	data := make([]byte, uploadSize)
	_, _ = rand.NewChaCha8([32]byte{}).Read(data)
	defer r.hold.release()
	ctx, cancel := context.WithTimeout(p.Context(), time.Minute)
	defer cancel()
	resp, err := p.roundTrip(wrap(&holding{hold: r.hold, base: tr}), p.put(ctx, url, data))
	if err == nil {
		resp.Body.Close()
	}
	arrived, want := r.arrivals(), arrival(uploadSize, sha256.Sum256(data), nil)
	for i, got := range arrived {
		if got != want {
			p.broken("What arrived of attempt %d was %s, and not %s.", i+2, got, want)
		}
	}
	if len(arrived) != 1 || err != nil || resp.StatusCode != http.StatusOK {
		p.broken("After an early answer %d uploads arrived, and the call ended with the response %v and the error %v.",
			len(arrived), resp, err)
	}
}

// put is an upload of data, with a body that can be rewound.
func (p *probe) put(ctx context.Context, url string, data []byte) *http.Request {
	p.Helper()
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, url, nil)
	if err != nil {
		p.Fatal(err)
	}
	req.ContentLength = int64(len(data))
	req.GetBody = func() (io.ReadCloser, error) { return &uploadBody{reader: bytes.NewReader(data)}, nil }
	req.Body, _ = req.GetBody()
	return req
}

// dialSmall makes connections that hold little back: grown to its limit, a socket could hold the whole upload.
func dialSmall(ctx context.Context, network, addr string) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, network, addr)
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetWriteBuffer(64 << 10)
	}
	return conn, err
}

// refuser answers the first upload before it reads it, and the others when they have arrived. In the midst of that it
// lets the Read of the first one go on.
type refuser struct {
	code int
	hold *hold

	mu      sync.Mutex
	refused bool
	arrived []string
}

func (r *refuser) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	if r.refuse() {
		await(r.hold.begun)
		w.Header().Set("Retry-After", "0")
		w.WriteHeader(r.code)
		return
	}
	sum := sha256.New()
	first, err := io.CopyN(sum, req.Body, heldAt)
	r.hold.release()
	await(r.hold.ended)
	rest, restErr := io.Copy(sum, req.Body)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.arrived = append(r.arrived, arrival(first+rest, [sha256.Size]byte(sum.Sum(nil)), errors.Join(err, restErr)))
}

func (r *refuser) refuse() (first bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	first, r.refused = !r.refused, true
	return first
}

// arrivals describes the uploads that were not refused.
func (r *refuser) arrivals() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.arrived)
}

// A hold stops one Read of the transport before its time.
type hold struct {
	begun, ended chan struct{} // closed when the Read is held, and when it has returned
	released     chan struct{}
	release      func()
}

func newHold() *hold {
	h := &hold{begun: make(chan struct{}), ended: make(chan struct{}), released: make(chan struct{})}
	h.release = sync.OnceFunc(func() { close(h.released) })
	return h
}

func await(c <-chan struct{}) {
	timer := time.NewTimer(heldFor)
	defer timer.Stop()
	select {
	case <-c:
	case <-timer.C:
	}
}

func arrival(size int64, sum [sha256.Size]byte, err error) string {
	return fmt.Sprintf("%d bytes (checksum %x, error %v)", size, sum[:4], err)
}

// holding is a transport which holds one Read of the first attempt's body.
type holding struct {
	base http.RoundTripper
	hold *hold
	sent atomic.Int32
}

func (t *holding) RoundTrip(req *http.Request) (*http.Response, error) {
	n := t.sent.Add(1)
	if n > runaway {
		panic(fmt.Sprintf("more than %d attempts of one request", runaway))
	}
	if n > 1 || req.Body == nil {
		return t.base.RoundTrip(req)
	}
	held := *req
	held.Body = &heldBody{ReadCloser: req.Body, hold: t.hold}
	return t.base.RoundTrip(&held)
}

type heldBody struct {
	io.ReadCloser
	hold *hold
	read int
}

func (b *heldBody) Read(p []byte) (n int, err error) {
	if b.read >= heldAt && b.hold != nil {
		defer close(b.hold.ended)
		close(b.hold.begun)
		await(b.hold.released)
		b.hold = nil
	}
	n, err = b.ReadCloser.Read(p)
	b.read += n
	return n, err
}

// uploadBody can be rewound, and its Close does nothing: that is a temptation to send it again.
type uploadBody struct {
	mu     sync.Mutex
	reader *bytes.Reader
}

func (u *uploadBody) Read(b []byte) (int, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.reader.Read(b)
}

func (u *uploadBody) Seek(offset int64, whence int) (int64, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.reader.Seek(offset, whence)
}

func (*uploadBody) Close() error { return nil }
