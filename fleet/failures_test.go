package fleet_test

import (
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-e3550de8/retry"
	"github.com/seed-e3550de8/retry/fleet"
)

// silent accepts connections and never answers.
func silent(t *testing.T) *store {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			t.Cleanup(func() { _ = c.Close() })
		}
	}()
	return &store{addr: l.Addr().String()}
}

func TestAStoreThatFailsLeavesTheDecisionToTheProcess(t *testing.T) {
	failing := func(text string) func(t *testing.T) *store {
		return func(t *testing.T) *store {
			m := miniredis.RunT(t)
			m.SetError(text)
			return &store{addr: m.Addr()}
		}
	}
	for name, start := range map[string]func(t *testing.T) *store{
		"away":   func(*testing.T) *store { return &store{addr: "127.0.0.1:1"} },
		"silent": silent,
		"full":   failing("OOM command not allowed when used memory > 'maxmemory'."),
		"loads":  failing("LOADING Redis is loading the dataset in memory"),
		"reads":  failing("READONLY You can't write against a read only replica."),
		"asks":   failing("NOAUTH Authentication required."),
		"of another use": func(t *testing.T) *store {
			m := miniredis.RunT(t)
			_, err := m.Push("retry:api.example:80", "a list")
			require.NoError(t, err)
			return &store{addr: m.Addr()}
		},
	} {
		t.Run(name, func(t *testing.T) {
			var told atomic.Int32
			p := policy(join(t, start(t), fleet.Options{Share: 1, OnError: func(error) { told.Add(1) }}))
			start, retries := time.Now(), 0
			for range 8 {
				d := p.Decide(attempt(api, 503, ""), time.Now())
				if d.Retry {
					assert.Error(t, d.StoreError)
					retries++
				}
			}
			assert.Equal(t, 5, retries, "the Floor of the process's own bucket")
			assert.NotZero(t, told.Load())
			assert.Less(t, time.Since(start), time.Second, "it is left alone after the first failure")
		})
	}
}

func TestAServerThatIsFullLeavesTheDecisionToTheProcess(t *testing.T) {
	s := installed(t, "redis-server")
	require.NoError(t, s.client(t).ConfigSet(t.Context(), "maxmemory", "1").Err())
	d := policy(join(t, s, patient)).Decide(attempt(api, 503, ""), time.Now())
	assert.True(t, d.Retry)
	assert.ErrorContains(t, d.StoreError, "OOM")
}

func TestAStoreThatComesBackIsAskedAgain(t *testing.T) {
	everyStore(t, func(t *testing.T, s *store) {
		p := policy(join(t, s, patient))
		a := attempt(api, 503, "")
		ask := func() error {
			d := p.Decide(a, time.Now())
			p.Abandon(a, d, time.Now())
			return d.StoreError
		}
		for range 2 {
			require.NoError(t, ask())
			s.stop()
			require.Error(t, ask())
			s.start()
			require.Eventually(t, func() bool { return ask() == nil }, 20*time.Second, 20*time.Millisecond)
		}
	})
}

func TestAServerThatForgetsItsScriptsGetsThemAgain(t *testing.T) {
	everyStore(t, func(t *testing.T, s *store) {
		p := policy(join(t, s, patient))
		require.NoError(t, p.Decide(attempt(api, 503, ""), time.Now()).StoreError)
		require.NoError(t, s.client(t).ScriptFlush(t.Context()).Err())
		require.NoError(t, p.Decide(attempt(api, 503, ""), time.Now()).StoreError)
	})
}

func TestFieldsThatSomethingElseWroteDoNoHarm(t *testing.T) {
	everyStore(t, func(t *testing.T, s *store) {
		for _, junk := range []string{"junk", "", "nan", "inf", "-inf", "-1e300", "1e300"} {
			c := s.client(t)
			require.NoError(t, c.FlushAll(t.Context()).Err())
			for _, field := range []string{"level", "advanced", "rate", "counted", "until", "length"} {
				require.NoError(t, c.HSet(t.Context(), "retry:api.example:80", field, junk).Err())
			}
			p := policy(join(t, s, patient))
			d := p.Decide(attempt(api, 503, ""), time.Now())
			assert.LessOrEqual(t, d.Delay, 2*time.Minute, junk)
			p.Decide(attempt(api, 200, ""), time.Now())
			assert.NoError(t, p.Decide(attempt(api, 503, ""), time.Now()).StoreError, junk)
		}
	})
}

func TestNoErrorOfTheStoreReachesTheCaller(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Fail") != "" {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	defer server.Close()
	var seen atomic.Int32
	f := join(t, silent(t), fleet.Options{Share: 1})
	p := policy(f)
	p.OnAttempt = func(_ retry.Attempt, d retry.Decision) {
		if d.StoreError != nil {
			seen.Add(1)
		}
	}
	client := &http.Client{Transport: retry.New(nil, p)}
	for _, fail := range []string{"", "yes"} {
		req, err := http.NewRequest(http.MethodGet, server.URL, nil)
		require.NoError(t, err)
		req.Header.Set("Fail", fail)
		resp, err := client.Do(req)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
	}
	assert.Equal(t, int32(3), seen.Load(), "each retry's Decision has it")
}

func TestAClusterAndAReplicaSetAreReachedByTheirOwnClients(t *testing.T) {
	m := miniredis.RunT(t)
	c := redis.NewClusterClient(&redis.ClusterOptions{Addrs: []string{m.Addr()}, ContextTimeoutEnabled: true})
	defer c.Close()
	f, err := fleet.New(c, patient)
	require.NoError(t, err)
	d := policy(f).Decide(attempt(api, 503, ""), time.Now())
	assert.NoError(t, d.StoreError)
	assert.True(t, d.Retry)
}
