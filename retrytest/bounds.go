package retrytest

import (
	"context"
	"io"
	"net/http"
	"strconv"
	"testing/synctest"
	"time"
)

const boundsWhy = "whoever set a deadline or cancels has others waiting for the answer. Code that is not the " +
	"wrapper's own can block: each call of it that is not bounded is a request that nobody can end."

var boundsChecks = []check{
	{
		name: "BlockedCloseBounded",
		promise: "a response body whose Close blocks makes no retry later than its wait, and holds no call past its " +
			"deadline or its cancellation.",
		why: boundsWhy + " Over HTTP/2 net/http's own Close waits for the request's body.",
		run: blockedCloseBounded,
	},
	{
		name: "BlockedGetBodyBounded",
		promise: "a GetBody that blocks holds no call past its deadline or its cancellation, and what it returns " +
			"then is " +
			"closed.",
		why: boundsWhy,
		run: blockedGetBodyBounded,
	},
	{
		name: "BlockedUploadHTTP1",
		promise: "an early failure status makes a retry in time though the Read of the first attempt's body still " +
			"blocks.",
		why: boundsWhy,
		run: func(p *probe) { blockedUpload(p, p.overHTTP1) },
	},
	{
		name: "BlockedUploadHTTP2",
		promise: "over HTTP/2 too, an early failure status makes a retry in time though the Read of the first " +
			"attempt's body still blocks.",
		why: boundsWhy,
		run: func(p *probe) { blockedUpload(p, p.overHTTP2) },
	},
	{
		name:    "DiscardGivenUp",
		promise: "a response body that was given up is not read any more, whatever its Close does.",
		why: "the connection is lost and the answer is wanted by nobody. A goroutine that reads on lives as long as " +
			"the server likes; if the body returns neither bytes nor an error, it burns a core.",
		run: discardGivenUp,
	},
	{
		name:    "DiscardWithinWait",
		promise: "the time in which a response is read to its end is a part of the wait that follows, not added to it.",
		why: "a retry that comes later than the server asks for and the backoff chose is a slower answer for " +
			"nothing; and the deadline was looked at for the shorter wait.",
		needs: []need{retryAfter},
		run:   discardWithinWait,
	},
}

// slack is how late a call may end.
const slack = 20 * time.Millisecond

// tooLong is when all ends that blocks, so that a wrapper which waits for it can be told how long it took.
func (p *probe) tooLong() time.Duration { return p.claims.longestBackoff() + 10*time.Minute }

// blocked returns a channel that is closed after too long, or when the test ends.
func (p *probe) blocked() <-chan struct{} {
	ctx, cancel := context.WithTimeout(context.Background(), p.tooLong())
	p.Cleanup(cancel)
	return ctx.Done()
}

// An ending is what should end a call whose first attempt is answered at once.
type ending struct {
	name   string
	within time.Duration
	start  func(context.Context) (context.Context, context.CancelFunc)
}

// endings are a deadline, behind any wait of the wrapper's own choosing, and a cancellation within that wait.
func (p *probe) endings() []ending {
	late := p.claims.longestBackoff() + time.Second
	return []ending{
		{"a deadline in " + late.String(), late, func(ctx context.Context) (context.Context, context.CancelFunc) {
			return context.WithTimeout(ctx, late)
		}},
		{"a cancellation in 1ms", time.Millisecond, func(ctx context.Context) (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancel(ctx)
			time.AfterFunc(time.Millisecond, cancel)
			return ctx, cancel
		}},
	}
}

// endsInTime makes a call through rt and breaks the promise if it takes longer than e allows. It leaves the response
// alone, whose Close may block.
func (p *probe) endsInTime(rt http.RoundTripper, req *http.Request, e ending, what string) {
	p.Helper()
	ctx, cancel := e.start(req.Context())
	defer cancel()
	start := time.Now()
	_, err := p.roundTrip(rt, req.WithContext(ctx))
	if took := time.Since(start); took > e.within+slack {
		p.broken("With %s and %s, the call ended after %v, with the error %v.", what, e.name, took, err)
	}
}

// retriesInTime makes a call through rt and breaks the promise unless it ends with a 200 after no more than one wait.
func (p *probe) retriesInTime(rt http.RoundTripper, req *http.Request, what string) {
	p.Helper()
	start := time.Now()
	resp, err := p.roundTrip(rt, req)
	took := time.Since(start)
	if err != nil || resp.StatusCode != http.StatusOK {
		p.broken("With %s, the call ended after %v, without the 200 of the second attempt and with the error %v.",
			what, took, err)
	}
	resp.Body.Close()
	if limit := p.claims.longestBackoff() + slack; took > limit {
		p.broken("With %s, the call took %v, and the longest wait claimed is %v.",
			what, took, p.claims.longestBackoff())
	}
}

// stuckBody is an empty body whose Close blocks, and whose Read does so too unless it is readable.
type stuckBody struct {
	readable bool
	until    <-chan struct{}
}

func (s stuckBody) Read([]byte) (int, error) {
	if !s.readable {
		<-s.until
	}
	return 0, io.EOF
}

func (s stuckBody) Close() error {
	<-s.until
	return nil
}

func blockedCloseBounded(p *probe) {
	for _, readable := range []bool{true, false} {
		until := p.blocked()
		what := "a response body whose Read and Close block"
		if readable {
			what = "a response body whose Close blocks"
		}
		bad := p.failing()
		bad.body = func(*http.Request) io.ReadCloser { return stuckBody{readable, until} }
		for _, e := range p.endings() {
			p.endsInTime(p.wrap(&base{outcomes: []outcome{bad}}), p.request(http.MethodGet), e, what)
		}
		p.retriesInTime(p.wrap(&base{outcomes: []outcome{bad, status(200)}}), p.request(http.MethodGet), what)
	}
}

func blockedGetBodyBounded(p *probe) {
	for _, e := range p.endings() {
		until := p.blocked()
		req, src := p.upload(http.MethodPut, "the body")
		req.GetBody = func() (io.ReadCloser, error) {
			<-until
			return src.GetBody()
		}
		p.endsInTime(p.wrap(&base{outcomes: []outcome{p.failing()}}), req, e, "a GetBody that blocks")
		<-until
		synctest.Wait()
		for _, late := range src.all()[1:] {
			if !late.isClosed() {
				p.broken("With a GetBody that blocked, and %s, what it returned in the end stayed open.", e.name)
			}
		}
	}
}

func discardWithinWait(p *probe) {
	asked := p.bearable(20 * time.Second)
	bad := p.failing("Retry-After", strconv.Itoa(int(asked.Seconds())))
	bad.body = func(req *http.Request) io.ReadCloser {
		return &drip{ctx: req.Context(), every: asked / 8, left: 1000, closed: make(chan struct{})}
	}
	b := &base{outcomes: []outcome{bad, status(200)}}
	_, _ = p.send(b, p.request(http.MethodGet))
	if b.attempts() != 2 {
		p.broken("After a response with a byte each %v there were %d attempts in all.", asked/8, b.attempts())
	}
	if w := b.waits()[0]; w > asked+p.claims.longestBackoff()+slack {
		p.broken("A server whose page came a byte each %v asked for %v. The next attempt was made after %v; the "+
			"longest "+
			"backoff claimed is %v.", asked/8, asked, w, p.claims.longestBackoff())
	}
}
