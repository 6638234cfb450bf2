package resume_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-e3550de8/retry"
	"github.com/seed-e3550de8/retry/resume"
)

func TestLastModifiedNamesTheContentToo(t *testing.T) {
	const older, old = "Fri, 31 Dec 1999 00:00:00 GMT", "Sat, 01 Jan 2000 00:00:00 GMT"
	const date = "Sat, 01 Jan 2000 00:00:01 GMT"
	dated := func(status int, text string, err error, fields ...string) func() (*http.Response, error) {
		fields = append([]string{"Etag", "", "Date", date, "Content-Range", "bytes 4-9/10"}, fields...)
		return reply(status, -1, text, err, fields...)
	}
	for name, tc := range map[string]struct {
		answer func() (*http.Response, error)
		want   error
	}{
		"the same":        {dated(206, "456789", nil, "Last-Modified", old), io.EOF},
		"not repeated":    {dated(206, "456789", nil), io.EOF},
		"changed":         {dated(206, "456789", nil, "Last-Modified", older), resume.ErrChanged},
		"an ETag as well": {dated(206, "456789", nil, "Last-Modified", old, "Etag", tag), resume.ErrChanged},
		"whole, the same": {dated(200, "0123456789", nil, "Last-Modified", old, "Content-Range", ""), io.EOF},
		"whole, without":  {dated(200, "0123456789", nil, "Content-Range", ""), resume.ErrRefused},
	} {
		t.Run(name, func(t *testing.T) {
			first := reply(200, 10, "0123", errFirst, "Etag", "", "Date", date, "Last-Modified", old)
			base := &script{answers: []func() (*http.Response, error){first, tc.answer}}
			got, err := download(t, resume.New(base, resume.Policy{Backoff: retry.Constant(0)}), get(t))
			assert.Equal(t, old, base.requests[1].Header.Get("If-Range"))
			if tc.want == io.EOF {
				require.NoError(t, err)
				assert.Equal(t, "0123456789", string(got))
				return
			}
			require.ErrorIs(t, err, tc.want)
			require.ErrorIs(t, err, errFirst)
		})
	}
}

func TestALengthThatIsLearnedIsTold(t *testing.T) {
	open, whole := reply(200, -1, "0123", errFirst), reply(200, 10, "012345", errSecond)
	base := &script{answers: []func() (*http.Response, error){open, whole, part("6789", nil, "bytes 6-9/10")}}
	var totals []int64
	p := resume.Policy{Backoff: retry.Constant(0), OnContinue: func(c resume.Continuation) {
		totals = append(totals, c.Total)
	}}
	got, err := download(t, resume.New(base, p), get(t))
	require.NoError(t, err)
	assert.Equal(t, "0123456789", string(got))
	assert.Equal(t, []int64{-1, 10}, totals)
}

func TestTheContextOfAContinuationEndsWithTheBody(t *testing.T) {
	for name, last := range map[string]func() (*http.Response, error){
		"all is read": part("456789", nil, "bytes 4-9/10"),
		"an error":    reply(404, 0, "", nil),
	} {
		t.Run(name, func(t *testing.T) {
			base := &script{answers: []func() (*http.Response, error){reply(200, 10, "0123", errFirst), last}}
			resp, err := resume.New(base, resume.Policy{Backoff: retry.Constant(0)}).RoundTrip(get(t))
			require.NoError(t, err)
			_, _ = io.Copy(io.Discard, resp.Body)
			assert.Error(t, base.requests[1].Context().Err(), "also if nobody closes the body")
			require.NoError(t, resp.Body.Close())
		})
	}
}

func TestAResponseThatComesAfterCloseIsClosed(t *testing.T) {
	base := &script{answers: []func() (*http.Response, error){reply(200, 10, "0123", errFirst), nil}}
	resp, err := resume.New(base, resume.Policy{Backoff: retry.Constant(0)}).RoundTrip(get(t))
	require.NoError(t, err)
	base.answers[1] = func() (*http.Response, error) {
		require.NoError(t, resp.Body.Close())
		return part("456789", nil, "bytes 4-9/10")()
	}
	_, err = io.ReadAll(resp.Body)
	require.ErrorIs(t, err, http.ErrBodyReadAfterClose)
	require.ErrorIs(t, err, errFirst)
	assert.Zero(t, requireError(t, err).StatusCode, "it is not why")
	require.Len(t, base.bodies, 2)
	assert.Equal(t, 1, base.bodies[1].closed)
}

func TestTheBrokenBodyIsClosedBeforeTheWait(t *testing.T) {
	base := &script{answers: []func() (*http.Response, error){reply(200, 10, "0123", errFirst), reply(404, 0, "", nil)}}
	told := false
	p := resume.Policy{Backoff: retry.Constant(0), OnContinue: func(resume.Continuation) {
		told = true
		assert.Equal(t, 1, base.bodies[0].closed)
	}}
	_, err := download(t, resume.New(base, p), get(t))
	require.ErrorIs(t, err, errFirst)
	assert.True(t, told)
}

func TestTheCancelChannelEndsTheWait(t *testing.T) {
	base := &script{answers: []func() (*http.Response, error){reply(200, 10, "0123", errFirst)}}
	req, cancel := get(t), make(chan struct{})
	//lint:ignore SA1019 http.Client still sets it
	req.Cancel = cancel
	p := resume.Policy{Backoff: retry.Constant(1 << 62), OnContinue: func(resume.Continuation) { close(cancel) }}
	_, err := download(t, resume.New(base, p), req)
	require.ErrorIs(t, err, context.Canceled)
	require.ErrorIs(t, err, errFirst)
	assert.Len(t, base.requests, 1)
}

func TestTheLastFailureTellsWhetherItWasATimeout(t *testing.T) {
	late, once := os.ErrDeadlineExceeded, resume.Policy{MaxContinuations: 1}
	failed := func() (*http.Response, error) { return nil, late }
	for name, tc := range map[string]struct {
		p    resume.Policy
		last func() (*http.Response, error)
		want bool
	}{
		"the last break":          {once, part("45", late, "bytes 4-9/10"), true},
		"the last break, another": {once, part("45", errSecond, "bytes 4-9/10"), false},
		"a refusal":               {resume.Policy{}, reply(404, 0, "", nil), false},
		"the base's error":        {resume.Policy{}, failed, true},
	} {
		t.Run(name, func(t *testing.T) {
			tc.p.Backoff = retry.Constant(0)
			base := &script{answers: []func() (*http.Response, error){reply(200, 10, "0123", late), tc.last}}
			_, err := download(t, resume.New(base, tc.p), get(t))
			assert.Equal(t, tc.want, requireError(t, err).Timeout())
		})
	}
	ended := &resume.Error{Reason: errors.Join(context.DeadlineExceeded, anything{})}
	assert.True(t, ended.Timeout(), "whatever the cause of a context takes itself for")
}

func TestARequestWithoutAHeaderIsContinued(t *testing.T) {
	for _, identity := range []bool{false, true} {
		base := &script{answers: []func() (*http.Response, error){
			reply(200, 10, "0123", errFirst), part("456789", nil, "bytes 4-9/10"),
		}}
		req := get(t)
		req.Header = nil
		got, err := download(t, resume.New(base, resume.Policy{Backoff: retry.Constant(0), Identity: identity}), req)
		require.NoError(t, err)
		assert.Equal(t, "0123456789", string(got))
		assert.Nil(t, req.Header)
	}
}

// anything is an error that says that it is any other.
type anything struct{}

func (anything) Error() string { return "anything" }
func (anything) Is(error) bool { return true }

// endless is a body without an end.
type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

func TestAReadTakesNoMemory(t *testing.T) {
	answer := func() (*http.Response, error) {
		resp, err := reply(200, 1<<62, "", nil)()
		resp.Body = &tracked{Reader: endless{}}
		return resp, err
	}
	base := &script{answers: []func() (*http.Response, error){answer}}
	resp, err := resume.New(base, resume.Policy{}).RoundTrip(get(t))
	require.NoError(t, err)
	defer resp.Body.Close()
	require.NotSame(t, base.bodies[0], resp.Body)
	buf := make([]byte, 32<<10)
	assert.Zero(t, testing.AllocsPerRun(1000, func() { _, err = resp.Body.Read(buf) }))
	require.NoError(t, err)
}
