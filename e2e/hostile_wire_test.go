package e2e_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-e3550de8/retry"
	"github.com/seed-e3550de8/retry/httpfault"
)

// TestNothingHostileOnTheWireBreaksAPromise plays scenes whose base is an http.Transport, over connections in memory,
// to a server of httpfault: the server misbehaves, and so do the wire to it, the request's body and the caller. What
// the server saw is held against what the caller got.
func TestNothingHostileOnTheWireBreaksAPromise(t *testing.T) {
	file := filepath.Join(t.TempDir(), "noise")
	require.NoError(t, os.WriteFile(file, soakNoise[:wireFile], 0o600))
	playScenes(t, 300, func(t *testing.T, seed uint64) { playWire(t, file, seed) })
}

// A wireScene is some requests through one stack of Transports to one server.
type wireScene struct {
	*testing.T
	dice   dice
	seed   uint64
	begin  time.Time
	file   string // that bodies are sent from
	server *httpfault.Server
	proto  httpfault.Protocol
	base   *http.Transport
	stack  http.RoundTripper
	client http.Client

	policies []retry.Policy // of the Transports, the outermost first
	peeks    bool
	gated    bool
	watched  bool // the base is a wireWitness
	plain    bool
	goesAway bool // the server sends GOAWAY
	loses    bool // net/http may have lost a body

	orders []*wireOrder
	pages  map[string]*wirePage
	claims map[string]wireClaim // by the text of their step
	dials  atomic.Uint64
	open   atomic.Int64 // connections of the client
}

func playWire(t *testing.T, file string, seed uint64) {
	descriptors := openDescriptors()
	s := &wireScene{T: t, dice: newDice(seed, 0), seed: seed, begin: time.Now(), file: file}
	s.pages, s.claims = map[string]*wirePage{}, map[string]wireClaim{}
	s.listen()
	s.build()
	for n := range pick(s.dice, 1, 1, 1, 1, 2, 3) {
		s.orders = append(s.orders, newWireOrder(s, newDice(seed, uint64(n+1)), n))
	}
	s.disturb()
	var running sync.WaitGroup
	for _, o := range s.orders {
		running.Go(o.run)
	}
	running.Wait()
	s.clear()
	s.check()
	if !s.loses {
		assert.LessOrEqual(t, openDescriptors(), descriptors, "promise 10: file descriptors")
	}
	if t.Failed() {
		s.tell()
	}
}

// clear ends what may still go on, and looks for connections that nobody has ended.
func (s *wireScene) clear() {
	for range 2 { // a handshake may go on until its timeout
		time.Sleep(wireHandshake + time.Second)
		s.base.CloseIdleConnections()
	}
	synctest.Wait()
	if !s.goesAway { // net/http leaves a connection without streams that GOAWAY has come on to the server
		assert.Zero(s, s.open.Load(), "promise 10: connections")
	}
	s.server.Close()
	for _, o := range s.orders {
		o.cancel()
	}
	synctest.Wait()
	assert.Zero(s, s.open.Load(), "promise 10: connections")
}

const wireHandshake = 10 * time.Second

func (s *wireScene) http2() bool { return s.proto == httpfault.H2C || s.proto == httpfault.HTTP2 }

func (s *wireScene) listen() {
	d := s.dice
	s.proto = pick(d, httpfault.HTTP1, httpfault.HTTP1, httpfault.HTTP1, httpfault.HTTP1, httpfault.HTTP1,
		httpfault.H2C, httpfault.H2C, httpfault.H2C)
	if d.one(16) {
		s.proto = pick(d, httpfault.HTTPS, httpfault.HTTP2)
	}
	config := httpfault.Config{Protocol: s.proto, Pipe: true, Default: httpfault.HandleFunc(receipt)}
	s.server = config.NewServer(lenient{s.T})
	if d.one(5) {
		s.server.Add(s.connSteps()...)
	}
	s.base = s.server.Transport()
	s.base.DialContext = s.dial
	s.base.TLSHandshakeTimeout = wireHandshake
	s.base.DisableCompression = d.one(4)
	s.base.DisableKeepAlives = d.one(8)
	s.base.ResponseHeaderTimeout = pick(d, 0, 0, 20*time.Second+3)
	s.base.ExpectContinueTimeout = pick(d, 0, 100*time.Millisecond, time.Second)
	if s.http2() {
		s.base.HTTP2 = &http.HTTP2Config{SendPingTimeout: pick(d, 0, 5*time.Second)}
		return
	}
	s.base.MaxConnsPerHost = pick(d, 0, 0, 0, 1, 2)
}

func (s *wireScene) build() {
	d := s.dice
	var next http.RoundTripper = s.base
	if s.watched = d.one(2); s.watched {
		next = wireWitness{s.base}
	}
	for range pick(d, 1, 1, 1, 2) {
		p := s.newPolicy()
		s.policies = append([]retry.Policy{p}, s.policies...)
		next = retry.New(next, p)
	}
	if s.plain = d.one(8); s.plain {
		next = next.(*retry.Transport).PlainErrors()
	}
	if closeWaitsForGzip && s.policies[len(s.policies)-1].AttemptTimeout <= 0 { // which ends the Read before the Close
		s.base.DisableCompression = true
	}
	s.stack = next
	s.client = http.Client{Transport: next}
}

func (s *wireScene) newPolicy() retry.Policy {
	d := s.dice
	p := retry.Policy{
		MaxAttempts: pick(d, 0, 0, 0, 1, 2, 3, 7),
		Backoff: pick[retry.Backoff](d, nil, retry.Constant(0), retry.Constant(0), retry.Constant(200*time.Millisecond),
			retry.Exponential{Base: 10 * time.Millisecond}),
		MaxRetryAfter:  pick(d, 0, 0, 0, -1, time.Second, time.Hour),
		AttemptTimeout: pick(d, 0, 0, 0, 50*time.Millisecond+7, time.Second+7, time.Minute+7),
		ReadAhead:      pick[int64](d, 0, 0, 0, 1, 1000, 1<<20),
		Budget:         pick(d, nil, nil, retry.Unlimited, retry.Unlimited, &retry.Budget{}, &retry.Budget{Floor: 1}),
	}
	if d.one(2) {
		p.OnAttempt = wireHears
	}
	if d.one(10) {
		p.Gate, s.gated = &retry.Gate{}, true
	}
	if d.one(8) {
		s.peeks = true
		p.Classify = func(a retry.Attempt) retry.Class {
			_, _ = retry.Peek(a.Response, 100)
			return retry.Classify(a)
		}
	}
	return p
}

// disturb plans what the server does to all of its connections.
func (s *wireScene) disturb() {
	if !s.dice.one(8) {
		return
	}
	at := time.Duration(s.dice.IntN(2000)) * time.Millisecond
	if s.dice.one(2) {
		time.AfterFunc(at, s.server.CloseConnections)
		return
	}
	time.AfterFunc(at, s.server.Down)
	time.AfterFunc(at+pick(s.dice, time.Millisecond, 3*time.Second), s.server.Up)
}

// stands reports whether a Close may come during a Read, which would stop the bubble's clock where a body has ended
// before its request was sent: net/http then holds a mutex in that Read, for up to 50 ms, to see whether the connection
// can be used again, and the Close wants it. A mutex is no durable wait. The requests that take so long say Connection:
// close, so that there is nothing to see. A Read is left behind by a drain, up to Go 1.26, and by a ReadAhead or a Peek
// that an AttemptTimeout has ended.
func (s *wireScene) stands() bool {
	if s.http2() {
		return false
	}
	timed, ahead := false, s.peeks
	for _, p := range s.policies {
		timed = timed || p.AttemptTimeout > 0
		ahead = ahead || p.ReadAhead > 0
	}
	return netHTTPLeavesDrains || timed && ahead
}

// tell says what was drawn and what came of it.
func (s *wireScene) tell() {
	s.Logf("%v, watched %v, plain %v, peeks %v, policies %+v", s.proto, s.watched, s.plain, s.peeks, s.policies)
	s.Logf("keep-alives %v, compression %v, at most %d connections, %d dials",
		!s.base.DisableKeepAlives, !s.base.DisableCompression, s.base.MaxConnsPerHost, s.dials.Load())
	for _, o := range s.orders {
		o.tell()
	}
	for _, r := range s.server.Requests() {
		s.Logf("%v: connection %d, stream %d: %s %s, %d bytes of %d, whole %v, error %v: %s", r.Time.Sub(s.begin),
			r.Connection, r.Stream, r.Method, r.Path, r.BodyLength, r.ContentLength, r.Whole, r.Err, r.Step)
	}
}

func (o *wireOrder) tell() {
	o.scene.Logf("%s, body %s, idempotent %v, once %v, ends at %v, %+v: returned at %v, finished at %v: %v %v %v, told %v",
		o.req.Method, o.kind, o.idempotent, o.once, o.deadline.Sub(o.scene.begin), o.req.Header,
		o.returned.Sub(o.scene.begin), o.finished.Sub(o.scene.begin), fmt.Sprint(o.resp), o.err, o.readErr, o.told)
	for _, w := range o.heard {
		o.scene.Logf("   heard at %v: %d, %v %v, %+v", w.at.Sub(o.scene.begin), w.Number, w.page, w.Err, w.Decision)
	}
	for _, a := range o.attempts {
		from, to := a.start.Sub(o.scene.begin), a.done.Sub(o.scene.begin)
		o.scene.Logf("   base from %v to %v, late %v: %v", from, to, a.late, a.err)
	}
}
