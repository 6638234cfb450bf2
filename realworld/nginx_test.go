package realworld_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-e3550de8/retry"
	"github.com/seed-e3550de8/retry/resume"
)

// newNginx starts nginx, as one process, with the given contents of its http and server blocks.
func newNginx(t *testing.T, httpBlock, serverBlock string) *program {
	t.Helper()
	return newProgram(t, "nginx", `
daemon off;
master_process off;
pid DIR/pid;
events { worker_connections 256; }
http {
	log_format counts '$request_method $status $http_range';
	access_log DIR/requests counts;
	client_body_temp_path DIR/body; proxy_temp_path DIR/proxy; fastcgi_temp_path DIR/fastcgi;
	uwsgi_temp_path DIR/uwsgi; scgi_temp_path DIR/scgi;
	`+httpBlock+`
	server { listen ADDR; `+serverBlock+` }
}`, "-p", ".", "-c", "config", "-e", "stderr")
}

// nginxLog ends nginx, after the requests under way, which it logs when they are over, and returns what it did: method,
// status, and the Range asked for.
func nginxLog(t *testing.T, p *program) []string {
	t.Helper()
	p.stop(t, syscall.SIGQUIT)
	log, err := os.ReadFile(filepath.Join(p.dir, "requests"))
	require.NoError(t, err)
	return strings.Split(strings.TrimSpace(string(log)), "\n")
}

var limit3MiB = down("limit_data", `"bytes":3145728`)

func writeFile(t *testing.T, p *program, content []byte) {
	t.Helper()
	require.NoError(t, os.WriteFile(filepath.Join(p.dir, "file"), content, 0o600))
}

func TestADownloadFromNginxIsContinued(t *testing.T) {
	nginx := newNginx(t, "", "root DIR;")
	want := payload(8 << 20)
	writeFile(t, nginx, want)
	var r record
	client := r.resuming(through(t, newToxic(t, nginx.addr, limit3MiB)), resume.Policy{})
	requireSame(t, want, get(t, client, "http://nginx/file"))
	assert.Equal(t, 2, r.continuations)

	log := nginxLog(t, nginx)
	require.Len(t, log, 3)
	assert.Equal(t, []string{"OK", "Partial Content", "Partial Content"}, r.attempts)
}

// What nginx compresses has a weak ETag, and net/http decodes it: nothing to continue, unless it is asked not to.
func TestADownloadThatNginxCompressesIsContinuedIfIdentityIsAskedFor(t *testing.T) {
	for name, row := range map[string]struct {
		policy   resume.Policy
		requests int
	}{
		"compressed": {resume.Policy{}, 1},
		"identity":   {resume.Policy{Identity: true}, 3},
	} {
		t.Run(name, func(t *testing.T) {
			nginx := newNginx(t, "gzip on; gzip_types *;", "root DIR;")
			want := payload(8 << 20)
			writeFile(t, nginx, want)
			var r record
			client := r.resuming(through(t, newToxic(t, nginx.addr, limit3MiB)), row.policy)
			body := get(t, client, "http://nginx/file")
			if row.requests > 1 {
				requireSame(t, want, body)
			} else {
				requireBroken(t, body)
			}
			assert.Len(t, nginxLog(t, nginx), row.requests)
		})
	}
}

// The upstream dies in the middle of the answer, and comes back after nginx has said 502 once.
func TestADownloadIsContinuedThroughNginxWhoseUpstreamDies(t *testing.T) {
	const cache = "proxy_cache_path DIR/cache keys_zone=z:1m;"
	for name, row := range map[string]struct{ http, location string }{
		"buffering":    {"", ""},
		"no buffering": {"", "proxy_buffering off;"},
		"HTTP/1.1":     {"", `proxy_http_version 1.1; proxy_set_header Connection "";`},
		"cache":        {cache, "proxy_cache z; proxy_cache_valid 200 1m; proxy_ignore_headers Cache-Control;"},
	} {
		t.Run(name, func(t *testing.T) {
			want := payload(4 << 20)
			origin := newMortal(t, want)
			nginx := newNginx(t, row.http, "location / { proxy_pass http://"+origin.addr+"; "+row.location+" }")
			var r record
			base := retry.New(through(t, nginx.addr), retry.Policy{
				Backoff: retry.Constant(0),
				OnAttempt: func(a retry.Attempt, d retry.Decision) {
					r.attempt(a, d)
					if a.Response != nil && a.Response.StatusCode == http.StatusBadGateway {
						origin.start(t)
					}
				},
			})
			policy := resume.Policy{Backoff: retry.Constant(0), OnContinue: r.proceed}
			client := &http.Client{Transport: resume.New(base, policy)}
			requireSame(t, want, get(t, client, "http://nginx/file"))
			assert.Equal(t, 1, r.continuations)
			assert.Equal(t, []string{"OK", "Bad Gateway", "Partial Content"}, r.attempts)
			assert.Len(t, nginxLog(t, nginx), 3)
			assert.EqualValues(t, 2, origin.lives.Load())
		})
	}
}

func TestRequestsThatNginxLimitsAllSucceed(t *testing.T) {
	for name, row := range map[string]struct {
		status   string
		location string
		asked    bool // by Retry-After
	}{
		"503, its default":    {"Service Unavailable", "", false},
		"429":                 {"Too Many Requests", "limit_req_status 429;", false},
		"429 and Retry-After": {"Too Many Requests", "limit_req_status 429; error_page 429 @slow;", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			nginx := newNginx(t, "limit_req_zone $binary_remote_addr zone=z:1m rate=2r/s;", `
				location / { limit_req zone=z; `+row.location+` root DIR; }
				location @slow { internal; add_header Retry-After 1 always; return 429; }`)
			writeFile(t, nginx, []byte("hello"))
			asked, r := sendThree(t, nginx.addr)
			log := nginxLog(t, nginx)
			assert.Len(t, r.attempts, len(log), "nginx saw what the Transport says")
			assert.Equal(t, 3, r.count(&r.attempts, "OK"))
			refused := r.count(&r.attempts, row.status)
			assert.Equal(t, len(log)-3, refused)
			assert.NotZero(t, refused)
			assert.Equal(t, row.asked, asked)
		})
	}
}

// sendThree sends three requests at once, and reports whether the waits were the server's.
func sendThree(t *testing.T, addr string) (asked bool, r *record) {
	t.Helper()
	r = new(record)
	client := &http.Client{Transport: retry.New(through(t, addr), retry.Policy{
		Backoff:     retry.Constant(600 * time.Millisecond),
		MaxAttempts: 10,
		Budget:      retry.Unlimited,
		OnAttempt: func(a retry.Attempt, d retry.Decision) {
			r.attempt(a, d)
			r.mu.Lock()
			asked = asked || d.FromServer
			r.mu.Unlock()
		},
	})}
	var all sync.WaitGroup
	for range 3 {
		all.Go(func() { assert.NoError(t, exchange(t, client, http.MethodGet, "http://nginx/file", "hello")) })
	}
	all.Wait()
	return asked, r
}
