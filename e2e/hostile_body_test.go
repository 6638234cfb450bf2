package e2e_test

import (
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// A hostilePage is the body of a response, which keeps account of what is done with it.
type hostilePage struct {
	scene       *hostileScene
	read, close int // how it misbehaves
	done        chan struct{}
	once        sync.Once

	mu     sync.Mutex
	n      int
	reads  []time.Time
	closes int
}

const (
	behaves = iota // then what Read and Close have in common
	blocks         // until the end of the scene
	panics
	fails

	endless // and what only a Read does
	untilClosed
	drips
	empty
	negative
	tooMuch
	long
)

// newPage returns a page, and the field of the header by which it is found again.
func (s *hostileScene) newPage(d dice) (*hostilePage, string) {
	p := &hostilePage{scene: s, done: make(chan struct{})}
	p.read = pick(d, behaves, behaves, behaves, behaves, blocks, panics, fails,
		endless, untilClosed, drips, empty, negative, tooMuch, long)
	p.close = pick(d, behaves, behaves, behaves, behaves, behaves, behaves, blocks, panics, fails)
	name := strconv.FormatUint(d.Uint64(), 36)
	s.pages.Store(name, p)
	return p, name
}

func (p *hostilePage) Read(b []byte) (int, error) {
	p.mu.Lock()
	p.reads = append(p.reads, time.Now())
	p.n++
	n := p.n
	p.mu.Unlock()
	select {
	case <-p.scene.end:
		return 0, io.EOF
	default:
	}
	switch {
	case p.read == endless, p.read == long && n < 10:
		return len(b), nil
	case p.read == untilClosed:
		return 0, p.wait(p.done, time.Hour)
	case p.read == drips && n < 1000:
		return min(1, len(b)), p.wait(nil, 10*time.Millisecond)
	case p.read == empty:
		return 0, nil
	case p.read == negative:
		return -1, nil
	case p.read == tooMuch && n < 10:
		return len(b) + 1, nil
	case n == 1:
		return min(5, len(b)), nil
	}
	return 0, misbehave(p.read, p.scene.end, io.EOF)
}

// wait returns an error if something came before the end of d.
func (p *hostilePage) wait(done <-chan struct{}, d time.Duration) error {
	select {
	case <-done:
		return http.ErrBodyReadAfterClose
	case <-p.scene.end:
		return io.EOF
	case <-time.After(d):
		return nil
	}
}

func (p *hostilePage) Close() error {
	p.mu.Lock()
	p.closes++
	p.mu.Unlock()
	p.once.Do(func() { close(p.done) })
	return misbehave(p.close, p.scene.end, nil)
}

func misbehave(kind int, end <-chan struct{}, otherwise error) error {
	switch kind {
	case blocks:
		<-end
	case panics:
		panic(mischief("a body"))
	case fails:
		return errDial
	}
	return otherwise
}

// A hostileSource is the body of a request. It may be handed out more than once, if GetBody lies.
type hostileSource struct {
	order       *hostileOrder
	read, close int

	mu     sync.Mutex
	n      int
	handed int
	kept   int  // by a base that does not close it
	loose  bool // net/http has had it, which may close it twice
	closes int
}

func (o *hostileOrder) newSource() *hostileSource {
	d := o.dice
	b := &hostileSource{order: o, handed: 1}
	b.read = pick(d, behaves, behaves, behaves, behaves, blocks, panics, fails, drips)
	b.close = pick(d, behaves, behaves, behaves, behaves, behaves, blocks, panics, fails)
	o.sources = append(o.sources, b)
	return b
}

func (b *hostileSource) Read(p []byte) (int, error) {
	b.mu.Lock()
	b.n++
	n := b.n
	b.mu.Unlock()
	switch {
	case n == 1:
		return copy(p, "secret-body"), nil
	case b.read == drips && n < 5:
		time.Sleep(20 * time.Millisecond)
		return copy(p, "."), nil
	}
	return 0, misbehave(b.read, b.order.scene.end, io.EOF)
}

func (b *hostileSource) Close() error {
	b.mu.Lock()
	b.closes++
	b.mu.Unlock()
	return misbehave(b.close, b.order.scene.end, nil)
}

// getBody is a GetBody that does what it likes.
func (o *hostileOrder) getBody() (io.ReadCloser, error) {
	defer o.foreign()
	o.mu.Lock()
	defer o.mu.Unlock()
	kind := o.dice.IntN(24)
	if kind == 4 && o.ends || kind == 5 {
		o.mu.Unlock()
		if kind == 4 {
			<-o.scene.end
		} else {
			time.Sleep(pick(o.dice, time.Millisecond, 300*time.Millisecond))
		}
		o.mu.Lock()
	}
	switch kind {
	case 0:
		return nil, errors.New("the file is gone")
	case 1:
		return nil, nil
	case 2:
		o.sameReader = true
		o.sources[0].handed++
		return o.sources[0], nil
	case 3:
		return o.newSource(), errDial
	case 6:
		panic(mischief("GetBody"))
	}
	return o.newSource(), nil
}

var errDial error = &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connection refused")}
