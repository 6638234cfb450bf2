package retry_test

import (
	"bytes"
	"errors"
	"io"
	"math"
	"net"
	"net/http"
	"os"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-e3550de8/retry"
)

func TestSetBodySendsAsMuchAsItSays(t *testing.T) {
	for name, row := range map[string]struct {
		body   io.ReaderAt
		size   int64
		want   string
		length int64
	}{
		"all of it":          {strings.NewReader("text"), 4, "text", 4},
		"its beginning":      {strings.NewReader("text"), 2, "te", 2},
		"whatever there is":  {strings.NewReader("text"), -1, "text", -1},
		"still whatever":     {strings.NewReader("text"), math.MinInt64, "text", -1},
		"nothing":            {strings.NewReader("text"), 0, "", 0},
		"nil":                {nil, 4, "", 0},
		"a file":             {note(t, "text"), 4, "text", 4},
		"whatever a file is": {note(t, "text"), -1, "text", -1},
	} {
		s, req := play(answer(503), answer(503), answer(200)), newRequest(t, "PUT", "http://api.example/", "old")
		retry.SetBody(req, row.body, row.size)
		assert.Equal(t, row.length, req.ContentLength, name)
		assert.Equal(t, row.want == "", req.Body == http.NoBody, name)
		again, err := req.GetBody()
		require.NoError(t, err)
		text, err := io.ReadAll(again)
		require.NoError(t, errors.Join(err, again.Close()))
		assert.Equal(t, row.want, string(text), "%s: for a redirect", name)
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

type lies struct {
	n   int
	err error
}

func (l lies) ReadAt([]byte, int64) (int, error) { return l.n, l.err }

func TestSetBodyBearsAReaderThatLies(t *testing.T) {
	for _, row := range []struct {
		body io.ReaderAt
		n    int // of the first Read
		want error
		all  int
		end  error
	}{
		{strings.NewReader("text"), 4, nil, 4, io.ErrUnexpectedEOF},
		{lies{0, nil}, 0, io.ErrNoProgress, 0, io.ErrNoProgress},
		{lies{0, errPage}, 0, errPage, 0, errPage},
		{lies{-5, errPage}, 0, errPage, 0, errPage},
		{lies{3, errPage}, 3, errPage, 3, errPage},
		{lies{3, io.EOF}, 3, nil, 8, nil},
		{lies{math.MaxInt, nil}, 8, nil, 8, nil},
	} {
		req := newRequest(t, "PUT", "http://api.example/", "")
		retry.SetBody(req, row.body, 8)
		n, err := req.Body.Read(nil)
		assert.Zero(t, n)
		assert.NoError(t, err)
		n, err = req.Body.Read(make([]byte, 20))
		assert.Equal(t, row.n, n)
		assert.Equal(t, row.want, err)
		retry.SetBody(req, row.body, 8)
		text, err := io.ReadAll(req.Body)
		assert.ErrorIs(t, err, row.end)
		assert.Len(t, text, row.all)
		assert.NoError(t, req.Body.Close())
		_, err = req.Body.Read(make([]byte, 1))
		assert.Equal(t, http.ErrBodyReadAfterClose, err)
	}
}

// The kernel goes on to the end of what it is given, and by an offset that no other attempt may have.
func TestWhatTheKernelIsGivenOfASection(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux can open a file again by its descriptor")
	}
	device, err := os.Open("/dev/zero")
	require.NoError(t, err)
	gone := note(t, "a note")
	require.NoError(t, gone.Close())
	for name, row := range map[string]struct {
		file *os.File
		size int64
		want error
	}{
		"all of a file":   {note(t, "a note"), 6, nil},
		"all there is":    {note(t, "a note"), -1, nil},
		"more than it is": {note(t, "a note"), 7, nil},
		"its beginning":   {note(t, "a note"), 5, errors.ErrUnsupported},
		"a device":        {device, 6, errors.ErrUnsupported},
		"a closed file":   {gone, 6, errors.ErrUnsupported},
	} {
		req := newRequest(t, "PUT", "http://api.example/", "")
		retry.SetBody(req, row.file, row.size)
		for range 2 {
			askForKernel(t, name, req.Body, row.want)
			body, err := req.GetBody()
			if name == "a closed file" || name == "more than it is" {
				assert.Error(t, err, name)
				break
			}
			require.NoError(t, err, name)
			req.Body = body
		}
		_ = row.file.Close()
		assert.NoError(t, req.Body.Close())
		assert.Zero(t, descriptors(row.file.Name()), name)
	}
}

// askForKernel asks twice for what the kernel is given of body, and once more after its Close.
func askForKernel(t *testing.T, name string, body io.ReadCloser, want error) {
	conn, err := body.(syscall.Conn).SyscallConn()
	if want == nil {
		assert.NoError(t, err, name)
		assert.NotNil(t, conn, name)
	} else {
		assert.ErrorIs(t, err, want, name)
	}
	_, err = body.(syscall.Conn).SyscallConn()
	assert.ErrorIs(t, err, os.ErrClosed, "%s: asked again", name)
	assert.NoError(t, body.Close())
}

// A base may read on when it has answered, and close a body again and again.
func TestABodyIsOpenForAsLongAsAnAttemptReadsIt(t *testing.T) {
	v := &vault{text: bytes.NewReader([]byte("a text of its own"))}
	var bodies []io.ReadCloser
	begin := make([]byte, 2)
	rt := retry.New(roundTripperFunc(func(req *http.Request) (*http.Response, error) {
		bodies = append(bodies, req.Body)
		_, err := io.ReadFull(req.Body, begin)
		assert.NoError(t, err)
		if len(bodies) == 1 {
			for range 3 {
				assert.NoError(t, req.Body.Close())
			}
		}
		return &http.Response{StatusCode: []int{503, 503, 200}[len(bodies)-1], Request: req}, nil
	}), noWait)
	resp, err := rt.RoundTrip(putting(t, v))
	require.NoError(t, err)
	assert.Equal(t, 200, resp.StatusCode)
	for i, body := range bodies {
		text, err := io.ReadAll(body)
		if i == 0 {
			assert.Equal(t, http.ErrBodyReadAfterClose, err)
			continue
		}
		assert.NoError(t, err)
		assert.Equal(t, "text of its own", string(text))
		assert.False(t, v.over(t)(), "it is in use")
		assert.NoError(t, body.Close())
	}
	assert.True(t, v.over(t)())
	checkShut(t, resp.Request.GetBody)
	assert.True(t, v.over(t)())
}

// checkShut demands that nothing can be read any more, also after two bodies that were made too late were closed.
func checkShut(t *testing.T, getBody func() (io.ReadCloser, error)) {
	first, err1 := getBody()
	second, err2 := getBody()
	require.NoError(t, errors.Join(err1, err2, first.Close(), second.Close()))
	third, err := getBody()
	require.NoError(t, err)
	for _, late := range []io.ReadCloser{first, second, third} {
		n, err := late.Read(make([]byte, 1))
		assert.Zero(t, n)
		assert.Equal(t, http.ErrBodyReadAfterClose, err, "it is closed for good")
		assert.NoError(t, late.Close())
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
		_, err = io.CopyN(out, req.Body, 2)
		require.NoError(t, err)
		next := make([]byte, 2)
		_, err = io.ReadFull(iotest.OneByteReader(req.Body), next)
		require.NoError(t, err)
		assert.Equal(t, "no", string(next), "it is read on where the kernel has stopped")
		n, err := io.Copy(out, req.Body)
		require.NoError(t, err)
		assert.Equal(t, size-4, n)
		require.NoError(t, out.Close())
		unused, err := req.GetBody()
		require.NoError(t, errors.Join(err, unused.Close()))
		_, err = unused.(syscall.Conn).SyscallConn()
		assert.ErrorIs(t, err, os.ErrClosed)
		text, err := io.ReadAll(in)
		require.NoError(t, err)
		assert.Equal(t, "a "+"te"[:size-4], string(text))
		_, err = req.Body.Read(make([]byte, 1))
		assert.Equal(t, io.EOF, err)
		assert.NoError(t, errors.Join(in.Close(), req.Body.Close(), f.Close()))
	}
}
