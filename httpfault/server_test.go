package httpfault_test

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-e3550de8/retry/httpfault"
)

func TestStepsAnswerInOrderAndThenTheDefault(t *testing.T) {
	everywhere(t, protocols, func(t *testing.T, cfg httpfault.Config) {
		cfg.Default = httpfault.Status(404).Body("no more")
		srv := cfg.NewServer(t, httpfault.Status(503).Body("busy"), httpfault.OK("hello").Times(2))
		for _, want := range []string{"503 busy", "200 hello", "200 hello", "404 no more", "404 no more"} {
			assert.Equal(t, want, get(t, srv, "/"))
		}
	})
}

func TestConnectionsAreCountedAndReused(t *testing.T) {
	bubble(t, http1Only, func(t *testing.T, cfg httpfault.Config) {
		srv := cfg.NewServer(t)
		for range 3 {
			get(t, srv, "/")
			synctest.Wait()
		}
		assert.Equal(t, 1, srv.Connections())
		srv.Client().CloseIdleConnections()
		get(t, srv, "/")
		assert.Equal(t, 2, srv.Connections())
		assert.Equal(t, 2, srv.Requests()[3].Connection)
	})
}

func TestTheDefaultOfAllIsAnEmpty200(t *testing.T) {
	srv := httpfault.NewServer(t)
	assert.Equal(t, "200 ", get(t, srv, "/"))
}

func TestAPathHasAScriptOfItsOwn(t *testing.T) {
	srv := httpfault.NewServer(t, httpfault.OK("one"), httpfault.OK("two"))
	srv.On("/a", httpfault.OK("a1"))
	srv.On("/a", httpfault.OK("a2"))
	srv.Add(httpfault.OK("three"))
	for _, c := range [][2]string{
		{"/", "200 one"}, {"/a?x=y", "200 a1"}, {"/b", "200 two"}, {"/a", "200 a2"},
		{"/a", "200 "}, {"/a/", "200 three"}, {"/", "200 "},
	} {
		assert.Equal(t, c[1], get(t, srv, c[0]), c[0])
	}
}

func TestAHandlerAnswers(t *testing.T) {
	everywhere(t, protocols, func(t *testing.T, cfg httpfault.Config) {
		srv := cfg.NewServer(t, httpfault.HandleFunc(func(w http.ResponseWriter, r *http.Request) {
			assert.Equal(t, cfg.Protocol == httpfault.HTTPS || cfg.Protocol == httpfault.HTTP2, r.TLS != nil)
			assert.Empty(t, r.Header.Get("httpfault-stream"))
			io.CopyN(w, r.Body, 3)
		}))
		resp, err := srv.Client().Post(srv.URL, "text/plain", strings.NewReader("abcdef"))
		require.NoError(t, err)
		body, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		resp.Body.Close()
		assert.Equal(t, "abc", string(body))
		require.Len(t, srv.Requests(), 1)
		assert.Equal(t, "abc", string(srv.Requests()[0].Body))
		assert.False(t, srv.Requests()[0].Whole)
	})
}

func TestARequestIsRecorded(t *testing.T) {
	everywhere(t, protocols, func(t *testing.T, cfg httpfault.Config) {
		srv := cfg.NewServer(t, httpfault.Status(503).Latency(time.Millisecond), httpfault.OK("x"))
		before := time.Now()
		content := strings.Repeat("0123456789abcdef", 1<<16) // 1 MiB
		for range 2 {
			req, err := http.NewRequest("PUT", srv.URL+"/a/b?c=d", strings.NewReader(content))
			require.NoError(t, err)
			req.Header["X-Twice"] = []string{"1", "2"}
			req.Trailer = http.Header{"X-Late": {"late"}}
			req.ContentLength = -1
			resp, err := srv.Client().Do(req)
			require.NoError(t, err)
			io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
		}
		list := srv.Requests()
		require.Len(t, list, 2)
		sum := sha256.Sum256([]byte(content))
		for i, r := range list {
			assert.Equal(t, i+1, r.Number)
			assert.False(t, r.Time.Before(before))
			assert.Equal(t, "PUT", r.Method)
			assert.Equal(t, strings.SplitAfter(srv.URL, "//")[1], r.Host)
			assert.Equal(t, "/a/b", r.Path)
			assert.Equal(t, "c=d", r.Query)
			assert.Equal(t, []string{"1", "2"}, r.Header["X-Twice"])
			assert.Equal(t, http.Header{"X-Late": {"late"}}, r.Trailer)
			assert.EqualValues(t, -1, r.ContentLength)
			assert.EqualValues(t, len(content), r.BodyLength)
			assert.Equal(t, hex.EncodeToString(sum[:]), r.SHA256)
			assert.Equal(t, content[:1024], string(r.Body))
			assert.True(t, r.Whole)
			assert.NoError(t, r.Err)
			before = r.Time
		}
		assert.Equal(t, `Status(503).Latency(1ms)`, list[0].Step)
		assert.Equal(t, `OK("x")`, list[1].Step)
		if cfg.Protocol == httpfault.H2C || cfg.Protocol == httpfault.HTTP2 {
			assert.Equal(t, []any{"HTTP/2.0", uint32(1), uint32(3)},
				[]any{list[0].Proto, list[0].Stream, list[1].Stream})
			return
		}
		assert.Equal(t, []any{"HTTP/1.1", uint32(0)}, []any{list[0].Proto, list[0].Stream})
	})
}

// An aborting reader gives some bytes, and then an error.
type abortingReader struct{ io.Reader }

var errAborted = errors.New("aborted by the test")

func (r abortingReader) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	if err == io.EOF {
		err = errAborted
	}
	return n, err
}

func TestABodyThatBreaksOffIsNotWhole(t *testing.T) {
	for _, p := range protocols {
		synctest.Test(t, func(t *testing.T) {
			srv := httpfault.Config{Protocol: p, Pipe: true}.NewServer(t, httpfault.OK("never seen"))
			body := abortingReader{strings.NewReader(strings.Repeat("x", 1<<18))}
			_, err := srv.Client().Post(srv.URL, "text/plain", body)
			require.ErrorIs(t, err, errAborted)
			synctest.Wait()
			require.Len(t, srv.Requests(), 1)
			r := srv.Requests()[0]
			assert.False(t, r.Whole)
			assert.Error(t, r.Err)
			assert.Positive(t, r.BodyLength)
		})
	}
}

func TestTheClientReachesTheServerByAnyHost(t *testing.T) {
	everywhere(t, protocols, func(t *testing.T, cfg httpfault.Config) {
		srv := cfg.NewServer(t)
		scheme, _, _ := strings.Cut(srv.URL, ":")
		resp, err := srv.Client().Get(scheme + "://api.example.com/x")
		require.NoError(t, err)
		resp.Body.Close()
		assert.Equal(t, "api.example.com", srv.Requests()[0].Host)
	})
}

func TestOtherClientsReachItByItsURL(t *testing.T) {
	srv := httpfault.NewServer(t, httpfault.OK("x"))
	resp, err := http.Get(srv.URL)
	require.NoError(t, err)
	defer http.DefaultClient.CloseIdleConnections()
	assert.Equal(t, 200, resp.StatusCode)
	resp.Body.Close()
}

func TestEachTransportHasItsOwnConnections(t *testing.T) {
	srv := httpfault.NewServer(t)
	for range 2 {
		resp, err := (&http.Client{Transport: srv.Transport()}).Get(srv.URL)
		require.NoError(t, err)
		resp.Body.Close()
	}
	assert.Same(t, srv.Client(), srv.Client())
	assert.Equal(t, 2, srv.Connections())
}

func TestDownRefusesAndUpListensAgain(t *testing.T) {
	for _, pipe := range []bool{false, true} {
		srv := httpfault.Config{Pipe: pipe}.NewServer(t, httpfault.OK("before").Close(), httpfault.OK("after"))
		assert.Equal(t, "200 before", get(t, srv, "/"))
		srv.Down()
		srv.Down()
		_, err := srv.Client().Get(srv.URL)
		assert.ErrorIs(t, err, syscall.ECONNREFUSED)
		var op *net.OpError
		require.ErrorAs(t, err, &op)
		assert.Equal(t, "dial", op.Op)
		srv.Up()
		srv.Up()
		assert.Equal(t, "200 after", get(t, srv, "/"))
	}
}

func TestCloseConnectionsResetsWhatIsIdle(t *testing.T) {
	everywhere(t, protocols, func(t *testing.T, cfg httpfault.Config) {
		srv := cfg.NewServer(t, httpfault.OK("x"), httpfault.Hang())
		get(t, srv, "/")
		failed := make(chan error)
		go func() {
			_, err := srv.Client().Post(srv.URL, "text/plain", io.MultiReader(strings.NewReader("x")))
			failed <- err
		}()
		for len(srv.Requests()) < 2 {
			if cfg.Pipe {
				synctest.Wait()
			}
		}
		srv.CloseConnections()
		assert.Error(t, <-failed)
	})
}

func TestAnExampleNeedsNoT(t *testing.T) {
	srv := httpfault.NewServer(nil, httpfault.OK("x"))
	assert.Equal(t, "200 x", get(t, srv, "/"))
	srv.Close()

	srv = httpfault.NewServer(nil, httpfault.OK("x"))
	assert.PanicsWithValue(t, "httpfault: script and requests differ: 1 step left over, 0 requests beyond the script\n"+
		"script:\n\t1. OK(\"x\"): LEFT OVER\nrequests:\n\tnone, over 0 connections\n", srv.Close)
	srv.Close()
	assert.Panics(t, func() { httpfault.NewServer(nil, httpfault.Status(1)) })
}
