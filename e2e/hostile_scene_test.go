package e2e_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-e3550de8/retry"
)

// hostileURL has in it what no error text may show.
const hostileURL = "http://secret-user:secret-word@example.com/secret-path?secret-query"

// A hostileScene is some requests through one stack of Transports, most often one through one.
type hostileScene struct {
	*testing.T
	dice   dice
	begin  time.Time
	end    chan struct{} // ends whatever blocks
	orders []*hostileOrder
	pages  sync.Map // hostilePage by what the field Page of its response says
	shared *http.Response

	policy  hostilePolicy // of the outermost Transport
	inner   hostilePolicy // of the one within it
	layers  int
	hides   bool // what stands between the layers hides one from the other
	timeout time.Duration
	plain   bool
	around  retry.Policy // of the Do
	inDo    bool
	stack   http.RoundTripper
}

func playHostile(t *testing.T, seed uint64) {
	s := &hostileScene{T: t, dice: newDice(seed, 0), begin: time.Now(), end: make(chan struct{})}
	s.shared = &http.Response{StatusCode: 503, ProtoMajor: 1, Header: http.Header{}, Body: http.NoBody}
	if s.dice.one(2) {
		s.shared.Request, _ = http.NewRequest("GET", hostileURL, nil)
	}
	s.build()
	for n := range pick(s.dice, 1, 1, 1, 1, 1, 1, 3) {
		s.orders = append(s.orders, newHostileOrder(s, newDice(seed, uint64(n+1)), n))
	}
	var running sync.WaitGroup
	for _, o := range s.orders {
		running.Go(o.run)
	}
	running.Wait()
	s.close()
	for _, o := range s.orders {
		o.check()
	}
	s.checkBudget()
	if t.Failed() {
		s.tell()
	}
}

// tell says what was drawn and what came of it.
func (s *hostileScene) tell() {
	s.Logf("%d layers, hides %v, Do %v of %+v, Client.Timeout %v; policy %+v; inner %+v", s.layers,
		s.hides, s.inDo, s.around, s.timeout, s.policy, s.inner)
	for _, o := range s.orders {
		s.Logf("%s, idempotent %v, in memory %v, once %v, under %+v, until %v; free at %v, returned at %v: %v %v %v, told %v",
			o.req.Method, o.idempotent, o.memory, o.once,
			o.policy, o.deadline.Sub(s.begin), o.free.Sub(s.begin), o.returned.Sub(s.begin), o.resp != nil, o.err, o.panicked, o.told)
		for i, a := range o.attempts {
			s.Logf("attempt %d: from %v to %v, acted %v, wish %v, response %v, error %v",
				i+1, a.start.Sub(s.begin), a.done.Sub(s.begin), a.acted, a.wish, a.resp != nil, a.err)
			if a.page != nil {
				s.Logf("   status %d, Read %d, Close %d", a.resp.StatusCode, a.page.read, a.page.close)
			}
			if i < len(o.heard) {
				s.Logf("   at %v: %v, delay %v", o.heard[i].at.Sub(s.begin), o.heard[i].Decision, o.heard[i].Delay)
			}
		}
		for _, b := range o.sources {
			s.Logf("source: Read %d, Close %d, handed out %d, kept %d", b.read, b.close, b.handed, b.kept)
		}
	}
}

// close ends what still blocks, after it has looked at what is done by then.
func (s *hostileScene) close() {
	time.Sleep(slackOfCalls)
	for _, o := range s.orders {
		o.checkClosed()
	}
	close(s.end)
	synctest.Wait()
	for _, o := range s.orders {
		o.cancel()
	}
	time.Sleep(24 * time.Hour)
	synctest.Wait()
}

func (s *hostileScene) build() {
	d := s.dice
	s.layers = pick(d, 1, 1, 1, 2)
	s.policy = s.newPolicy()
	var base http.RoundTripper = hostileBase{s}
	if s.layers == 2 {
		s.inner = s.newPolicy()
		base = s.middle(retry.New(base, s.inner.Policy))
	}
	outer := retry.New(base, s.policy.Policy)
	s.stack = outer
	switch d.IntN(6) {
	case 0:
		s.stack, s.plain = outer.PlainErrors(), true
	case 1:
		s.timeout = pick(d, 0, 3*time.Millisecond+17, 2*time.Second+17, time.Hour+17)
	}
	if s.inDo = s.timeout == 0 && d.one(6); s.inDo {
		s.around = retry.Policy{
			MaxAttempts:   pick(d, 0, 1, 2, 5, -3),
			Backoff:       pick[retry.Backoff](d, retry.Constant(0), retry.Constant(time.Second), retry.Exponential{}),
			MaxRetryAfter: pick(d, 0, -1, time.Hour),
			Budget:        pick(d, nil, &retry.Budget{}, &retry.Budget{Floor: 0.5}),
		}
	}
}

// middle is what may stand between two Transports.
func (s *hostileScene) middle(next http.RoundTripper) http.RoundTripper {
	kind := s.dice.IntN(6)
	s.hides = kind >= 4
	return roundTripper(func(req *http.Request) (*http.Response, error) {
		switch kind {
		case 1:
			req = req.Clone(req.Context())
			req.Header.Set("Signed", "yes")
		case 2:
			req = req.WithContext(context.WithValue(req.Context(), scratchKey{}, 1))
		}
		resp, err := next.RoundTrip(req)
		switch {
		case err != nil && kind == 3:
			err = fmt.Errorf("between: %w", err)
		case err != nil && kind == 4:
			err = errors.New("between: it failed")
		case err == nil && kind == 5:
			own := *resp
			own.Request = req
			resp = &own
		}
		return resp, err
	})
}

type scratchKey struct{}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// most is how often an order may be sent.
func (o *hostileOrder) most() int {
	limit := func(p retry.Policy) int {
		if o.policy != nil && o.policy.MaxAttempts != 0 {
			p.MaxAttempts = o.policy.MaxAttempts
		}
		if p.MaxAttempts == 0 {
			return 4
		}
		return max(p.MaxAttempts, 1)
	}
	s, n := o.scene, limit(o.scene.policy.Policy)
	if s.layers == 2 {
		inner := limit(s.inner.Policy)
		if s.hides || o.lied {
			n = n + inner - 1
		} else {
			n = max(n, inner)
		}
	}
	if !s.inDo {
		return n
	}
	runs := limit(s.around)
	switch {
	case s.layers == 2:
		return n * runs
	case n == 1:
		return runs
	}
	return min(n, runs)
}

// checkBudget looks at every Budget that is not a Transport's own.
func (s *hostileScene) checkBudget() {
	for _, b := range []*retry.Budget{s.policy.Budget, s.inner.Budget} {
		s.balanced(b)
	}
}

// balanced demands that b holds something between nothing and its capacity, which is its Floor, or, as the rate of the
// successes makes it larger, no more than there were successes.
func (s *hostileScene) balanced(b *retry.Budget) {
	if b == nil || b == retry.Unlimited {
		return
	}
	floor := 5.0
	if b.Floor > 0 {
		floor = b.Floor
	}
	balance := b.Balance(s.orders[0].req.URL)
	successes := 0
	for _, o := range s.orders {
		successes += o.count()
	}
	if math.IsNaN(balance) || balance < 0 || balance > max(floor, float64(successes))*(1+1e-9) {
		s.Errorf("the budget holds %v, with a floor of %v and %d successes at most", balance, floor, successes)
	}
}
