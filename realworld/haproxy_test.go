package realworld_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/seed-e3550de8/retry"
)

// newHaproxy starts haproxy in front of an upstream. The words go to its bind and server lines.
func newHaproxy(t *testing.T, upstream, bind, server string) *program {
	t.Helper()
	return newProgram(t, "haproxy", `
global
	maxconn 200
	hard-stop-after 5s
defaults
	mode http
	retries 0
	timeout connect 5s
	timeout client 30s
	timeout server 30s
	timeout queue 200ms
frontend front
	bind ADDR `+bind+`
	default_backend back
backend back
	server one `+upstream+` `+server+`
`, "-db", "-f", "config")
}

// http2Through is like through, for HTTP/2 in clear text.
func http2Through(t *testing.T, addr string) *http.Transport {
	base := through(t, addr)
	base.Protocols = new(http.Protocols)
	base.Protocols.SetUnencryptedHTTP2(true)
	return base
}

// The upstream has one place, which the first request takes until the second was refused.
func TestAFullQueueOfHaproxyPasses(t *testing.T) {
	for name, client := range map[string]struct {
		bind string
		base func(t *testing.T, addr string) *http.Transport
	}{
		"HTTP/1": {"", func(t *testing.T, addr string) *http.Transport { return through(t, addr) }},
		"HTTP/2": {"proto h2", http2Through},
	} {
		t.Run(name, func(t *testing.T) {
			var r record
			taken, refused := make(chan struct{}, 2), make(chan struct{})
			server := httptest.NewServer(r.watch(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				taken <- struct{}{}
				<-refused
				_, _ = io.WriteString(w, "hello")
			})))
			t.Cleanup(server.Close)
			haproxy := newHaproxy(t, server.Listener.Addr().String(), client.bind, "maxconn 1")
			var once sync.Once
			transport := retry.New(client.base(t, haproxy.addr), retry.Policy{
				Backoff: retry.Constant(100 * time.Millisecond),
				OnAttempt: func(a retry.Attempt, d retry.Decision) {
					r.attempt(a, d)
					once.Do(func() { close(refused) })
				},
			})
			var both sync.WaitGroup
			send := func() {
				client := &http.Client{Transport: transport}
				assert.NoError(t, exchange(t, client, http.MethodPut, "http://haproxy/", "hello"))
			}
			both.Go(send)
			<-taken
			both.Go(send)
			both.Wait()
			assert.Equal(t, 2, r.count(&r.served, http.MethodPut), "the refused attempt went no further")
			assert.Equal(t, "Service Unavailable", r.attempts[0])
			assert.Equal(t, 2, r.count(&r.attempts, "OK"))
		})
	}
}

// A proxy in front of a server is ended and started again while requests are under way.
func TestRequestsSurviveRestarts(t *testing.T) {
	haproxy := func(bind string) func(*testing.T, string) *program {
		return func(t *testing.T, upstream string) *program { return newHaproxy(t, upstream, bind, "") }
	}
	nginx := func(t *testing.T, upstream string) *program {
		return newNginx(t, "", "location / { proxy_pass http://"+upstream+"; }")
	}
	for name, row := range map[string]struct {
		proxy  func(*testing.T, string) *program
		http2  bool
		signal syscall.Signal
	}{
		"nginx, at once":              {nginx, false, syscall.SIGTERM},
		"nginx, after its requests":   {nginx, false, syscall.SIGQUIT},
		"haproxy, at once":            {haproxy(""), false, syscall.SIGTERM},
		"haproxy, after its requests": {haproxy(""), false, syscall.SIGUSR1},
		"haproxy, HTTP/2, at once":    {haproxy("proto h2"), true, syscall.SIGTERM},
		"haproxy, HTTP/2, by GOAWAY":  {haproxy("proto h2"), true, syscall.SIGUSR1},
	} {
		t.Run(name, func(t *testing.T) {
			crowd := newCrowd(t)
			proxy := row.proxy(t, crowd.upstream)
			base := through(t, proxy.addr)
			if row.http2 {
				base = http2Through(t, proxy.addr)
			}
			crowd.run(t, base, func() {
				proxy.stop(t, row.signal)
				proxy.start(t)
			})
		})
	}
}
