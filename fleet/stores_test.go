package fleet_test

import (
	"context"
	"net"
	"os/exec"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
)

// A store is a server of its own that a test can end and start again at the same address.
type store struct {
	addr  string
	start func() // empty, as after a loss of power
	stop  func()
}

// everyStore runs a test against the server that is embedded, and against each real one that the machine has.
func everyStore(t *testing.T, test func(t *testing.T, s *store)) {
	t.Run("miniredis", func(t *testing.T) { test(t, embedded(t)) })
	for _, program := range []string{"redis-server", "valkey-server"} {
		t.Run(program, func(t *testing.T) { test(t, installed(t, program)) })
	}
}

func embedded(t testing.TB) *store {
	m := miniredis.NewMiniRedis()
	require.NoError(t, m.StartAddr("127.0.0.1:0"))
	t.Cleanup(m.Close)
	return &store{addr: m.Addr(), stop: m.Close, start: func() {
		m.FlushAll()
		require.NoError(t, m.Restart())
	}}
}

// installed starts a program on a free port of the loopback. It keeps nothing on disk.
func installed(t *testing.T, program string) *store {
	path, err := exec.LookPath(program)
	if err != nil {
		t.Skipf("there is no %s here", program)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	_, port, err := net.SplitHostPort(l.Addr().String())
	require.NoError(t, err)
	require.NoError(t, l.Close())
	s, dir := &store{addr: "127.0.0.1:" + port}, t.TempDir()
	var cmd *exec.Cmd
	s.start = func() {
		cmd = exec.Command(path, "--port", port, "--bind", "127.0.0.1", "--save", "", "--dir", dir)
		require.NoError(t, cmd.Start())
		require.Eventually(t, func() bool { return answers(s.addr) }, 20*time.Second, 10*time.Millisecond)
	}
	s.stop = func() {
		if cmd == nil {
			return
		}
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		cmd = nil
	}
	t.Cleanup(s.stop)
	s.start()
	return s
}

func answers(addr string) bool {
	c := redis.NewClient(&redis.Options{Addr: addr, MaxRetries: -1, DialTimeout: time.Second})
	defer c.Close()
	return c.Ping(context.Background()).Err() == nil
}

// client is one process's own.
func (s *store) client(t testing.TB) *redis.Client {
	c := redis.NewClient(&redis.Options{Addr: s.addr, ContextTimeoutEnabled: true})
	t.Cleanup(func() { _ = c.Close() })
	return c
}
