package retrytest

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-e3550de8/retry/internal/memnet"
)

var hygieneChecks = []check{
	{
		name:    "CloseIdleConnectionsForwarded",
		promise: "http.Client.CloseIdleConnections reaches the base, if the base has it.",
		why: "http.Client finds the method by a type assertion on its Transport. A wrapper without it, or one " +
			"that does nothing, turns the call into none without a word; connections stay.",
		run: closeIdleConnectionsForwarded,
	},
	{
		name:    "IdleConnectionsKept",
		promise: "the wrapper does not close the base's idle connections by itself.",
		why: "they belong to all requests that share the base. Closing them because one request failed makes all " +
			"others dial anew, in the middle of an outage.",
		run: idleConnectionsKept,
	},
	{
		name: "NothingLeft",
		promise: "no goroutine and no context of the wrapper outlives its call and the response's body, on every way " +
			"out.",
		why: "a context that is not released stays registered with its parent, which may live as long as the " +
			"program; a goroutine stays for ever. Both grow with each failure.",
		live: true,
		run:  nothingLeft,
	},
	{
		name:    "ConcurrentUse",
		promise: "many requests at the same time each get their own answer.",
		why: "http.RoundTripper: \"RoundTrippers must be safe for concurrent use by multiple goroutines.\" State " +
			"of one request that is kept in the wrapper mixes them up; run the tests with -race.",
		run: concurrentUse,
	},
}

func closeIdleConnectionsForwarded(p *probe) {
	b := &base{outcomes: []outcome{status(200)}}
	client := &http.Client{Transport: p.wrap(b)}
	client.CloseIdleConnections()
	if b.idle != 1 {
		p.broken("One call of the Client's method made %d of the base's.", b.idle)
	}
	// A base need not have the method.
	client = &http.Client{Transport: p.wrap(struct{ http.RoundTripper }{b})}
	client.CloseIdleConnections()
}

func idleConnectionsKept(p *probe) {
	for _, a := range []outcome{p.failing(), failure(errPassing)} {
		b := &base{outcomes: []outcome{a}}
		_, _ = p.send(b, p.request(http.MethodGet))
		if b.idle > 0 {
			p.broken("After %s each time, the wrapper had called CloseIdleConnections %d times.", a, b.idle)
		}
	}
}

func nothingLeft(p *probe) {
	for _, w := range p.waysOut() {
		id := ""
		blocked := inBubble(p.T, func(t *testing.T) {
			id = memnet.Bubble()
			inner := &probe{T: t, check: p.check, wrapper: p.wrapper, claims: p.claims}
			defer inner.caught()
			ctx := inner.take(w).ctx
			synctest.Wait()
			if n := ctx.children(); n > 0 {
				inner.broken("After %s, %d contexts derived from the request's were not released.", w.name, n)
			}
		})
		if blocked != "" && !p.Failed() {
			p.broken("After %s: %s. One of the goroutines:\n%s\n",
				w.name, blocked, cmp.Or(memnet.StackIn(id), "(none was found)"))
		}
	}
}

// A spyContext knows which contexts are derived from it: package context registers them with AfterFunc.
type spyContext struct {
	deadline time.Time // the zero Time means none

	done chan struct{}
	mu   sync.Mutex
	err  error
	next int
	live map[int]func()
}

func newSpyContext() *spyContext {
	return &spyContext{done: make(chan struct{}), live: map[int]func(){}}
}

func (c *spyContext) Deadline() (time.Time, bool) { return c.deadline, !c.deadline.IsZero() }
func (c *spyContext) Done() <-chan struct{}       { return c.done }
func (c *spyContext) Value(any) any               { return nil }

func (c *spyContext) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// AfterFunc is what package context looks for in a parent that is not its own.
func (c *spyContext) AfterFunc(f func()) (stop func() bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		go f()
		return func() bool { return false }
	}
	id := c.next
	c.next++
	c.live[id] = f
	return func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		_, registered := c.live[id]
		delete(c.live, id)
		return registered
	}
}

func (c *spyContext) end(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return
	}
	c.err = err
	close(c.done)
	for id, f := range c.live {
		delete(c.live, id)
		go f()
	}
}

// children is how many contexts and functions are registered.
func (c *spyContext) children() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.live)
}

var _ context.Context = (*spyContext)(nil)

func concurrentUse(p *probe) {
	const requests = 32
	e := &echo{code: p.claims.failureStatus(), seen: map[string]bool{}}
	rt := p.wrap(e)
	wrong := make(chan string, requests)
	var all sync.WaitGroup
	for i := range requests {
		req, _ := p.upload(http.MethodPut, fmt.Sprintf("the body of request %d", i))
		// An authority for each, so that a budget for one of them does not run out.
		req.URL.Host = fmt.Sprintf("host%d.example.com", i)
		all.Go(func() {
			defer func() {
				if r := recover(); r != nil { // here it would take the whole binary along
					wrong <- fmt.Sprintf("the wrapper panicked: %v", r)
				}
			}()
			resp, err := rt.RoundTrip(req)
			if text := unusable(resp, err); text != "" {
				wrong <- text
				return
			}
			if err != nil {
				wrong <- err.Error()
				return
			}
			defer resp.Body.Close()
			text, _ := io.ReadAll(resp.Body)
			if want := fmt.Sprintf("%s: the body of request %d", req.URL.Host, i); string(text) != want {
				wrong <- fmt.Sprintf("%q instead of %q", text, want)
			}
		})
	}
	all.Wait()
	if n := len(wrong); n > 0 {
		p.broken("Of %d requests at once, each of which failed once first, %d got another answer than their own. One "+
			"of these is: %s.", requests, n, <-wrong)
	}
}

// echo fails the first attempt at each host, and answers the others with what they sent.
type echo struct {
	code int

	mu   sync.Mutex
	seen map[string]bool
}

func (e *echo) RoundTrip(req *http.Request) (*http.Response, error) {
	s, host := readRequest(req), req.URL.Host
	e.mu.Lock()
	again := e.seen[host]
	e.seen[host] = true
	e.mu.Unlock()
	if !again {
		return (&base{}).reply(status(e.code), 1, req), nil
	}
	text := host + ": " + s.content
	body := func(*http.Request) io.ReadCloser { return newContent(text) }
	return (&base{}).reply(outcome{code: 200, body: body}, 2, req), nil
}
