package httpfault_test

import (
	"os"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-e3550de8/retry/httpfault"
)

// openFiles is how many file descriptors the process has, 0 where that is not to be known.
func openFiles() int {
	list, _ := os.ReadDir("/proc/self/fd")
	return len(list)
}

func goroutines() string {
	buf := make([]byte, 1<<20)
	return string(buf[:runtime.Stack(buf, true)])
}

// settles waits for what ends by itself in other goroutines.
func settles(condition func() bool) bool {
	for end := time.Now().Add(5 * time.Second); time.Now().Before(end); runtime.Gosched() {
		if condition() {
			return true
		}
	}
	return false
}

// Over pipes, synctest.Test fails by itself if a goroutine of the server or of its clients is left.
func TestNothingIsLeftOfAServer(t *testing.T) {
	httpfault.Config{Protocol: httpfault.HTTPS}.NewServer(t).Close() // what a process opens only once
	files := openFiles()
	for _, p := range protocols {
		srv := httpfault.Config{Protocol: p}.NewServer(t,
			httpfault.OK("x").Times(3), httpfault.Reset(), httpfault.Close(), httpfault.OK("xyz").CutBody(1),
			httpfault.Status(200).EndlessBody(), httpfault.OK("x").Early(), httpfault.Hang())
		for range 3 {
			get(t, srv, "/")
		}
		for range 3 {
			_, err := outcome(t, srv, nil)
			assert.Error(t, err)
		}
		for range 2 {
			resp, err := srv.Client().Post(srv.URL, "text/plain", strings.NewReader("x"))
			require.NoError(t, err)
			resp.Body.Close()
		}
		unanswered := srv.Transport()
		failed := make(chan error)
		go func() {
			_, err := unanswered.RoundTrip(newRequest(t, srv, nil))
			failed <- err
		}()
		assert.True(t, settles(func() bool { return len(srv.Requests()) == 9 }))
		srv.Down()
		srv.Up()
		srv.Close()
		assert.Error(t, <-failed)
	}
	assert.True(t, settles(func() bool {
		all := goroutines()
		return !strings.Contains(all, "httpfault.(*") && !strings.Contains(all, "net/http.(*")
	}), "%s", goroutines())
	assert.True(t, settles(func() bool { return openFiles() <= files }), "%d files, and %d before", openFiles(), files)
}

func TestAServerStopsWhileItsConnectionsAreAtWork(t *testing.T) {
	everywhere(t, protocols, func(t *testing.T, cfg httpfault.Config) {
		cfg.Default = httpfault.Hang()
		srv := cfg.NewServer(t)
		failed := make(chan error)
		for range 10 {
			go func() {
				_, err := srv.Client().Get(srv.URL)
				failed <- err
			}()
		}
		if cfg.Pipe {
			synctest.Wait()
		}
		assert.True(t, settles(func() bool { return len(srv.Requests()) == 10 }))
		srv.Close()
		for range 10 {
			assert.Error(t, <-failed)
		}
	})
}
