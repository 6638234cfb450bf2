package realworld_test

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A mortal is a server whose first answer ends after a quarter, together with the server. It can be started again.
type mortal struct {
	addr    string
	content []byte
	lives   atomic.Int64
	server  atomic.Pointer[http.Server]
}

func newMortal(t *testing.T, content []byte) *mortal {
	t.Helper()
	m := &mortal{addr: freeAddr(t), content: content}
	m.start(t)
	t.Cleanup(func() { m.server.Load().Close() })
	return m
}

func (m *mortal) start(t *testing.T) {
	listener, err := net.Listen("tcp", m.addr)
	if !assert.NoError(t, err) {
		return
	}
	m.lives.Add(1)
	server := &http.Server{Handler: m}
	m.server.Store(server)
	go server.Serve(listener)
}

func (m *mortal) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("ETag", `"strong"`)
	if m.lives.Load() > 1 {
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(m.content))
		return
	}
	http.ServeContent(&dying{w, m, len(m.content) / 4}, r, "", time.Time{}, bytes.NewReader(m.content))
}

// A dying response ends its server after so many bytes.
type dying struct {
	http.ResponseWriter
	m    *mortal
	left int
}

func (d *dying) Write(p []byte) (int, error) {
	if len(p) <= d.left {
		d.left -= len(p)
		return d.ResponseWriter.Write(p)
	}
	_, _ = d.ResponseWriter.Write(p[:d.left])
	_ = http.NewResponseController(d.ResponseWriter).Flush()
	d.m.server.Load().Close()
	panic(http.ErrAbortHandler)
}

func requireBroken(t *testing.T, body io.Reader) {
	t.Helper()
	_, err := io.Copy(io.Discard, body)
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
}
