//lint:file-ignore SA1019 http.Client still sets Request.Cancel, and so may anybody

package e2e_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/seed-e3550de8/retry"
)

// A hostileOrder is one request of a scene, and all that is known of it.
type hostileOrder struct {
	scene      *hostileScene
	dice       dice
	req        *http.Request
	before     http.Request // what req was before it was sent
	header     http.Header
	idempotent bool
	memory     bool // its body cannot be where an error came from
	sameReader bool // GetBody has returned the same body twice
	once       bool // it has no GetBody
	lied       bool // a response had a Request that was not its own
	policy     *retry.Policy
	asked      bool // for its last Decision
	ends       bool // its context ends by itself
	deadline   time.Time
	cause      error
	cancel     context.CancelFunc

	mu       sync.Mutex
	sources  []*hostileSource
	attempts []*hostileAttempt
	heard    []hostileWord
	free     time.Time // when somebody else's code last returned
	told     retry.Decision
	runs     int

	resp     *http.Response
	err      error
	panicked any
	returned time.Time
}

type orderKey struct{}

func orderOf(req *http.Request) *hostileOrder { return req.Context().Value(orderKey{}).(*hostileOrder) }

// foreign notes that code of the scene's own returns.
func (o *hostileOrder) foreign() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.returned.IsZero() {
		o.free = time.Now()
	}
}

// count returns the most successes that there can have been.
func (o *hostileOrder) count() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.attempts)
}

func newHostileOrder(s *hostileScene, d dice, n int) *hostileOrder {
	o := &hostileOrder{scene: s, dice: d, cause: errors.New("the caller's cause"), cancel: func() {}}
	method := pick(d, "GET", "PUT", "POST", "POST", "DELETE", "", "PATCH", "HEAD")
	o.req, _ = http.NewRequest(method, hostileURL, nil)
	o.req.Header.Set("Secret", "secret-header")
	o.req.Header.Set("Order", strconv.Itoa(n))
	o.idempotent = method != "POST" && method != "PATCH"
	o.withBody()
	if d.one(6) {
		o.req.Header["Idempotency-Key"], o.idempotent = nil, true
	}
	o.req = o.req.WithContext(o.context())
	o.before, o.header = *o.req, o.req.Header.Clone()
	return o
}

func (o *hostileOrder) withBody() {
	switch o.dice.IntN(6) {
	case 0, 1:
		o.memory = true
	case 2:
		o.memory = true
		o.req.Body = io.NopCloser(strings.NewReader("payload"))
		o.req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader("payload")), nil }
		o.req.ContentLength = 7
	case 3:
		o.once = true
		o.req.Body = o.newSource()
	default:
		o.req.Body, o.req.GetBody = o.newSource(), o.getBody
		o.req.ContentLength = pick[int64](o.dice, -1, 3, 1<<40)
		if o.dice.one(4) {
			o.req.Trailer = http.Header{"Sum": nil}
		}
	}
}

// context ends at a nanosecond when nothing else happens.
func (o *hostileOrder) context() context.Context {
	d, s := o.dice, o.scene
	ctx := context.WithValue(s.Context(), orderKey{}, o)
	after := pick(d, 1, 1, 4*time.Millisecond, 700*time.Millisecond, 30*time.Second, 30*time.Hour) + 13
	o.ends, o.deadline = true, s.begin.Add(after)
	kind := d.IntN(6)
	if (s.timeout > 0 || s.inDo) && kind == 3 { // a Client makes a Cancel channel of its own, and Do has none
		kind = 0
	}
	switch kind {
	case 0, 1:
		o.ends, o.deadline = false, time.Time{}
	case 2:
		ctx, o.cancel = context.WithDeadlineCause(ctx, o.deadline, o.cause)
	case 3:
		cancel := make(chan struct{})
		o.req.Cancel = cancel
		o.cancel = func() {}
		time.AfterFunc(after, func() { close(cancel) })
	default:
		var cancel context.CancelCauseFunc
		ctx, cancel = context.WithCancelCause(ctx)
		o.cancel = func() { cancel(nil) }
		if d.one(6) {
			after = 0
			cancel(o.cause)
		}
		time.AfterFunc(after, func() { cancel(o.cause) })
	}
	if s.timeout > 0 && (!o.ends || s.timeout < after) {
		o.ends, o.deadline = true, s.begin.Add(s.timeout)
	}
	if d.one(5) {
		o.policy = &retry.Policy{MaxAttempts: pick(d, 0, 1, 5),
			Backoff: pick[retry.Backoff](d, nil, retry.Constant(time.Minute))}
		ctx = retry.WithPolicy(ctx, *o.policy)
	}
	if o.asked = d.one(2); o.asked {
		ctx = retry.WithDecision(ctx, &o.told)
	}
	if d.one(10) {
		o.idempotent = true
		ctx = retry.AsIdempotent(ctx)
	}
	return ctx
}

// run sends the request, and reads what it brings.
func (o *hostileOrder) run() {
	defer func() {
		o.panicked = recover()
		if o.returned.IsZero() {
			o.returned = time.Now()
		}
		if _, ours := o.panicked.(mischief); o.panicked != nil && !ours {
			panic(o.panicked)
		}
	}()
	if o.scene.inDo {
		o.resp, o.err = retry.Do(o.req.Context(), o.scene.around, o.operation)
	} else {
		o.resp, o.err = o.send(o.req)
	}
	o.returned = time.Now()
	o.checkUnread()
	leave(o.resp)
}

// leave closes the body of a response that somebody has got, in a goroutine of its own, since it may block.
func leave(resp *http.Response) {
	if resp == nil || resp.Body == nil {
		return
	}
	go func() {
		defer func() { _ = recover() }()
		_ = resp.Body.Close()
	}()
}

// operation is a run of Do, which gives up what it has got.
func (o *hostileOrder) operation(ctx context.Context) (*http.Response, error) {
	o.runs++
	req := o.req.WithContext(ctx)
	if o.runs > 1 && req.Body != nil {
		if req.GetBody == nil {
			return nil, errors.New("the body is gone")
		}
		o.mu.Lock()
		req.Body = o.newSource()
		o.mu.Unlock()
	}
	resp, err := o.send(req)
	if err == nil && retry.ClassifyStatus(resp.StatusCode) != retry.Final {
		leave(resp)
		return nil, errors.New("not now")
	}
	return resp, err
}

func (o *hostileOrder) send(req *http.Request) (*http.Response, error) {
	if o.scene.timeout == 0 {
		return o.scene.stack.RoundTrip(req)
	}
	resp, err := (&http.Client{Transport: o.scene.stack, Timeout: o.scene.timeout}).Do(req)
	return resp, err
}
