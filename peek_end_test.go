package retry_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-e3550de8/retry"
)

// The body of net/http ends with its context, so that its own error says why.
func TestPeekEndsWithTheRequest(t *testing.T) {
	overBoth(t, func(t *testing.T, proto string) {
		s := serve(t, proto, halfThenStall)
		cause := errors.New("enough")
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Minute, cause)
		defer cancel()
		req, err := http.NewRequestWithContext(ctx, "GET", "http://example.com/", nil)
		require.NoError(t, err)
		begin := time.Now()
		resp, err := retry.New(s.base, retry.Policy{Classify: func(a retry.Attempt) retry.Class {
			page, err := retry.Peek(a.Response, 5)
			assert.Equal(t, "half ", string(page))
			assert.NoError(t, err)
			page, err = retry.Peek(a.Response, 6)
			assert.Equal(t, "half ", string(page))
			assert.True(t, errors.Is(err, cause) || errors.Is(err, context.DeadlineExceeded), "%v", err)
			return retry.Classify(a)
		}}).RoundTrip(req)
		require.NoError(t, err)
		assert.Equal(t, time.Minute, time.Since(begin))
		page, err := io.ReadAll(resp.Body)
		assert.Equal(t, "half ", string(page))
		assert.Error(t, err)
		assert.NoError(t, resp.Body.Close())
	})
}

// halfThenStall sends half an answer, and no more until the client has gone.
func halfThenStall(w http.ResponseWriter, r *http.Request) {
	_, _ = io.WriteString(w, "half ")
	_ = http.NewResponseController(w).Flush()
	<-r.Context().Done()
}

func TestPeekEndsWithTheContextAlsoIfTheBodyDoesNot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cause := errors.New("enough")
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Minute, cause)
		defer cancel()
		r, w := io.Pipe()
		resp := peekable(r)
		resp.Body, resp.Request = r, new(http.Request).WithContext(ctx)
		go func() { _, _ = io.WriteString(w, "half ") }()
		begin := time.Now()
		page, err := retry.Peek(resp, 9)
		assert.Equal(t, "half ", string(page))
		assert.Equal(t, cause, err)
		assert.Less(t, time.Since(begin), time.Minute+time.Second)
		go func() {
			_, _ = io.WriteString(w, "and half")
			w.Close()
		}()
		rest, err := io.ReadAll(resp.Body)
		assert.NoError(t, err)
		assert.Equal(t, "half and half", string(rest), "what came after the Peek is not lost")
	})
}

func TestCloseEndsAPeekAndAReadThatWait(t *testing.T) {
	for name, wait := range map[string]func(*http.Response) error{
		"Peek": func(resp *http.Response) error { _, err := retry.Peek(resp, 2); return err },
		"Read": func(resp *http.Response) error { _, err := resp.Body.Read(make([]byte, 1)); return err },
	} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			r, _ := io.Pipe()
			resp := &http.Response{StatusCode: 200, Body: r, Request: new(http.Request).WithContext(ctx)}
			_, err := retry.Peek(resp, 1)
			require.Equal(t, context.DeadlineExceeded, err)
			resp.Request = nil
			ended := make(chan error)
			go func() { ended <- wait(resp) }()
			synctest.Wait()
			assert.NoError(t, resp.Body.Close())
			assert.Equal(t, http.ErrBodyReadAfterClose, <-ended, name)
		})
	}
}

// http.Client.Timeout ends the context of its request as soon as the body has ended, and before Read returns.
func TestPeekOfABodyThatTakesItsContextAlongIsNoError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		resp := peekable(readerFunc(func(p []byte) (int, error) {
			cancel()
			time.Sleep(time.Millisecond)
			return copy(p, "OK"), io.EOF
		}))
		resp.Request = new(http.Request).WithContext(ctx)
		for range 2 {
			page, err := retry.Peek(resp, 100)
			assert.NoError(t, err)
			assert.Equal(t, "OK", string(page))
		}
		assert.Equal(t, "OK", readAndClose(t, resp))
	})
}

// What an AttemptTimeout ends is the Peek, and not the body.
func TestPeekEndsWithTheAttempt(t *testing.T) {
	overBoth(t, func(t *testing.T, proto string) {
		s := serve(t, proto, func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, "half ")
			_ = http.NewResponseController(w).Flush()
			time.Sleep(time.Hour)
			_, _ = io.WriteString(w, "and half")
		})
		peeked := func(a retry.Attempt) {
			page, err := retry.Peek(a.Response, 13)
			assert.Equal(t, "half ", string(page))
			assert.ErrorIs(t, err, context.DeadlineExceeded)
		}
		p := retry.Policy{
			AttemptTimeout: time.Minute,
			Classify:       func(a retry.Attempt) retry.Class { peeked(a); return retry.Classify(a) },
			OnAttempt:      func(a retry.Attempt, _ retry.Decision) { peeked(a) },
		}
		begin := time.Now()
		resp, err := retry.New(s.base, p).RoundTrip(newRequest(t, "GET", "http://example.com/", ""))
		require.NoError(t, err)
		assert.Less(t, time.Since(begin), time.Minute+time.Second)
		page, err := retry.Peek(resp, 13)
		assert.Equal(t, "half and half", string(page), "the caller has all the time of the context")
		assert.NoError(t, err)
		assert.Equal(t, "half and half", readAndClose(t, resp))
	})
}

func TestAPeekedResponseIsDiscardedLikeAnyOther(t *testing.T) {
	overBoth(t, func(t *testing.T, proto string) {
		tr, s := new(trail), serve(t, proto, perhaps(503, 200, 503))
		p := tr.eager(4)
		p.Backoff = retry.Constant(time.Millisecond) // in which net/http gets the connection back, on Go 1.27 too
		p.Classify = func(a retry.Attempt) retry.Class {
			page, err := retry.Peek(a.Response, 2)
			assert.NoError(t, err)
			if len(tr.steps) < 2 {
				return retry.Transient
			}
			assert.Equal(t, "Se", string(page))
			return retry.Final
		}
		resp, err := retry.New(s.base, p).RoundTrip(newRequest(t, "GET", "http://example.com/", ""))
		require.NoError(t, err)
		assert.Equal(t, "Service Unavailable", readAndClose(t, resp))
		assert.Equal(t, 3, retry.AttemptNumber(resp.Request.Context()))
		assert.Equal(t, 1, s.dialed(), "connections")
	})
}

func TestPeekEndsWithTheCancelChannel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		body := &hostile{read: blocking, close: nothing, end: make(chan struct{})}
		defer close(body.end)
		cancel := make(chan struct{})
		time.AfterFunc(time.Second, func() { close(cancel) })
		begin := time.Now()
		//lint:ignore SA1019 it must go on working
		req := &http.Request{Cancel: cancel}
		_, err := retry.Peek(&http.Response{StatusCode: 503, Body: body, Request: req}, 10)
		assert.EqualError(t, err, "the request's Cancel channel is closed")
		assert.LessOrEqual(t, time.Since(begin), time.Second+slack)
	})
}

func TestReadAheadEndsWithTheRequestWhateverTheResponseSaysItIsOf(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		body := &hostile{read: blocking, close: nothing, end: make(chan struct{})}
		defer close(body.end)
		s := play(func(*http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: 200, ContentLength: -1, Body: body, Request: &http.Request{}}, nil
		})
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		begin := time.Now()
		resp, _ := retry.New(s, retry.Policy{ReadAhead: 10}).RoundTrip(place("GET", "").under(ctx).Request)
		drop(resp)
		assert.LessOrEqual(t, time.Since(begin), time.Minute+slack)
	})
}
