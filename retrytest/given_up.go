package retrytest

import (
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
	"testing/synctest"
	"time"
)

// obstinate is a body that has no end and does not heed its Close. It returns a byte after each pause or, if there is
// none, neither bytes nor an error.
type obstinate struct {
	pause time.Duration
	reads atomic.Int64
	over  atomic.Bool // ends it, so that the test has an end
}

// mostReads is how often a body may be read that has nothing to give.
const mostReads = 100_000

func (o *obstinate) Read(b []byte) (int, error) {
	n := o.reads.Add(1)
	if o.pause == 0 && n > mostReads || o.over.Load() {
		return 0, io.EOF
	}
	if o.pause == 0 {
		return 0, nil
	}
	time.Sleep(o.pause)
	return copy(b, "."), nil
}

func (*obstinate) Close() error { return nil }

func discardGivenUp(p *probe) {
	for _, pause := range []time.Duration{10 * time.Millisecond, 0} {
		what := fmt.Sprintf("a page without end, each Read of which takes %v", pause)
		for _, e := range p.endings() {
			page, bad := p.endless(pause)
			p.endsInTime(p.wrap(&base{outcomes: []outcome{bad}}), p.request(http.MethodGet), e, what)
			p.leftAlone(page, page.reads.Load(), "call with "+e.name+" ended")
		}
		page, bad := p.endless(pause)
		var before int64
		b := &base{outcomes: []outcome{bad, status(200)}}
		b.onSend = func(int, *http.Request) { before = page.reads.Load() }
		p.retriesInTime(p.wrap(b), p.request(http.MethodGet), what)
		p.leftAlone(page, before, "second attempt was made")
	}
}

// endless is a page and the outcome that has it. It ends long after each call should have.
func (p *probe) endless(pause time.Duration) (*obstinate, outcome) {
	page, bad := &obstinate{pause: pause}, p.failing()
	bad.body = func(*http.Request) io.ReadCloser { return page }
	time.AfterFunc(p.tooLong(), func() { page.over.Store(true) })
	return page, bad
}

// leftAlone breaks the promise if a page goes on being read, which had been read so many times when it was given up.
func (p *probe) leftAlone(page *obstinate, before int64, when string) {
	p.Helper()
	time.Sleep(time.Minute)
	after := page.reads.Load()
	page.over.Store(true)
	synctest.Wait()
	if page.pause == 0 && after > mostReads {
		p.broken("A page whose Read returned neither bytes nor an error was read %d times.", after)
	}
	if after > before+1 { // one may have begun
		p.broken("When the %s, the page before had been read %d times, a minute later %d times.", when, before, after)
	}
}
