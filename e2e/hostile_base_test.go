//lint:file-ignore SA1019 http.Client still sets Request.Cancel, and so may anybody

package e2e_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/seed-e3550de8/retry"
)

// A hostileAttempt is what a base was given and what it made of that.
type hostileAttempt struct {
	req    *http.Request
	number int
	start  time.Time
	done   time.Time
	late   bool // it was sent when its context was done
	acted  bool // the server may have acted on it
	wish   time.Duration
	page   *hostilePage
	resp   *http.Response
	err    error
}

// hostileBase is the base of all Transports of a scene.
type hostileBase struct{ scene *hostileScene }

func (b hostileBase) RoundTrip(req *http.Request) (*http.Response, error) {
	o := orderOf(req)
	a := &hostileAttempt{req: req, number: retry.AttemptNumber(req.Context()), start: time.Now(), acted: true}
	a.late = req.Context().Err() != nil || isClosed(req.Cancel)
	o.mu.Lock()
	o.attempts = append(o.attempts, a)
	before := o.attempts[:len(o.attempts)-1]
	o.mu.Unlock()
	defer func() {
		a.done = time.Now()
		o.foreign()
	}()
	o.read(req)
	if err := o.linger(req); err != nil {
		a.err = err
		return nil, err
	}
	o.answer(a, before)
	return a.resp, a.err
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// read does with the request's body what bases do, and what they should not.
func (o *hostileOrder) read(req *http.Request) {
	if req.Body == nil {
		return
	}
	source, tracked := req.Body.(*hostileSource)
	switch kind := o.roll(8); {
	case kind == 0 && tracked:
		source.mu.Lock()
		source.kept++
		source.mu.Unlock()
		return
	case kind == 1: // answers early, and is done with the body later
		go o.consume(req.Body, time.Second)
		return
	case kind == 2:
		go o.consume(req.Body, -1)
		return
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		o.consume(req.Body, 0)
	}()
	select {
	case <-done:
	case <-time.After(50 * time.Millisecond): // it blocks
	case <-req.Context().Done():
	}
}

// consume closes body, after it has read it unless after is negative.
func (o *hostileOrder) consume(body io.ReadCloser, after time.Duration) {
	defer func() { _ = recover() }()
	defer body.Close()
	if after >= 0 {
		_, _ = io.Copy(io.Discard, io.LimitReader(body, 1<<20))
		time.Sleep(after)
	}
}

func (o *hostileOrder) roll(n int) int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.dice.IntN(n)
}

// linger takes its time, and returns the error of a base that heeds its context.
func (o *hostileOrder) linger(req *http.Request) error {
	var d time.Duration
	switch o.roll(16) {
	case 0, 1:
		d = time.Duration(o.roll(3000)) * time.Millisecond
	case 2: // does not heed anything
		time.Sleep(time.Duration(o.roll(3000)) * time.Millisecond)
		return nil
	case 3:
		d = 1000 * time.Hour
		if _, ends := req.Context().Deadline(); !ends && !o.ends {
			d = time.Minute
		}
	default:
		return nil
	}
	select {
	case <-time.After(d):
		return nil
	case <-req.Context().Done():
		if o.roll(2) == 0 {
			return req.Context().Err()
		}
		return context.Cause(req.Context())
	case <-req.Cancel:
		return errors.New("net/http: request canceled")
	}
}

// answer draws what an attempt comes to.
func (o *hostileOrder) answer(a *hostileAttempt, before []*hostileAttempt) {
	switch o.roll(32) {
	case 0:
		panic(mischief("the base"))
	case 1: // neither a response nor an error
	case 2, 3:
		a.resp, o.lied = o.scene.shared, true
	case 4, 5:
		o.respond(a, before)
		a.err = o.fail(a)
		a.acted = true
	case 6, 7, 8, 9, 10, 11, 12, 13:
		a.err = o.fail(a)
	default:
		o.respond(a, before)
	}
}

func (o *hostileOrder) respond(a *hostileAttempt, before []*hostileAttempt) {
	o.mu.Lock()
	defer o.mu.Unlock()
	d := o.dice
	header, wish := hint(d)
	page, name := o.scene.newPage(d)
	a.page, a.wish = page, wish
	header["Page"] = []string{name}
	code := pick(d, 200, 503, 503, 503, 429, 500, 408, 425, 404, 599, 101, 204, 0, -1, 1000)
	a.resp = &http.Response{
		Status:        "secret-status",
		StatusCode:    code,
		ProtoMajor:    pick(d, 1, 1, 2, 0),
		Header:        header,
		Body:          page,
		ContentLength: pick[int64](d, -1, -1, 0, 5, 1<<40, -7),
		Close:         d.one(8),
		Request:       a.req,
	}
	kind := d.IntN(12)
	o.lied = o.lied || kind < 4
	switch kind {
	case 0:
		a.resp.Request = nil
	case 1:
		a.resp.Request = o.scene.orders[0].req
	case 2:
		if len(before) > 0 {
			a.resp.Request = before[0].req
		}
	case 3:
		a.resp.Request = &http.Request{}
	}
}

// hint returns a header in which a server asks to be left alone, and for how long.
func hint(d dice) (http.Header, time.Duration) {
	at := time.Now().Add(10 * time.Second).UTC().Truncate(time.Second)
	hints := []struct {
		values []string
		wish   time.Duration
	}{
		{nil, 0}, {nil, 0}, {nil, 0},
		{[]string{"0"}, 0},
		{[]string{"2"}, 2 * time.Second},
		{[]string{"2.5"}, 2500 * time.Millisecond},
		{[]string{"3", "1"}, 3 * time.Second},
		{[]string{"1, 4"}, 4 * time.Second},
		{[]string{"61"}, 61 * time.Second},
		{[]string{"7200"}, 2 * time.Hour},
		{[]string{"99999999999999999999999"}, longestWait},
		{[]string{"-5"}, 0},
		{[]string{"\x00\xff soon"}, 0},
		{[]string{at.Format(http.TimeFormat)}, time.Until(at)},
		{[]string{strconv.Itoa(60 * 60 * 24 * 365 * 400)}, longestWait},
	}
	one := hints[d.IntN(len(hints))]
	if one.values == nil {
		return http.Header{}, 0
	}
	return http.Header{"Retry-After": one.values}, one.wish
}

// fail returns an error that a base may have, and notes whether it is a proof that nobody has acted.
func (o *hostileOrder) fail(a *hostileAttempt) error {
	other := &retry.Error{Attempts: 3, Reason: retry.ErrMaxAttempts, Err: errDial}
	var none *hostileError
	kind := o.roll(19)
	if o.scene.timeout > 0 { // whose Client asks for the text
		kind %= 13
	}
	a.acted = kind >= 4 || !o.memory
	return []error{
		errDial, errDial, errDial, errors.Join(errDial, errDial),
		errors.Join(errDial, io.EOF), errors.Join(io.EOF, errDial),
		fmt.Errorf("then: %w", errDial), fmt.Errorf("%w, then %w", errDial, io.EOF),
		&url.Error{Op: "Post", URL: hostileURL, Err: errDial},
		io.EOF, io.ErrUnexpectedEOF, other, fmt.Errorf("a token: %w", other),
		none, &hostileError{panics: true}, hostileErrors{errDial, io.EOF}, context.DeadlineExceeded, context.Canceled,
		hostileEndless{},
	}[kind]
}

// A hostileError has methods that panic.
type hostileError struct{ panics bool }

func (e *hostileError) Error() string {
	if e.panics {
		panic(mischief("Error"))
	}
	return "an error"
}

func (e *hostileError) Unwrap() error { panic(mischief("Unwrap")) }

// hostileErrors cannot be compared.
type hostileErrors []error

func (e hostileErrors) Error() string   { return "errors" }
func (e hostileErrors) Unwrap() []error { return e }

// hostileEndless wraps itself.
type hostileEndless struct{}

func (hostileEndless) Error() string   { return "endless" }
func (e hostileEndless) Unwrap() error { return e }
