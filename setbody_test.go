package retry_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"math"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-e3550de8/retry"
	"github.com/seed-e3550de8/retry/httpfault"
)

func TestSetBodySendsAsMuchAsItSays(t *testing.T) {
	for name, row := range map[string]struct {
		body   io.ReaderAt
		size   int64
		want   string
		length int64
	}{
		"all of it":             {strings.NewReader("text"), 4, "text", 4},
		"its beginning":         {strings.NewReader("text"), 2, "te", 2},
		"whatever there is":     {strings.NewReader("text"), -1, "text", -1},
		"still whatever":        {strings.NewReader("text"), math.MinInt64, "text", -1},
		"nothing":               {strings.NewReader("text"), 0, "", 0},
		"nil":                   {nil, 4, "", 0},
		"a file":                {note(t, "text"), 4, "text", 4},
		"whatever a file is":    {note(t, "text"), -1, "text", -1},
		"a reader that is lazy": {lazy{strings.NewReader("text")}, 4, "text", 4},
	} {
		s, req := play(answer(503), answer(503), answer(200)), newRequest(t, "PUT", "http://api.example/", "old")
		retry.SetBody(req, row.body, row.size)
		assert.Equal(t, row.length, req.ContentLength, name)
		assert.True(t, retry.Replayable(req), name)
		resp, err := retry.New(s, noWait).RoundTrip(req)
		require.NoError(t, err, name)
		assert.NoError(t, resp.Body.Close())
		assert.Equal(t, []string{row.want, row.want, row.want}, s.texts(), name)
		if c, ok := row.body.(io.Closer); ok {
			assert.NoError(t, c.Close(), "it is the caller's to close")
		}
	}
	assert.NotPanics(t, func() { retry.SetBody(nil, strings.NewReader("text"), 4) })
}

// lazy returns io.EOF with the last byte, as a ReaderAt may.
type lazy struct{ *strings.Reader }

func (l lazy) ReadAt(p []byte, off int64) (int, error) {
	n, err := l.Reader.ReadAt(p, off)
	if off+int64(n) == l.Size() {
		err = io.EOF
	}
	return n, err
}

type lies struct {
	n   int
	err error
}

func (l lies) ReadAt([]byte, int64) (int, error) { return l.n, l.err }

func TestSetBodyBearsAReaderThatLies(t *testing.T) {
	for want, body := range map[error]io.ReaderAt{
		io.ErrUnexpectedEOF: strings.NewReader("text"),
		io.ErrNoProgress:    lies{0, nil},
		errPage:             lies{-5, errPage},
		nil:                 lies{math.MaxInt, nil},
	} {
		req := newRequest(t, "PUT", "http://api.example/", "")
		retry.SetBody(req, body, 8)
		text, err := io.ReadAll(req.Body)
		assert.ErrorIs(t, err, want)
		assert.LessOrEqual(t, len(text), 8)
		assert.NoError(t, req.Body.Close())
		_, err = req.Body.Read(make([]byte, 1))
		assert.Equal(t, http.ErrBodyReadAfterClose, err)
	}
}

func TestOneSetBodyServesManyRequests(t *testing.T) {
	text := bytes.Repeat([]byte("the same for everybody. "), 4096)
	body, sum := bytes.NewReader(text), sha256.Sum256(text)
	s := httpfault.NewServer(t, httpfault.Status(503).Early().Times(8), httpfault.OK("").Times(16))
	client := &http.Client{Transport: retry.New(s.Transport(), new(trail).eager(9))}
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			req := newRequest(t, "PUT", s.URL, "")
			retry.SetBody(req, body, body.Size())
			resp, err := client.Do(req)
			if assert.NoError(t, err) {
				assert.NoError(t, resp.Body.Close())
			}
		})
	}
	all.Wait()
	for _, r := range s.Requests()[8:] {
		assert.True(t, r.Whole)
		assert.Equal(t, hex.EncodeToString(sum[:]), r.SHA256)
	}
}

// A section lets the kernel send it, which must not go on beyond its end.
func TestASectionOfAFileThatIsCopiedToASocketEndsWhereItEnds(t *testing.T) {
	li, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer li.Close()
	for _, size := range []int64{4, 6} {
		f := note(t, "a note")
		req := newRequest(t, "PUT", "http://api.example/", "")
		retry.SetBody(req, f, size)
		out, err := net.Dial("tcp", li.Addr().String())
		require.NoError(t, err)
		in, err := li.Accept()
		require.NoError(t, err)
		n, err := io.Copy(out, req.Body)
		require.NoError(t, err)
		assert.Equal(t, size, n)
		require.NoError(t, out.Close())
		text, err := io.ReadAll(in)
		require.NoError(t, err)
		assert.Equal(t, "a note"[:size], string(text))
		_, err = req.Body.Read(make([]byte, 1))
		assert.Equal(t, io.EOF, err)
		assert.NoError(t, errors.Join(in.Close(), req.Body.Close(), f.Close()))
	}
}
