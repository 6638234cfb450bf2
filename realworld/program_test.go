package realworld_test

import (
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A program is a server of Debian's, which ends with its test.
type program struct {
	addr, dir string
	name      string
	args      []string
	cmd       *exec.Cmd
	ended     chan error
}

// newProgram writes a configuration, in which ADDR and DIR are replaced, and starts the program.
func newProgram(t *testing.T, name, config string, args ...string) *program {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		path, err = exec.LookPath("/usr/sbin/" + name) // which is not on the path of every user
	}
	if err != nil {
		t.Skipf("there is no %s here: apt-get install %s", name, name)
	}
	p := &program{addr: freeAddr(t), dir: t.TempDir(), name: path, args: args}
	config = strings.NewReplacer("ADDR", p.addr, "DIR", p.dir).Replace(config)
	require.NoError(t, os.WriteFile(filepath.Join(p.dir, "config"), []byte(config), 0o600))
	p.start(t)
	t.Cleanup(func() { p.stop(t, syscall.SIGKILL) })
	return p
}

// start starts the program and waits until it accepts connections.
func (p *program) start(t *testing.T) {
	t.Helper()
	p.cmd = exec.Command(p.name, p.args...)
	p.cmd.Dir = p.dir
	out, err := os.OpenFile(filepath.Join(p.dir, "output"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	require.NoError(t, err)
	defer out.Close()
	p.cmd.Stdout, p.cmd.Stderr = out, out
	require.NoError(t, p.cmd.Start())
	p.ended = make(chan error, 1)
	go func(cmd *exec.Cmd, ended chan<- error) { ended <- cmd.Wait() }(p.cmd, p.ended)
	if !assert.Eventually(t, p.accepts, 20*time.Second, 10*time.Millisecond) {
		output, _ := os.ReadFile(out.Name())
		require.Fail(t, p.name+" does not accept connections", "%s", output)
	}
}

func (p *program) accepts() bool {
	conn, err := net.Dial("tcp", p.addr)
	if err != nil {
		return false
	}
	return conn.Close() == nil
}

// stop ends the program by a signal and waits for that. It does nothing if the program has ended.
func (p *program) stop(t *testing.T, signal os.Signal) {
	t.Helper()
	if p.cmd == nil {
		return
	}
	_ = p.cmd.Process.Signal(signal)
	select {
	case <-p.ended:
	case <-time.After(20 * time.Second):
		_ = p.cmd.Process.Kill()
		<-p.ended
		t.Errorf("%s did not end by signal %v", p.name, signal)
	}
	p.cmd = nil
}

// freeAddr returns an address of the loopback interface that nobody listens at. Its port is none that the system gives
// to connections, so that it stays free while a program is restarted.
func freeAddr(t *testing.T) string {
	t.Helper()
	for range 1000 {
		listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", 20_000+rand.IntN(10_000)))
		if err == nil {
			defer listener.Close()
			return listener.Addr().String()
		}
	}
	require.Fail(t, "there is no free port")
	return ""
}
