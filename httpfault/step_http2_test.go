package httpfault_test

import (
	"context"
	"io"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-e3550de8/retry/httpfault"
)

var http2Only = []httpfault.Protocol{httpfault.H2C, httpfault.HTTP2}

// A peersError has the shape by which net/http's own, unexported one lets itself be found.
type peersError struct {
	StreamID uint32
	Code     uint32
	Cause    error
}

func (peersError) Error() string { return "" }

func codeOf(t *testing.T, err error) httpfault.StreamCode {
	t.Helper()
	var se peersError
	require.ErrorAs(t, err, &se)
	return httpfault.StreamCode(se.Code)
}

func TestRSTStreamHasItsCode(t *testing.T) {
	everywhere(t, http2Only, func(t *testing.T, cfg httpfault.Config) {
		for _, code := range []httpfault.StreamCode{
			httpfault.NoError, httpfault.InternalError, httpfault.FlowControlError, httpfault.SettingsTimeout,
			httpfault.StreamClosed, httpfault.FrameSizeError, httpfault.Cancel, httpfault.CompressionError,
			httpfault.ConnectError, httpfault.EnhanceYourCalm, httpfault.InadequateSecurity,
			httpfault.HTTP11Required, 99,
		} {
			srv := cfg.NewServer(t, httpfault.RSTStream(code), httpfault.OK("same connection"))
			_, err := srv.Client().Post(srv.URL, "text/plain", strings.NewReader("x"))
			assert.Equal(t, code, codeOf(t, err))
			assert.Equal(t, "200 same connection", get(t, srv, "/"))
			assert.Equal(t, srv.Requests()[0].Connection, srv.Requests()[1].Connection)
			assert.True(t, srv.Requests()[0].Whole)
		}
	})
}

// net/http does so at once, and then after 1, 2, 4, 8, 16 and 32 seconds.
func TestARefusedStreamIsSentAgainByTheClient(t *testing.T) {
	bubble(t, http2Only, func(t *testing.T, cfg httpfault.Config) {
		srv := cfg.NewServer(t, httpfault.RSTStream(httpfault.RefusedStream).Times(8))
		start := time.Now()
		_, err := srv.Client().Get(srv.URL)
		assert.Equal(t, httpfault.RefusedStream, codeOf(t, err))
		assert.Len(t, srv.Requests(), 8)
		assert.GreaterOrEqual(t, time.Since(start), 63*time.Second)

		srv = cfg.NewServer(t, httpfault.RSTStream(httpfault.RefusedStream), httpfault.OK("x"))
		assert.Equal(t, "200 x", get(t, srv, "/"))
	})
}

func TestAProtocolErrorIsSentAgainByTheReleasesThatDo(t *testing.T) {
	bubble(t, http2Only, func(t *testing.T, cfg httpfault.Config) {
		if !sentAgain {
			srv := cfg.NewServer(t, httpfault.RSTStream(httpfault.ProtocolError))
			_, err := srv.Client().Get(srv.URL)
			assert.Equal(t, httpfault.ProtocolError, codeOf(t, err))
			return
		}
		srv := cfg.NewServer(t, httpfault.RSTStream(httpfault.ProtocolError).Times(50), httpfault.OK("x"))
		assert.Equal(t, "200 x", get(t, srv, "/"))
		assert.Len(t, srv.Requests(), 51)
	})
}

func TestARefusedStreamCannotBeSentAgainWithoutGetBody(t *testing.T) {
	everywhere(t, http2Only, func(t *testing.T, cfg httpfault.Config) {
		srv := cfg.NewServer(t, httpfault.RSTStream(httpfault.RefusedStream))
		_, err := srv.Client().Post(srv.URL, "text/plain", io.MultiReader(strings.NewReader("x")))
		assert.ErrorContains(t, err, "REFUSED_STREAM")
	})
}

func TestRSTBodyEndsTheContent(t *testing.T) {
	everywhere(t, http2Only, func(t *testing.T, cfg httpfault.Config) {
		srv := cfg.NewServer(t, httpfault.OK("hello").RSTBody(2, httpfault.Cancel),
			httpfault.Status(200).BodySize(1<<20).RSTBody(1<<19, httpfault.InternalError))
		n, err := outcome(t, srv, nil)
		assert.EqualValues(t, 2, n)
		assert.Equal(t, httpfault.Cancel, codeOf(t, err))

		resp, err := srv.Client().Get(srv.URL)
		require.NoError(t, err)
		defer resp.Body.Close()
		n, err = io.Copy(io.Discard, resp.Body)
		assert.EqualValues(t, 1<<19, n)
		assert.Equal(t, httpfault.InternalError, codeOf(t, err))
	})
}

func TestGoAwaySaysWhatWasProcessed(t *testing.T) {
	everywhere(t, http2Only, func(t *testing.T, cfg httpfault.Config) {
		// Nothing was: the client sends a new request by itself.
		srv := cfg.NewServer(t, httpfault.GoAway(0, httpfault.NoError), httpfault.OK("x"))
		resp, err := srv.Client().Post(srv.URL, "text/plain", strings.NewReader("x"))
		require.NoError(t, err)
		resp.Body.Close()
		assert.Equal(t, 200, resp.StatusCode)
		assert.Len(t, srv.Requests(), 2)

		// Nothing was, but the body is gone.
		srv = cfg.NewServer(t, httpfault.GoAway(0, httpfault.NoError))
		_, err = srv.Client().Post(srv.URL, "text/plain", io.MultiReader(strings.NewReader("x")))
		assert.ErrorContains(t, err, "GOAWAY")

		// Everything may have been.
		srv = cfg.NewServer(t, httpfault.GoAway(httpfault.MaxStream, httpfault.EnhanceYourCalm))
		_, err = srv.Client().Get(srv.URL)
		assert.ErrorContains(t, err, "LastStreamID=2147483647, ErrCode=ENHANCE_YOUR_CALM")
	})
}

func TestGoAwayDividesTheStreams(t *testing.T) {
	bubble(t, http2Only, func(t *testing.T, cfg httpfault.Config) {
		srv := cfg.NewServer(t, httpfault.GoAway(1, httpfault.NoError), httpfault.OK("again"))
		srv.On("/slow", httpfault.Hang())
		failed := make(chan error)
		go func() {
			_, err := srv.Client().Get(srv.URL + "/slow")
			failed <- err
		}()
		synctest.Wait()
		assert.Equal(t, "200 again", get(t, srv, "/"))
		assert.ErrorContains(t, <-failed, "LastStreamID=1")
	})
}

func TestAnAnswerMayFollowAGoAway(t *testing.T) {
	everywhere(t, http2Only, func(t *testing.T, cfg httpfault.Config) {
		srv := cfg.NewServer(t,
			httpfault.OK("last").GoAway(httpfault.MaxStream, httpfault.NoError), httpfault.OK("next"))
		assert.Equal(t, "200 last", get(t, srv, "/"))
		assert.Equal(t, "200 next", get(t, srv, "/"))
		assert.NotEqual(t, srv.Requests()[0].Connection, srv.Requests()[1].Connection)
	})
}

// A counter is a body without end that knows how much of it was read.
type counter struct{ n atomic.Int64 }

func (c *counter) Read(p []byte) (int, error) {
	c.n.Add(int64(len(p)))
	return len(p), nil
}

func TestStallUploadLetsTheWindowRunOut(t *testing.T) {
	bubble(t, http2Only, func(t *testing.T, cfg httpfault.Config) {
		srv := cfg.NewServer(t, httpfault.StallUpload(), httpfault.OK("other stream"))
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		body, failed := new(counter), make(chan error)
		go func() {
			_, err := srv.Client().Do(newRequest(t, srv, body).WithContext(ctx))
			failed <- err
		}()
		synctest.Wait()
		sent := body.n.Load()
		assert.Less(t, sent, int64(1<<20))
		time.Sleep(59 * time.Minute)
		assert.Equal(t, sent, body.n.Load())
		assert.Equal(t, "200 other stream", get(t, srv, "/"))
		assert.ErrorIs(t, <-failed, context.DeadlineExceeded)
		assert.Zero(t, srv.Requests()[0].BodyLength)
	})
}

func TestStallSettingsNeverAnswers(t *testing.T) {
	bubble(t, http2Only, func(t *testing.T, cfg httpfault.Config) {
		srv := cfg.NewServer(t, httpfault.StallSettings(), httpfault.OK("x"))
		_, err := outcome(t, srv, nil)
		assert.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Empty(t, srv.Requests())
		assert.Equal(t, "200 x", get(t, srv, "/"))
	})
}

func TestAStepOfHTTP2ReachedOverHTTP1FailsTheTest(t *testing.T) {
	got := failuresOf(func(tb testing.TB) {
		srv := httpfault.Config{Protocol: httpfault.HTTP2}.NewServer(tb, httpfault.RSTStream(httpfault.Cancel))
		tr := srv.Transport()
		tr.Protocols.SetHTTP1(true)
		tr.Protocols.SetHTTP2(false)
		_, err := tr.RoundTrip(newRequest(t, srv, nil))
		assert.Error(t, err)
	})
	assert.Equal(t, "httpfault: request 1 came over HTTP/1.1, and RSTStream(8) needs HTTP/2", got)
}
