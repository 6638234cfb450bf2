package realworld_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-e3550de8/retry"
)

const (
	crowdSize = 4  // how many clients send at once
	crowdEach = 60 // how many requests each of them sends: GETs and POSTs in turn
	crowdTurn = 50 // after so many requests of all the proxy is restarted, three times
)

// A crowd are clients that send requests through a proxy while that is restarted.
type crowd struct {
	upstream string
	served   sync.Map     // how often the upstream got each request
	lost     atomic.Int64 // POSTs that ended in an error
	retries  atomic.Int64
	done     chan struct{} // one for each request
}

func newCrowd(t *testing.T) *crowd {
	t.Helper()
	c := &crowd{done: make(chan struct{}, crowdSize*crowdEach)}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n, _ := c.served.LoadOrStore(r.URL.Path, new(atomic.Int64))
		n.(*atomic.Int64).Add(1)
		_, _ = io.Copy(w, r.Body)
	}))
	t.Cleanup(server.Close)
	c.upstream = server.Listener.Addr().String()
	return c
}

// run demands that each GET succeeds, and that no POST reaches the upstream twice.
func (c *crowd) run(t *testing.T, base http.RoundTripper, restart func()) {
	t.Helper()
	client := &http.Client{Transport: retry.New(base, retry.Policy{
		Backoff:     retry.Constant(20 * time.Millisecond),
		MaxAttempts: 1000,
		Budget:      retry.Unlimited,
		OnAttempt: func(_ retry.Attempt, d retry.Decision) {
			if d.Retry {
				c.retries.Add(1)
			}
		},
	})}
	var all sync.WaitGroup
	for i := range crowdSize {
		all.Go(func() { c.send(t, client, i) })
	}
	for range 3 {
		for range crowdTurn {
			<-c.done
		}
		restart()
	}
	all.Wait()
	c.check(t)
}

func (c *crowd) send(t *testing.T, client *http.Client, number int) {
	for i := range crowdEach {
		method := []string{http.MethodGet, http.MethodPost}[i%2]
		url := fmt.Sprintf("http://proxy/%s/%d/%d", method, number, i)
		err := post(t, client, method, url)
		if method == http.MethodPost && err != nil {
			c.lost.Add(1)
			err = nil
		}
		assert.NoError(t, err, url)
		c.done <- struct{}{}
	}
}

func post(t *testing.T, client *http.Client, method, url string) error {
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader("hello"))
	if err != nil {
		return err
	}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err == nil && (resp.StatusCode != http.StatusOK || string(body) != "hello") {
		return fmt.Errorf("%s %q", resp.Status, body)
	}
	return err
}

func (c *crowd) check(t *testing.T) {
	t.Helper()
	gets, posts := 0, 0
	c.served.Range(func(path, n any) bool {
		if strings.HasPrefix(path.(string), "/GET/") {
			gets++
			return true
		}
		posts++
		assert.EqualValues(t, 1, n.(*atomic.Int64).Load(), "%s was sent twice", path)
		return true
	})
	assert.Equal(t, crowdSize*crowdEach/2, gets, "each GET arrived")
	assert.GreaterOrEqual(t, posts, crowdSize*crowdEach/2-int(c.lost.Load()), "each POST that did not fail arrived")
	assert.LessOrEqual(t, c.lost.Load(), int64(3*crowdSize), "a restart fails no more POSTs than are under way")
	require.NotZero(t, c.retries.Load(), "the restarts were felt")
	t.Logf("%d retries, %d POSTs ended in an error", c.retries.Load(), c.lost.Load())
}
