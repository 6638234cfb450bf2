package retry_test

import (
	"context"
	"errors"
	"io"
	"math"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-e3550de8/retry"
	"github.com/seed-e3550de8/retry/httpfault"
)

// peekable is a response with this body.
func peekable(body io.Reader) *http.Response {
	return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(body)}
}

var errPage = errors.New("the page is torn")

// torn reads "0123456789" and then fails.
func torn() io.Reader {
	return io.MultiReader(strings.NewReader("0123456789"), iotest.ErrReader(errPage))
}

func TestPeekLeavesEveryByteAndTheErrorWhereItWas(t *testing.T) {
	readers := map[string]func(io.Reader) io.Reader{
		"as they come": func(r io.Reader) io.Reader { return r },
		"one by one":   iotest.OneByteReader, "in halves": iotest.HalfReader,
		"with the error": iotest.DataErrReader, "one by one, with the error": func(r io.Reader) io.Reader {
			return iotest.DataErrReader(iotest.OneByteReader(r))
		},
	}
	for name, reader := range readers {
		for _, sizes := range [][]int{{1}, {9, 3}, {10}, {11}, {3, 7, 20}, {math.MaxInt}, {11, 11}, {10, 11}} {
			for skip := range 3 {
				resp := peekable(reader(torn()))
				_, err := io.ReadFull(resp.Body, make([]byte, skip))
				require.NoError(t, err)
				for _, n := range sizes {
					page, err := retry.Peek(resp, n)
					assert.Equal(t, "0123456789"[skip:skip+min(n, 10-skip)], string(page), "%s, %v", name, sizes)
					_ = append(page, "scribble"...) // which must not reach what is to be read
					assert.Equal(t, map[bool]error{true: errPage}[n > 10-skip], err, "%s, %v", name, sizes)
				}
				rest, err := io.ReadAll(resp.Body)
				assert.Equal(t, "0123456789"[skip:], string(rest))
				assert.ErrorIs(t, err, errPage)
			}
		}
	}
}

func TestWhatPeekSeesOfAnOddBody(t *testing.T) {
	counting := func(n int, err error) io.Reader { return readerFunc(func([]byte) (int, error) { return n, err }) }
	for name, row := range map[string]struct {
		body io.Reader
		n    int
		want string
		err  error
	}{
		"empty":                   {strings.NewReader(""), 1 << 30, "", nil},
		"shorter":                 {strings.NewReader("short"), 1 << 30, "short", nil},
		"nothing 99 times a byte": {stammering(99, "text"), 4, "text", nil},
		"nothing a hundred times": {stammering(100, "text"), 4, "", io.ErrNoProgress},
		"nothing any more":        {io.MultiReader(strings.NewReader("te"), counting(0, nil)), 4, "te", io.ErrNoProgress},
		"less than nothing":       {counting(-1, io.EOF), 3, "", nil},
		"more than there is room": {counting(math.MaxInt, io.EOF), 3, "\000\000\000", nil},
	} {
		resp := peekable(row.body)
		for range 2 {
			page, err := retry.Peek(resp, row.n)
			assert.Equal(t, row.err, err, name)
			assert.Equal(t, row.want, string(page), name)
			if err != nil {
				break
			}
		}
		if row.err == nil {
			assert.Equal(t, row.want, readAndClose(t, resp), name)
		}
		assert.NoError(t, resp.Body.Close())
		_, err := retry.Peek(resp, 1)
		assert.Equal(t, http.ErrBodyReadAfterClose, err)
		n, err := resp.Body.Read(make([]byte, 1))
		assert.Zero(t, n)
		assert.Equal(t, http.ErrBodyReadAfterClose, err)
	}
}

func TestPeekGivesNothingWhereThereIsNoBody(t *testing.T) {
	body := io.NopCloser(iotest.ErrReader(errPage))
	connect := &http.Request{Method: "CONNECT"}
	for name, row := range map[string]struct {
		resp *http.Response
		n    int
		want error
	}{
		"nil":               {nil, 10, nil},
		"no body":           {&http.Response{StatusCode: 200}, 10, nil},
		"NoBody":            {&http.Response{StatusCode: 200, Body: http.NoBody}, 10, nil},
		"101":               {&http.Response{StatusCode: 101, Body: body}, 10, nil},
		"204":               {&http.Response{StatusCode: 204, Body: body}, 10, nil},
		"304":               {&http.Response{StatusCode: 304, Body: body}, 10, nil},
		"HEAD":              {&http.Response{StatusCode: 200, Body: body, Request: &http.Request{Method: "HEAD"}}, 10, nil},
		"a tunnel":          {&http.Response{StatusCode: 299, Body: body, Request: connect}, 10, nil},
		"no tunnel":         {&http.Response{StatusCode: 503, Body: body, Request: connect}, 10, errPage},
		"nothing asked":     {&http.Response{StatusCode: 200, Body: body}, 0, nil},
		"less than nothing": {&http.Response{StatusCode: 200, Body: body}, math.MinInt, nil},
	} {
		page, err := retry.Peek(row.resp, row.n)
		assert.Equal(t, row.want, err, name)
		assert.Empty(t, page, name)
		if row.want == nil && row.resp != nil && row.resp.Body != nil {
			assert.Contains(t, []io.ReadCloser{body, http.NoBody}, row.resp.Body, "%s: nobody has looked at it", name)
		}
	}
}

func TestAPanicOfTheBodyReachesWhoPeeks(t *testing.T) {
	resp := peekable(readerFunc(func([]byte) (int, error) { panic("torn") }))
	assert.PanicsWithValue(t, "torn", func() { _, _ = retry.Peek(resp, 1) })
	assert.PanicsWithValue(t, "torn", func() { _, _ = resp.Body.Read(make([]byte, 1)) })
}

var halfAndHalf = httpfault.Status(200).Body("half and half").Drip(5, time.Hour)

// The body of net/http ends with its context, so that its own error may say why.
func TestPeekEndsWithTheRequest(t *testing.T) {
	overBoth(t, func(t *testing.T, proto string) {
		s, cause, begin := faulty(t, proto, halfAndHalf), errors.New("enough"), time.Now()
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Minute, cause)
		defer cancel()
		resp, err := s.Transport().RoundTrip(newRequest(t, "GET", s.URL, "").WithContext(ctx))
		require.NoError(t, err)
		page, err := retry.Peek(resp, 6)
		assert.Equal(t, "half ", string(page))
		assert.True(t, errors.Is(err, cause) || errors.Is(err, context.DeadlineExceeded), "%v", err)
		assert.Equal(t, time.Minute, time.Since(begin))
		page, err = io.ReadAll(resp.Body)
		assert.Equal(t, "half ", string(page))
		assert.Error(t, err)
		assert.NoError(t, resp.Body.Close())
	})
}

// What an AttemptTimeout ends is the Peek, and not the body.
func TestPeekEndsWithTheAttempt(t *testing.T) {
	overBoth(t, func(t *testing.T, proto string) {
		s, begin := faulty(t, proto, halfAndHalf), time.Now()
		p := retry.Policy{AttemptTimeout: time.Minute, OnAttempt: func(a retry.Attempt, _ retry.Decision) {
			page, err := retry.Peek(a.Response, 13)
			assert.Equal(t, "half ", string(page))
			assert.ErrorIs(t, err, context.DeadlineExceeded)
			assert.Less(t, time.Since(begin), time.Minute+time.Second)
		}}
		resp, err := retry.New(s.Transport(), p).RoundTrip(newRequest(t, "GET", s.URL, ""))
		require.NoError(t, err)
		page, err := retry.Peek(resp, 13)
		assert.Equal(t, "half and half", string(page), "the caller has all the time of the context")
		assert.NoError(t, err)
		assert.Equal(t, "half and half", readAndClose(t, resp))
	})
}

func TestPeekEndsWithTheRequestAlsoIfTheBodyDoesNot(t *testing.T) {
	cause, gone := errors.New("enough"), "the request's Cancel channel is closed"
	for want, end := range map[string]func(*http.Request, time.Duration) *http.Request{
		cause.Error(): func(req *http.Request, d time.Duration) *http.Request {
			ctx, cancel := context.WithTimeoutCause(req.Context(), d, cause)
			time.AfterFunc(time.Hour, cancel)
			return req.WithContext(ctx)
		},
		gone: func(req *http.Request, d time.Duration) *http.Request {
			done := make(chan struct{})
			time.AfterFunc(d, func() { close(done) })
			//lint:ignore SA1019 it must go on working
			return &http.Request{Cancel: done}
		},
	} {
		synctest.Test(t, func(t *testing.T) {
			r, w := io.Pipe()
			resp, begin := peekable(r), time.Now()
			resp.Request = end(new(http.Request), time.Minute)
			go func() { _, _ = io.WriteString(w, "half ") }()
			page, err := retry.Peek(resp, 9)
			assert.Equal(t, "half ", string(page), want)
			assert.Len(t, page, cap(page), "what is appended to it is in nobody's way")
			assert.EqualError(t, err, want)
			assert.LessOrEqual(t, time.Since(begin), time.Minute+slack, want)
			_, err = io.ReadFull(resp.Body, make([]byte, 5))
			assert.NoError(t, err, "what is there is not waited for")
			go func() {
				_, _ = io.WriteString(w, "and half")
				w.Close()
			}()
			assert.Equal(t, "and half", readAndClose(t, resp), "what came after the Peek is not lost")
		})
	}
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
			resp := &http.Response{StatusCode: 200, Request: new(http.Request).WithContext(ctx)}
			resp.Body = onClose{r, func() { synctest.Wait(); r.Close(); synctest.Wait() }} // what waits ends before that
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
