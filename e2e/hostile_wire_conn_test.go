package e2e_test

import (
	"context"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed-e3550de8/retry/httpfault"
	"github.com/seed-e3550de8/retry/internal/memnet"
)

// dial connects to the server, by a wire that may break.
func (s *wireScene) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	d := newDice(s.seed, 1000+s.dials.Add(1))
	switch d.IntN(16) {
	case 0:
		nobody := memnet.Listen()
		nobody.Close()
		return nobody.DialContext(ctx, "", "")
	case 1:
		select {
		case <-time.After(pick(d, time.Millisecond, 100*time.Millisecond, 30*time.Second)):
		case <-ctx.Done():
		}
	}
	c, err := s.server.DialContext(ctx, "", "")
	if err != nil {
		return nil, err
	}
	if d.one(4) {
		c = newWire(d, c)
	}
	s.open.Add(1)
	return &wireConn{Conn: c, scene: s}, nil
}

// A wireConn is a connection of the client.
type wireConn struct {
	net.Conn
	scene *wireScene
	once  sync.Once
}

func (c *wireConn) Close() error {
	c.once.Do(func() { c.scene.open.Add(-1) })
	return c.Conn.Close()
}

// A wire carries so many bytes in each direction, and then breaks.
type wire struct {
	near, far net.Conn // the ends of it, of which the client has the other end of near
	how       int
	broken    atomic.Bool
	left      atomic.Int32 // directions that are still open
}

const (
	wireResets = iota
	wireCloses
	wireSwallows // says nothing, and takes what the client writes
	wireWays
)

// newWire returns the client's end of a wire to far.
func newWire(d dice, far net.Conn) net.Conn {
	l := memnet.Listen()
	defer l.Close()
	client, _ := l.DialContext(context.Background(), "", "")
	near, _ := l.Accept()
	w := &wire{near: near, far: far, how: d.IntN(wireWays)}
	w.left.Store(2)
	limit := func() int { return d.IntN(pick(d, 10, 300, 3000, 30000)) }
	up, down := limit(), 1<<40
	switch d.IntN(3) {
	case 0:
		up, down = down, up
	case 1:
		down = limit()
	}
	piece := pick(d, 1<<11, 1<<11, 100, 7)
	go w.carry(far, near, up, piece)
	go w.carry(near, far, down, piece)
	return client
}

// carry brings limit bytes from one end to the other.
func (w *wire) carry(to, from net.Conn, limit, piece int) {
	defer w.over()
	buf := make([]byte, piece)
	for {
		n, err := from.Read(buf[:min(piece, max(limit, 1))])
		if n > limit && !w.broken.Swap(true) {
			w.rip()
		}
		limit -= n
		if w.broken.Load() && w.how == wireSwallows {
			if from == w.far {
				return
			}
			n = 0
		}
		if n > 0 {
			if _, failed := to.Write(buf[:n]); failed != nil {
				reset(from)
				return
			}
		}
		if err != nil {
			closeWrite(to)
			return
		}
	}
}

func (w *wire) rip() {
	switch w.how {
	case wireResets:
		reset(w.near)
		reset(w.far)
	case wireCloses:
		closeWrite(w.near)
		closeWrite(w.far)
	}
}

// over closes both ends when nothing goes either way any more.
func (w *wire) over() {
	if w.left.Add(-1) == 0 {
		w.near.Close()
		w.far.Close()
	}
}

func reset(c net.Conn) {
	_ = c.(interface{ SetLinger(int) error }).SetLinger(0)
	c.Close()
}

func closeWrite(c net.Conn) { _ = c.(interface{ CloseWrite() error }).CloseWrite() }

// connSteps are what the server does to connections before they carry a request.
func (s *wireScene) connSteps() []httpfault.Step {
	steps := []httpfault.Step{httpfault.Refuse(), httpfault.ResetOnAccept(), httpfault.CloseOnAccept()}
	switch s.proto {
	case httpfault.HTTP1:
		steps = append(steps, httpfault.NoAccept())
	case httpfault.H2C:
		// Not NoAccept: a write that waits for ever holds a mutex of net/http's, which stops the bubble's clock.
		steps = append(steps, httpfault.StallSettings())
	default:
		steps = append(steps, httpfault.TLSAlert(40), httpfault.TLSAlert(80), httpfault.TLSClearText(),
			httpfault.TLSStall(), httpfault.TLSExpired(), httpfault.TLSUnknownCA(), httpfault.TLSWrongName())
	}
	var some []httpfault.Step
	for range 1 + s.dice.IntN(3) {
		some = append(some, steps[s.dice.IntN(len(steps))])
	}
	return some
}
