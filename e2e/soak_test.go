package e2e_test

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed-e3550de8/retry"
	"github.com/seed-e3550de8/retry/httpfault"
	"github.com/stretchr/testify/require"
)

var (
	soak     = flag.Duration("soak", 0, "how long TestSoak sends requests through random faults")
	soakSeed = flag.Uint64("soak.seed", 0, "the first round of TestSoak; 0 is a random one")
)

const (
	soakWorkers  = 16
	soakRequests = 50 // of each worker in each round
)

// TestSoak sends random requests through random faults, on the loopback interface. It goes in rounds: each has servers
// of its own for every protocol, and leaves nothing behind. The requests and faults of a round follow from its seed, so
// that -soak.seed and the number that a failure names send them again; how they interleave does not.
func TestSoak(t *testing.T) {
	if *soak == 0 {
		t.Skip("-soak says for how long")
	}
	seed := *soakSeed
	if seed == 0 {
		seed = uint64(rand.Uint32())
	}
	t.Logf("from seed %d on", seed)
	var sum soakFigures
	end := time.Now().Add(*soak)
	for ; time.Now().Before(end); seed++ {
		runSoakRound(t, seed, &sum)
		if t.Failed() {
			t.Logf("replay it: go test -race -run TestSoak ./e2e -soak 1s -soak.seed %d", seed)
			break
		}
	}
	t.Log(sum.text())
}

// soakFigures are what the rounds did.
type soakFigures struct {
	mu                             sync.Mutex
	rounds                         int
	requests, attempts, arrived    int
	recovered, ended, errors       int
	connections, refused, canceled int
	faults                         map[string]int
}

func (f *soakFigures) change(by func(*soakFigures)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	by(f)
}

func (f *soakFigures) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d rounds, %d requests, %d attempts, %d arrived, %d connections\n",
		f.rounds, f.requests, f.attempts, f.arrived, f.connections)
	fmt.Fprintf(&b, "%d succeeded after a failure, %d ended with the response of a fault, %d with an error, %d were canceled\n",
		f.recovered, f.ended, f.errors, f.canceled)
	var names []string
	for name := range f.faults {
		names = append(names, name)
	}
	slices.Sort(names)
	fmt.Fprintf(&b, "faults:\n%8d dials refused\n", f.refused)
	for _, name := range names {
		fmt.Fprintf(&b, "%8d %s\n", f.faults[name], name)
	}
	return b.String()
}

// A soakSite is one server of a round with the Transport under test, and what a round must not leave behind.
type soakSite struct {
	*httpfault.Server
	http2    bool
	client   http.RoundTripper
	base     *http.Transport
	open     atomic.Int64 // connections
	attempts atomic.Int64
	refused  atomic.Int64
}

func runSoakRound(t *testing.T, seed uint64, sum *soakFigures) {
	goroutines, descriptors := runtime.NumGoroutine(), openDescriptors()
	var sites []*soakSite
	for _, p := range []httpfault.Protocol{httpfault.HTTP1, httpfault.HTTPS, httpfault.H2C, httpfault.HTTP2} {
		sites = append(sites, newSoakSite(t, p))
	}
	stop := disturb(seed, sites)
	var running sync.WaitGroup
	for n := range soakWorkers {
		running.Go(func() {
			w := &soakWorker{T: t, r: rand.New(rand.NewPCG(seed, uint64(n))), n: n, sum: sum}
			for i := range soakRequests {
				w.send(sites[w.r.IntN(len(sites))], i)
			}
		})
	}
	running.Wait()
	stop()
	for _, s := range sites {
		s.base.CloseIdleConnections()
		eventually(t, "connections", func() int { return int(s.open.Load()) }, 0)
		s.Close()
		s.checkArrivals(t, sum)
	}
	eventually(t, "goroutines", runtime.NumGoroutine, goroutines)
	eventually(t, "file descriptors", openDescriptors, descriptors)
	sum.change(func(f *soakFigures) { f.rounds++ })
}

// eventually waits until there are no more of something than there should be.
func eventually(t *testing.T, what string, count func() int, most int) {
	t.Helper()
	require.Eventually(t, func() bool { return count() <= most+soakSlack }, 20*time.Second, 5*time.Millisecond, "%s are left", what)
}

// soakSlack is what Eventually itself may run: the goroutine of its condition.
const soakSlack = 1

// openDescriptors returns how many files and sockets the process has open, 0 where that cannot be known.
func openDescriptors() int {
	list, _ := os.ReadDir("/proc/self/fd")
	return len(list)
}

func newSoakSite(t *testing.T, p httpfault.Protocol) *soakSite {
	config := httpfault.Config{Protocol: p, Default: httpfault.HandleFunc(receipt)}
	s := &soakSite{Server: config.NewServer(lenient{t}), http2: p == httpfault.H2C || p == httpfault.HTTP2}
	s.base = s.Transport()
	s.base.DialContext = s.dial
	s.client = retry.New(s.base, retry.Policy{
		MaxAttempts:    100, // over HTTP/2 each meets the faults of the other streams too
		Backoff:        retry.Exponential{Base: time.Millisecond, Max: 100 * time.Millisecond},
		AttemptTimeout: 5 * time.Second,
		Budget:         retry.Unlimited,
		OnAttempt:      func(retry.Attempt, retry.Decision) { s.attempts.Add(1) },
	})
	return s
}

// lenient is a test that does not mind steps that are left over: a request that is not sent again leaves some.
type lenient struct{ testing.TB }

func (l lenient) Errorf(format string, args ...any) {
	if !strings.Contains(format, "script and requests differ") {
		l.TB.Errorf(format, args...)
	}
}

// dial counts connections, and has some refused.
func (s *soakSite) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	if rand.IntN(20) == 0 {
		s.refused.Add(1)
		return new(net.Dialer).DialContext(ctx, "tcp", "127.0.0.1:1")
	}
	c, err := s.DialContext(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	s.open.Add(1)
	return &soakConn{Conn: c, site: s}, nil
}

type soakConn struct {
	net.Conn
	site *soakSite
	once sync.Once
}

func (c *soakConn) Close() error {
	c.once.Do(func() { c.site.open.Add(-1) })
	return c.Conn.Close()
}

// disturb resets all connections of a site now and then, and returns what ends that.
func disturb(seed uint64, sites []*soakSite) (stop func()) {
	done := make(chan struct{})
	var running sync.WaitGroup
	running.Go(func() {
		r := rand.New(rand.NewPCG(seed, soakWorkers))
		for {
			select {
			case <-time.After(time.Duration(200+r.IntN(400)) * time.Millisecond):
				sites[r.IntN(len(sites))].CloseConnections()
			case <-done:
				return
			}
		}
	})
	return func() {
		close(done)
		running.Wait()
	}
}

// checkArrivals demands of the server's log that every body is whole or known not to be, and that nothing was acted on
// twice that must not be.
func (s *soakSite) checkArrivals(t *testing.T, sum *soakFigures) {
	acted := make(map[string]int)
	arrivals := s.Requests()
	sum.change(func(f *soakFigures) {
		f.connections += s.Connections()
		f.attempts += int(s.attempts.Load())
		f.refused += int(s.refused.Load())
		f.arrived += len(arrivals)
		if f.faults == nil {
			f.faults = make(map[string]int)
		}
		for _, r := range arrivals {
			f.faults[r.Step]++
		}
	})
	for _, r := range arrivals {
		if want := r.Header.Get("Sum"); r.Whole && r.SHA256 != want {
			t.Errorf("%s %s: the body that arrived has the sum %s, want %s", r.Method, r.Path, r.SHA256, want)
		}
		if r.Step == soakRefusal.String() {
			continue
		}
		if acted[r.Path]++; acted[r.Path] > 1 && r.Header.Get("Once") != "" {
			t.Errorf("%s %s was acted on %d times", r.Method, r.Path, acted[r.Path])
		}
	}
}
