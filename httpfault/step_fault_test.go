package httpfault_test

import (
	"context"
	"errors"
	"io"
	"net/textproto"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-e3550de8/retry/httpfault"
)

// outcome makes one request on a new connection, and returns the error, of the body if not of
// the round trip, and how many bytes of a body came before it.
func outcome(t *testing.T, srv *httpfault.Server, body io.Reader) (n int64, err error) {
	t.Helper()
	tr := srv.Transport()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	resp, err := tr.RoundTrip(newRequest(t, srv, body).WithContext(ctx))
	if err != nil {
		assert.Nil(t, resp)
		return -1, err
	}
	defer resp.Body.Close()
	return io.Copy(io.Discard, resp.Body)
}

func is(target error) func(error) bool {
	return func(err error) bool { return errors.Is(err, target) }
}

// reset is what a client makes of an RST. When it is writing, it may see that the
// other side is gone before it reads why.
func reset(err error) bool {
	return errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

// resetOnceSeen is the same for a client that may ask the socket again: the system
// tells of a reset once, and then of EOF.
func resetOnceSeen(err error) bool { return reset(err) || errors.Is(err, io.ErrUnexpectedEOF) }

func malformed(err error) bool {
	var pe textproto.ProtocolError
	return errors.As(err, &pe)
}

func says(text string) func(error) bool {
	return func(err error) bool { return strings.Contains(err.Error(), text) }
}

func TestEachFaultMakesItsError(t *testing.T) {
	both := []httpfault.Protocol{httpfault.H2C, httpfault.HTTP2}
	withoutH2C := []httpfault.Protocol{httpfault.HTTP1, httpfault.HTTPS, httpfault.HTTP2}
	deadline := is(context.DeadlineExceeded)
	for _, c := range []struct {
		step  httpfault.Step
		on    []httpfault.Protocol
		bytes int64 // -1 if there is no response
		err   func(error) bool
		hangs bool
	}{
		{httpfault.Reset(), http1Only, -1, is(syscall.ECONNRESET), false},
		{httpfault.Reset(), both, -1, resetOnceSeen, false},
		{httpfault.Reset().Early(), http1Only, -1, is(syscall.ECONNRESET), false},
		{httpfault.Reset().Early(), both, -1, resetOnceSeen, false},
		{httpfault.Close(), http1Only, -1, is(io.EOF), false},
		{httpfault.Close(), both, -1, is(io.ErrUnexpectedEOF), false},
		{httpfault.Hang(), protocols, -1, deadline, true},
		{httpfault.CloseInHeader(), http1Only, -1, malformed, false},
		{httpfault.ResetInHeader(), http1Only, -1, resetOnceSeen, false},
		{httpfault.Raw("HTTP/1.1 200 OK\r\nA: b\r\n"), http1Only, -1, is(io.ErrUnexpectedEOF), false},
		{httpfault.Raw("nonsense\r\n\r\n"), http1Only, -1, says(`malformed HTTP response "nonsense"`), false},
		{httpfault.MalformedStatus(), http1Only, -1, says(`malformed HTTP status code "abc"`), false},
		{httpfault.MalformedStatus(), both, -1, says("malformed non-numeric status pseudo header"), false},
		{httpfault.MalformedHeader(), http1Only, -1, malformed, false},
		{httpfault.MalformedHeader(), both, -1, says(`invalid header field name "bad name"`), false},

		{httpfault.OK("hello").CutBody(2), protocols, 2, is(io.ErrUnexpectedEOF), false},
		{httpfault.OK("hello").CutBody(0), protocols, 0, is(io.ErrUnexpectedEOF), false},
		{httpfault.OK("hello").Chunked().CutBody(2), protocols, 2, is(io.ErrUnexpectedEOF), false},
		{httpfault.OK("hello").Chunked().CutBody(5), protocols, 5, is(io.ErrUnexpectedEOF), false},
		{
			httpfault.Status(200).BodySize(1 << 20).CutBody(1<<20 - 1), protocols,
			1<<20 - 1, is(io.ErrUnexpectedEOF), false,
		},
		{httpfault.Status(200).EndlessBody().CutBody(1000), protocols, 1000, is(io.ErrUnexpectedEOF), false},
		{httpfault.OK("hello").ResetBody(2), http1Only, 2, is(syscall.ECONNRESET), false},
		{httpfault.OK("hello").ResetBody(2), both, 2, resetOnceSeen, false},
		{httpfault.OK("hello").Chunked().ResetBody(2), http1Only, 2, is(syscall.ECONNRESET), false},
		{httpfault.OK("hello").StallBody(2), protocols, 2, deadline, true},
		{httpfault.OK("hello").Gzip().CutBody(10), protocols, 0, is(io.ErrUnexpectedEOF), false},

		{httpfault.Refuse(), protocols, -1, is(syscall.ECONNREFUSED), false},
		{httpfault.NoAccept(), protocols, -1, deadline, true},
		{httpfault.ResetOnAccept(), withoutH2C, -1, reset, false},
		{httpfault.CloseOnAccept(), withoutH2C, -1, is(io.EOF), false},
	} {
		t.Run(c.step.String(), func(t *testing.T) {
			run := everywhere
			if c.hangs {
				run = bubble // where a deadline is no race
			}
			run(t, c.on, func(t *testing.T, cfg httpfault.Config) {
				srv := cfg.NewServer(t, c.step)
				n, err := outcome(t, srv, nil)
				assert.Equal(t, c.bytes, n)
				require.Error(t, err)
				assert.True(t, c.err(err), "%T: %v", err, err)
			})
		})
	}
}

func TestAFaultAfterReadingHasTheWholeBody(t *testing.T) {
	everywhere(t, protocols, func(t *testing.T, cfg httpfault.Config) {
		for _, st := range []httpfault.Step{httpfault.Reset(), httpfault.Close(), httpfault.MalformedStatus()} {
			srv := cfg.NewServer(t, st)
			_, err := outcome(t, srv, io.LimitReader(zeros{}, 1<<20))
			assert.Error(t, err)
			r := srv.Requests()[0]
			assert.True(t, r.Whole)
			assert.EqualValues(t, 1<<20, r.BodyLength)
		}
	})
}

func TestAFaultBeforeReadingHasNothingOfTheBody(t *testing.T) {
	everywhere(t, protocols, func(t *testing.T, cfg httpfault.Config) {
		for _, st := range []httpfault.Step{httpfault.Reset().Early(), httpfault.Close().Early()} {
			srv := cfg.NewServer(t, st)
			_, err := outcome(t, srv, io.LimitReader(zeros{}, 8<<20))
			assert.Error(t, err)
			r := srv.Requests()[0]
			assert.False(t, r.Whole)
			assert.Zero(t, r.BodyLength)
		}
	})
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

func TestHangEndsWithItsClient(t *testing.T) {
	bubble(t, protocols, func(t *testing.T, cfg httpfault.Config) {
		srv := cfg.NewServer(t, httpfault.Hang(), httpfault.Hang().Early())
		_, err := outcome(t, srv, nil)
		assert.ErrorIs(t, err, context.DeadlineExceeded)
		_, err = outcome(t, srv, strings.NewReader("x"))
		assert.ErrorIs(t, err, context.DeadlineExceeded)
	})
}

func TestTimeoutsAreTimeouts(t *testing.T) {
	bubble(t, protocols, func(t *testing.T, cfg httpfault.Config) {
		srv := cfg.NewServer(t, httpfault.Hang())
		tr := srv.Transport()
		tr.ResponseHeaderTimeout = time.Minute
		start := time.Now()
		_, err := tr.RoundTrip(newRequest(t, srv, nil))
		assert.True(t, timeout(err), "%v", err)
		assert.Equal(t, time.Minute, time.Since(start))
	})
}
