package tail

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"
)

const (
	number  = "X-Number" // the header with the number of a request
	latency = time.Millisecond
	stall   = 2 * time.Second
	drip    = time.Second
	away    = 300 * time.Millisecond
)

// A server answers in a millisecond, unless its row has a fault for the attempt. It knows what every request should
// have in its body.
type server struct {
	row      Row
	body     []byte // of each request
	page     []byte // of each good answer
	address  string
	http     *http.Server
	arrivals []atomic.Int32 // attempts, for each request
	executed []atomic.Int32 // those that were acted upon
	corrupt  atomic.Int32   // bodies that arrived whole, and were not what was sent
}

func newServer(row Row, body, page []byte) (*server, error) {
	s := &server{
		row: row, body: body, page: page, address: "127.0.0.1:0",
		arrivals: make([]atomic.Int32, row.Requests), executed: make([]atomic.Int32, row.Requests),
	}
	return s, s.start()
}

func (s *server) start() error {
	listener, err := net.Listen("tcp", s.address)
	if err != nil {
		return err
	}
	s.address = listener.Addr().String()
	s.http = &http.Server{Handler: s, Protocols: s.row.protocols()}
	go s.http.Serve(listener)
	return nil
}

// restart ends the server with all its connections, as a process that is killed does, and starts it again.
func (s *server) restart() error {
	s.http.Close()
	time.Sleep(away)
	err := s.start()
	// A client that asks in vain may have been given this port to ask from.
	for n := 0; err != nil && n < 20; n++ {
		time.Sleep(latency)
		err = s.start()
	}
	return err
}

func (r Row) protocols() *http.Protocols {
	p := new(http.Protocols)
	p.SetHTTP1(!r.HTTP2)
	p.SetUnencryptedHTTP2(r.HTTP2)
	return p
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	id, err := strconv.Atoi(r.Header.Get(number))
	if err != nil || id < 0 || id >= len(s.arrivals) {
		http.Error(w, "no such request", http.StatusBadRequest)
		return
	}
	fault := s.row.Mix.of(id, int(s.arrivals[id].Add(1)))
	if s.refuse(w, r, fault) {
		return
	}
	s.act(r, id)
	switch fault {
	case Reset:
		reset(w)
	case Stall:
		pause(r, stall)
	}
	w.Write(s.page)
}

// refuse answers before the body of the request is read, as who sheds load does.
func (s *server) refuse(w http.ResponseWriter, r *http.Request, fault Fault) bool {
	switch fault {
	case Unavailable:
		pause(r, latency)
		http.Error(w, "unavailable", http.StatusServiceUnavailable)
	case TooMany:
		pause(r, latency)
		w.Header().Set("Retry-After", "0")
		http.Error(w, "too many requests", http.StatusTooManyRequests)
	case Drip:
		w.WriteHeader(http.StatusServiceUnavailable)
		const drops = 20
		for range drops {
			io.WriteString(w, ".")
			http.NewResponseController(w).Flush()
			if !pause(r, drip/drops) {
				break
			}
		}
	default:
		return false
	}
	return true
}

// act does what the request asks for, unless its body breaks off.
func (s *server) act(r *http.Request, id int) {
	same, err := isRead(r.Body, s.body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if !same {
		s.corrupt.Add(1)
	}
	time.Sleep(latency)
	s.executed[id].Add(1)
}

// isRead reports whether r yields want, and nothing more.
func isRead(r io.Reader, want []byte) (same bool, err error) {
	same = true
	buf := make([]byte, 32<<10)
	for {
		n, err := r.Read(buf)
		if n > len(want) || !bytes.Equal(buf[:n], want[:n]) {
			same, n = false, min(n, len(want))
		}
		want = want[n:]
		if err == io.EOF {
			return same && len(want) == 0, nil
		}
		if err != nil {
			return false, err
		}
	}
}

// reset ends the attempt without an answer. Over HTTP/1 the header has begun, or net/http would send a GET again by
// itself, and show nobody.
func reset(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-")
	conn.(*net.TCPConn).SetLinger(0)
	conn.Close()
	panic(http.ErrAbortHandler)
}

// pause waits for d, or until the client has left, which it reports as false.
func pause(r *http.Request, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-r.Context().Done():
		return false
	}
}
