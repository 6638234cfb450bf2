package httpfault_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"math"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-e3550de8/retry/httpfault"
)

func TestRetryAfterInItsFourForms(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const newYear = "Sat, 01 Jan 2000 00:00:00 GMT" // when a bubble's clock begins
		busy := httpfault.Status(503)
		for _, c := range []struct {
			step             httpfault.Step
			date, retryAfter string
		}{
			{busy.RetryAfter(2 * time.Minute), newYear, "120"},
			{busy.RetryAfter(0), newYear, "0"},
			{busy.RetryAfterDate(time.Hour, httpfault.IMFFixdate), newYear, "Sat, 01 Jan 2000 01:00:00 GMT"},
			{busy.RetryAfterDate(time.Hour, httpfault.RFC850), newYear, "Saturday, 01-Jan-00 01:00:00 GMT"},
			{busy.RetryAfterDate(time.Hour, httpfault.ASCTime), newYear, "Sat Jan  1 01:00:00 2000"},
			{busy.RetryAfterDate(-time.Hour, httpfault.IMFFixdate), newYear, "Fri, 31 Dec 1999 23:00:00 GMT"},
			{
				busy.RetryAfterDate(time.Hour, httpfault.IMFFixdate).Clock(-24 * time.Hour),
				"Fri, 31 Dec 1999 00:00:00 GMT", "Fri, 31 Dec 1999 01:00:00 GMT",
			},
			{busy.RetryAfter(time.Hour).Clock(24 * time.Hour), "Sun, 02 Jan 2000 00:00:00 GMT", "3600"},
		} {
			srv := httpfault.Config{Pipe: true}.NewServer(t, c.step)
			resp, err := srv.Client().Get(srv.URL)
			require.NoError(t, err)
			resp.Body.Close()
			assert.Equal(t, c.date, resp.Header.Get("Date"), c.step)
			assert.Equal(t, c.retryAfter, resp.Header.Get("Retry-After"), c.step)
			_, err = http.ParseTime(c.retryAfter)
			assert.Equal(t, strings.Contains(c.retryAfter, ":"), err == nil, c.step)
		}
	})
}

func TestLatencyComesBeforeTheHeader(t *testing.T) {
	bubble(t, protocols, func(t *testing.T, cfg httpfault.Config) {
		srv := cfg.NewServer(t, httpfault.OK("x").Latency(1).Latency(time.Hour), httpfault.Reset().Latency(time.Minute),
			httpfault.ResetOnAccept().Latency(time.Hour).Latency(time.Minute), httpfault.NoAccept().Latency(time.Second))
		start := time.Now()
		resp, err := srv.Client().Get(srv.URL)
		require.NoError(t, err)
		resp.Body.Close()
		assert.Equal(t, time.Hour, time.Since(start))

		for range 2 {
			start = time.Now()
			_, err = srv.Transport().RoundTrip(newRequest(t, srv, nil))
			assert.Error(t, err)
			assert.Equal(t, time.Minute, time.Since(start))
		}

		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		_, err = srv.Transport().RoundTrip(newRequest(t, srv, nil).WithContext(ctx))
		assert.ErrorIs(t, err, context.DeadlineExceeded)
	})
}

func TestDripWaitsBetweenThePieces(t *testing.T) {
	bubble(t, protocols, func(t *testing.T, cfg httpfault.Config) {
		srv := cfg.NewServer(t, httpfault.OK("abcde").Drip(2, time.Minute))
		start := time.Now()
		resp, err := srv.Client().Get(srv.URL)
		require.NoError(t, err)
		defer resp.Body.Close()
		var at []time.Duration
		var pieces []string
		for buf := make([]byte, 10); ; {
			n, err := resp.Body.Read(buf)
			if n > 0 {
				at, pieces = append(at, time.Since(start)), append(pieces, string(buf[:n]))
			}
			if err != nil {
				assert.Equal(t, io.EOF, err)
				break
			}
		}
		assert.Equal(t, []string{"ab", "cd", "e"}, pieces)
		assert.Equal(t, []time.Duration{0, time.Minute, 2 * time.Minute}, at)
	})
}

func TestInformationalResponsesComeFirst(t *testing.T) {
	everywhere(t, protocols, func(t *testing.T, cfg httpfault.Config) {
		srv := cfg.NewServer(t, httpfault.OK("x").Informational(103, 2).Informational(102, 1))
		var codes []int
		var links []string
		trace := &httptrace.ClientTrace{Got1xxResponse: func(code int, h textproto.MIMEHeader) error {
			codes, links = append(codes, code), append(links, h.Get("Link"))
			return nil
		}}
		req := newRequest(t, srv, nil)
		resp, err := srv.Client().Do(req.WithContext(httptrace.WithClientTrace(req.Context(), trace)))
		require.NoError(t, err)
		resp.Body.Close()
		assert.Equal(t, []int{103, 103, 102}, codes)
		const link = "</style.css>; rel=preload; as=style"
		assert.Equal(t, []string{link, link, ""}, links)
		assert.Empty(t, resp.Header.Get("Link"))
	})
}

func TestTooManyInformationalResponsesAreAnError(t *testing.T) {
	everywhere(t, protocols, func(t *testing.T, cfg httpfault.Config) {
		srv := cfg.NewServer(t, httpfault.OK("x").Informational(103, 1000), httpfault.OK("x").Informational(102, math.MaxInt))
		tr := srv.Transport()
		tr.MaxResponseHeaderBytes = 4096
		for range 2 {
			_, err := tr.RoundTrip(newRequest(t, srv, nil))
			assert.Error(t, err)
		}
		srv.Close() // ends, although nobody could count so far
	})
}

func TestTrailersComeAfterTheBody(t *testing.T) {
	everywhere(t, protocols, func(t *testing.T, cfg httpfault.Config) {
		srv := cfg.NewServer(t, httpfault.OK("x").Trailer("x-sum", "1").Trailer("X-Sum", "2"))
		resp, err := srv.Client().Get(srv.URL)
		require.NoError(t, err)
		defer resp.Body.Close()
		assert.Contains(t, resp.Trailer, "X-Sum")
		_, err = io.Copy(io.Discard, resp.Body)
		require.NoError(t, err)
		assert.Equal(t, http.Header{"X-Sum": {"1", "2"}}, resp.Trailer)
	})
}

func TestGzipCompresses(t *testing.T) {
	everywhere(t, protocols, func(t *testing.T, cfg httpfault.Config) {
		srv := cfg.NewServer(t, httpfault.Status(200).BodySize(1e5).Gzip().Times(2))
		resp, err := srv.Client().Get(srv.URL)
		require.NoError(t, err)
		body, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		resp.Body.Close()
		assert.True(t, resp.Uncompressed)
		assert.Len(t, body, 1e5)
		assert.Equal(t, "abcdefghijklmnopqrstuvwxyzab", string(body[:28]))

		req := newRequest(t, srv, nil)
		req.Header.Set("Accept-Encoding", "identity")
		resp, err = srv.Client().Do(req)
		require.NoError(t, err)
		packed, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		resp.Body.Close()
		assert.EqualValues(t, resp.ContentLength, len(packed))
		z, err := gzip.NewReader(bytes.NewReader(packed))
		require.NoError(t, err)
		unpacked, err := io.ReadAll(z)
		require.NoError(t, err)
		assert.Equal(t, body, unpacked)
	})
}

func TestContentLengthOrChunked(t *testing.T) {
	everywhere(t, protocols, func(t *testing.T, cfg httpfault.Config) {
		srv := cfg.NewServer(t, httpfault.OK("abc"), httpfault.OK("abc").Chunked(),
			httpfault.Status(200), httpfault.Status(204), httpfault.Status(304))
		for _, want := range []int64{3, -1, 0, 0, 0} {
			resp, err := srv.Client().Get(srv.URL)
			require.NoError(t, err)
			assert.Equal(t, want, resp.ContentLength)
			_, err = io.Copy(io.Discard, resp.Body)
			require.NoError(t, err)
			resp.Body.Close()
		}
	})
}

func TestHeadHasNoBodyWhateverTheStep(t *testing.T) {
	everywhere(t, protocols, func(t *testing.T, cfg httpfault.Config) {
		srv := cfg.NewServer(t, httpfault.OK("abc"), httpfault.OK("abc").CutBody(1),
			httpfault.Status(200).EndlessBody())
		for _, want := range []int64{3, 3, -1} {
			resp, err := srv.Client().Head(srv.URL)
			require.NoError(t, err)
			resp.Body.Close()
			assert.Equal(t, want, resp.ContentLength)
		}
	})
}

func TestCloseEndsTheConnectionAfterTheAnswer(t *testing.T) {
	everywhere(t, protocols, func(t *testing.T, cfg httpfault.Config) {
		srv := cfg.NewServer(t, httpfault.OK("x").Close().Times(3))
		for range 3 {
			assert.Equal(t, "200 x", get(t, srv, "/"))
		}
		used := make(map[int]bool)
		for _, r := range srv.Requests() {
			used[r.Connection] = true
		}
		assert.Len(t, used, 3)
	})
}

func TestAnEndlessBodyGoesOnUntilItIsClosed(t *testing.T) {
	everywhere(t, protocols, func(t *testing.T, cfg httpfault.Config) {
		srv := cfg.NewServer(t, httpfault.Status(200).EndlessBody())
		resp, err := srv.Client().Get(srv.URL)
		require.NoError(t, err)
		n, err := io.CopyN(io.Discard, resp.Body, 1<<20)
		require.NoError(t, err)
		assert.EqualValues(t, 1<<20, n)
		resp.Body.Close()
	})
}
