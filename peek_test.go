package retry_test

import (
	"errors"
	"io"
	"math"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-e3550de8/retry"
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
					if n > 10-skip {
						assert.ErrorIs(t, err, errPage, "%s, %v", name, sizes)
					} else {
						assert.NoError(t, err, "%s, %v", name, sizes)
					}
				}
				rest, err := io.ReadAll(resp.Body)
				assert.Equal(t, "0123456789"[skip:], string(rest))
				assert.ErrorIs(t, err, errPage)
			}
		}
	}
}

func TestPeekOfABodyThatEndsIsNoError(t *testing.T) {
	for _, body := range []string{"", "short"} {
		resp := peekable(strings.NewReader(body))
		for range 2 {
			page, err := retry.Peek(resp, 1<<30)
			assert.NoError(t, err)
			assert.Equal(t, body, string(page))
		}
		assert.Equal(t, body, readAndClose(t, resp))
		_, err := retry.Peek(resp, 1)
		assert.Equal(t, http.ErrBodyReadAfterClose, err)
		n, err := resp.Body.Read(make([]byte, 1))
		assert.Zero(t, n)
		assert.Equal(t, http.ErrBodyReadAfterClose, err)
	}
}

func TestPeekGivesNothingWhereThereIsNoBody(t *testing.T) {
	body := io.NopCloser(iotest.ErrReader(errPage))
	for name, resp := range map[string]*http.Response{
		"nil":     nil,
		"no body": {StatusCode: 200},
		"NoBody":  {StatusCode: 200, Body: http.NoBody},
		"101":     {StatusCode: 101, Body: body},
		"204":     {StatusCode: 204, Body: body},
		"304":     {StatusCode: 304, Body: body},
		"HEAD":    {StatusCode: 200, Body: body, Request: &http.Request{Method: "HEAD"}},
		"CONNECT": {StatusCode: 299, Body: body, Request: &http.Request{Method: "CONNECT"}},
	} {
		page, err := retry.Peek(resp, 10)
		assert.NoError(t, err, name)
		assert.Empty(t, page, name)
		if resp != nil && resp.Body != nil && resp.Body != http.NoBody {
			assert.Equal(t, body, resp.Body, "%s: nobody has looked at it", name)
		}
	}
	refused := &http.Response{StatusCode: 503, Body: body, Request: &http.Request{Method: "CONNECT"}}
	_, err := retry.Peek(refused, 1)
	assert.Equal(t, errPage, err, "there is no tunnel")
	for _, n := range []int{0, -1, math.MinInt} {
		resp := &http.Response{StatusCode: 200, Body: body}
		page, err := retry.Peek(resp, n)
		assert.NoError(t, err)
		assert.Empty(t, page)
		assert.Equal(t, body, resp.Body)
	}
}

func TestPeekGivesUpOnABodyThatSaysNothing(t *testing.T) {
	for n, want := range map[int]error{99: nil, 100: io.ErrNoProgress} {
		page, err := retry.Peek(peekable(stammering(n, "text")), 4)
		assert.Equal(t, want, err, n)
		assert.Equal(t, want == nil, string(page) == "text")
	}
	late := readerFunc(func([]byte) (int, error) { return 0, nil })
	page, err := retry.Peek(peekable(io.MultiReader(strings.NewReader("te"), late)), 4)
	assert.Equal(t, io.ErrNoProgress, err)
	assert.Equal(t, "te", string(page))
}

func TestPeekSurvivesABodyThatMiscounts(t *testing.T) {
	for _, n := range []int{-1, math.MinInt, math.MaxInt} {
		resp := peekable(readerFunc(func([]byte) (int, error) { return n, io.EOF }))
		page, err := retry.Peek(resp, 3)
		assert.NoError(t, err)
		assert.Len(t, page, max(min(n, 3), 0))
	}
}

func TestAPanicOfTheBodyReachesWhoPeeks(t *testing.T) {
	resp := peekable(readerFunc(func([]byte) (int, error) { panic("torn") }))
	assert.PanicsWithValue(t, "torn", func() { _, _ = retry.Peek(resp, 1) })
	assert.PanicsWithValue(t, "torn", func() { _, _ = resp.Body.Read(make([]byte, 1)) })
}
