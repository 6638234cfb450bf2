//lint:file-ignore SA1019 http.Client still sets Request.Cancel, and so may anybody

package e2e_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/seed-e3550de8/retry"
)

// A wireOrder is one request of a scene, and all that is known of it.
type wireOrder struct {
	scene      *wireScene
	dice       dice
	n          int
	req        *http.Request
	before     http.Request // what req was before it was sent
	header     http.Header
	url        string
	size       int // of the page that the server has past its script
	kind       string
	payload    []byte
	total      string // what the trailer says, if there is one
	idempotent bool
	once       bool          // its body cannot be sent again
	slow       time.Duration // how long a Read of its body may take
	file       *os.File
	keeps      bool // the file stays the caller's
	deadline   time.Time
	cause      error
	cancel     context.CancelFunc
	timeout    time.Duration // of an http.Client
	policy     bool          // it is sent under wirePolicy
	reads      int           // how the caller reads the response

	mu       sync.Mutex
	sources  []*wireSource
	attempts []*wireAttempt
	heard    []wireWord
	told     retry.Decision

	resp     *http.Response
	err      error
	returned time.Time
	page     []byte // what the caller has read
	readErr  error
	stopped  bool // the caller did not read to the end
	finished time.Time
}

// wirePolicy is what some requests have in place of the policy of their Transports.
var wirePolicy = retry.Policy{MaxAttempts: 5, ReadAhead: -1}

func wireOrderOf(req *http.Request) *wireOrder { return req.Context().Value(orderKey{}).(*wireOrder) }

func newWireOrder(s *wireScene, d dice, n int) *wireOrder {
	o := &wireOrder{scene: s, dice: d, n: n, cause: errors.New("the caller's cause"), reads: d.IntN(6)}
	o.size = d.IntN(pick(d, 10, 1000, 20000))
	o.url = fmt.Sprintf("%s/%d?size=%d", s.server.URL, n, o.size)
	method := pick(d, "GET", "GET", "PUT", "PUT", "POST", "POST", "POST", "DELETE", "PATCH", "HEAD")
	o.req, _ = http.NewRequest(method, o.url, nil)
	o.withBody(method)
	o.idempotent = method != "POST" && method != "PATCH"
	if !o.idempotent && d.one(5) {
		o.req.Header["Idempotency-Key"], o.idempotent = pick(d, nil, []string{"k"}), true
	}
	o.req.Header.Set("Order", strconv.Itoa(n))
	if o.req.Body != nil && d.one(4) {
		o.req.Header.Set("Expect", "100-continue")
	}
	if d.one(8) {
		o.req.Header.Set("Accept-Encoding", "gzip")
	}
	o.req.Close = d.one(16) || s.stands() && (o.slow > 0 || len(o.payload) > 10000 || o.req.Header.Get("Expect") != "")
	o.req = o.req.WithContext(o.context())
	o.before, o.header = *o.req, o.req.Header.Clone()
	if steps := o.steps(); len(steps) > 0 {
		s.server.On(o.req.URL.Path, steps...)
	}
	return o
}

func (o *wireOrder) context() context.Context {
	d, s := o.dice, o.scene
	ctx := context.WithValue(s.Context(), orderKey{}, o)
	after := pick(d, 1, time.Millisecond, 30*time.Millisecond, 700*time.Millisecond, 5*time.Second,
		40*time.Second, 3*time.Minute, 10*time.Minute, 10*time.Minute, 10*time.Minute) + 13
	o.deadline, o.cancel = s.begin.Add(after), func() {}
	switch d.IntN(6) {
	case 0, 1:
		ctx, o.cancel = context.WithDeadlineCause(ctx, o.deadline, o.cause)
	case 2:
		cancel := make(chan struct{})
		o.req.Cancel = cancel
		time.AfterFunc(after, func() { close(cancel) })
	case 3:
		o.timeout = after
	default:
		var cancel context.CancelCauseFunc
		ctx, cancel = context.WithCancelCause(ctx)
		o.cancel = func() { cancel(nil) }
		if d.one(8) {
			o.deadline = s.begin
			cancel(o.cause)
		}
		time.AfterFunc(after, func() { cancel(o.cause) })
	}
	if o.policy = d.one(8); o.policy {
		ctx = retry.WithPolicy(ctx, wirePolicy)
	}
	if d.one(10) {
		o.idempotent = true
		ctx = retry.AsIdempotent(ctx)
	}
	return retry.WithDecision(ctx, &o.told)
}

// run sends the request, and reads what it brings.
func (o *wireOrder) run() {
	if o.timeout > 0 {
		client := o.scene.client
		client.Timeout = o.timeout
		o.resp, o.err = client.Do(o.req)
	} else {
		o.resp, o.err = o.scene.stack.RoundTrip(o.req)
	}
	o.returned = time.Now()
	if o.resp != nil {
		o.read()
	}
	o.finished = time.Now()
}

// read reads as much of the response as the caller wants, and closes it.
func (o *wireOrder) read() {
	body := o.resp.Body
	defer body.Close()
	if o.scene.http2() && len(o.payload) > wireWindow {
		// net/http does not see the end of the context while its upload waits for the stream's window, after the
		// header of an answer that came early. A Close ends the Read.
		defer time.AfterFunc(time.Until(o.deadline)+slackOfCalls/2, func() { body.Close() }).Stop()
	}
	if o.resp.StatusCode == http.StatusSwitchingProtocols {
		o.converse(body)
		return
	}
	var most int64 = 1 << 20
	switch o.reads {
	case 0:
		most = 0
	case 1:
		most = int64(len(o.payload)%1000) + 1
	case 2:
		time.Sleep(100 * time.Millisecond)
	}
	if p := o.pageOf(); p != nil && p.endless {
		most = min(most, 10000)
	}
	o.page, o.readErr = io.ReadAll(io.LimitReader(body, most))
	o.stopped = o.readErr == nil && int64(len(o.page)) == most
}

// converse speaks the protocol that was switched to. The connection is the caller's, who alone ends a Read of one that
// has gone silent.
func (o *wireOrder) converse(body io.ReadCloser) {
	defer time.AfterFunc(time.Until(o.deadline)+slackOfCalls/2, func() { body.Close() }).Stop()
	if w, ok := body.(io.Writer); ok {
		_, _ = io.WriteString(w, "ping")
		o.page = make([]byte, 4)
		_, o.readErr = io.ReadFull(body, o.page)
	}
}

func (o *wireOrder) pageOf() *wirePage { return o.scene.pages[o.resp.Header.Get("Page")] }

// A wireWord is what an OnAttempt was told.
type wireWord struct {
	retry.Attempt
	retry.Decision
	at   time.Time
	page *wirePage
}

// wireHears is the OnAttempt of every policy that has one.
func wireHears(a retry.Attempt, d retry.Decision) {
	o := wireOrderOf(a.Request)
	w := wireWord{Attempt: a, Decision: d, at: time.Now()}
	if a.Response != nil {
		w.page = o.scene.pages[a.Response.Header.Get("Page")]
	}
	w.Attempt.Request, w.Attempt.Response = nil, nil
	o.mu.Lock()
	defer o.mu.Unlock()
	o.heard = append(o.heard, w)
}

// A wireAttempt is what a base was given and what it made of that.
type wireAttempt struct {
	start, done time.Time
	late        bool // it was sent when its context was done
	same        bool // it was the caller's own request
	err         error
}

// A wireWitness is a base that notes what it is given, and hands it on.
type wireWitness struct{ *http.Transport }

func (w wireWitness) RoundTrip(req *http.Request) (*http.Response, error) {
	o := wireOrderOf(req)
	a := &wireAttempt{start: time.Now(), same: req == o.req}
	a.late = req.Context().Err() != nil || isClosed(req.Cancel)
	o.mu.Lock()
	o.attempts = append(o.attempts, a)
	o.mu.Unlock()
	resp, err := w.Transport.RoundTrip(req)
	o.mu.Lock()
	defer o.mu.Unlock()
	a.done, a.err = time.Now(), err
	return resp, err
}
