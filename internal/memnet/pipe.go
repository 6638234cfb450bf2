package memnet

import (
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
)

// bufferSize is how many bytes may be on their way to one end. It is not zero, as
// net.Pipe's is, because two sides that write at the same time would wait
// for each other for ever, which TLS and HTTP/2 do.
const bufferSize = 16 << 10

// A pipe is a connection in memory that behaves like TCP: it has a buffer, its two
// directions close one by one, and it can be reset.
type pipe struct {
	mu    sync.Mutex
	cond  *sync.Cond // Wait is durable in a bubble; a mutex held while waiting would not be
	ends  [2]end
	reset bool
}

// An end is what one end knows.
type end struct {
	in          []byte // on its way to this end; at most bufferSize
	finished    bool   // this end writes no more
	closed      bool   // nor does it read; implies finished
	abrupt      bool   // closing it is a reset
	read, write deadline
}

type deadline struct {
	at    time.Time // zero for none
	timer *time.Timer
}

func (d *deadline) passed() bool { return !d.at.IsZero() && !time.Now().Before(d.at) }

func newPipe() (client, server net.Conn) {
	p := new(pipe)
	p.cond = sync.NewCond(&p.mu)
	return &conn{p, 0}, &conn{p, 1}
}

// A conn is one end of a pipe, as its user sees it.
type conn struct {
	pipe *pipe
	end  int
}

var _ net.Conn = (*conn)(nil)

func (c *conn) mine() *end   { return &c.pipe.ends[c.end] }
func (c *conn) theirs() *end { return &c.pipe.ends[1-c.end] }

func (c *conn) Read(b []byte) (int, error) {
	p, mine, theirs := c.pipe, c.mine(), c.theirs()
	p.mu.Lock()
	defer p.mu.Unlock()
	for {
		switch {
		case mine.closed:
			return 0, c.opError("read", net.ErrClosed)
		case mine.read.passed():
			return 0, c.opError("read", os.ErrDeadlineExceeded)
		case len(mine.in) > 0 || len(b) == 0:
			n := copy(b, mine.in)
			mine.in = append(mine.in[:0], mine.in[n:]...)
			p.cond.Broadcast()
			return n, nil
		case p.reset:
			return 0, c.opError("read", os.NewSyscallError("read", syscall.ECONNRESET))
		case theirs.finished:
			return 0, io.EOF
		}
		p.cond.Wait()
	}
}

func (c *conn) Write(b []byte) (int, error) {
	p, mine, theirs := c.pipe, c.mine(), c.theirs()
	p.mu.Lock()
	defer p.mu.Unlock()
	written := 0
	for {
		switch {
		case mine.closed:
			return written, c.opError("write", net.ErrClosed)
		case mine.write.passed():
			return written, c.opError("write", os.ErrDeadlineExceeded)
		case p.reset:
			return written, c.opError("write", os.NewSyscallError("write", syscall.ECONNRESET))
		case mine.finished, theirs.closed:
			return written, c.opError("write", os.NewSyscallError("write", syscall.EPIPE))
		case written == len(b):
			return written, nil
		case len(theirs.in) < bufferSize:
			n := min(len(b)-written, bufferSize-len(theirs.in))
			theirs.in = append(theirs.in, b[written:written+n]...)
			written += n
			p.cond.Broadcast()
		default:
			p.cond.Wait()
		}
	}
}

// SetLinger has the meaning of net.TCPConn's: after SetLinger(0), Close is a reset.
func (c *conn) SetLinger(sec int) error {
	c.change(func() { c.mine().abrupt = sec == 0 })
	return nil
}

// CloseWrite lets the other end read EOF, after what was written.
func (c *conn) CloseWrite() error {
	c.change(func() { c.mine().finished = true })
	return nil
}

func (c *conn) Close() error {
	c.change(func() {
		mine := c.mine()
		if mine.closed {
			return
		}
		mine.finished, mine.closed, mine.in = true, true, nil
		mine.read.set(c.pipe, time.Time{})
		mine.write.set(c.pipe, time.Time{})
		if mine.abrupt {
			c.pipe.reset = true
		}
	})
	return nil
}

// change does something to the pipe, and wakes who waits for it.
func (c *conn) change(do func()) {
	c.pipe.mu.Lock()
	defer c.pipe.mu.Unlock()
	do()
	c.pipe.cond.Broadcast()
}

func (d *deadline) set(p *pipe, t time.Time) {
	if d.timer != nil {
		d.timer.Stop()
		d.timer = nil
	}
	d.at = t
	if t.IsZero() {
		return
	}
	d.timer = time.AfterFunc(time.Until(t), func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.cond.Broadcast()
	})
}

func (c *conn) SetReadDeadline(t time.Time) error {
	c.change(func() { c.mine().read.set(c.pipe, t) })
	return nil
}

func (c *conn) SetWriteDeadline(t time.Time) error {
	c.change(func() { c.mine().write.set(c.pipe, t) })
	return nil
}

func (c *conn) SetDeadline(t time.Time) error {
	c.SetReadDeadline(t)
	return c.SetWriteDeadline(t)
}

func (c *conn) LocalAddr() net.Addr  { return Addr{} }
func (c *conn) RemoteAddr() net.Addr { return Addr{} }

func (c *conn) opError(op string, err error) error {
	return &net.OpError{Op: op, Net: "tcp", Source: c.LocalAddr(), Addr: c.RemoteAddr(), Err: err}
}
