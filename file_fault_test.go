package retry_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-e3550de8/retry"
	"github.com/seed-e3550de8/retry/httpfault"
)

// note writes a file and opens it for reading and writing.
func note(t *testing.T, text string) *os.File {
	name := filepath.Join(t.TempDir(), "note")
	require.NoError(t, os.WriteFile(name, []byte(text), 0o600))
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	require.NoError(t, err)
	return f
}

// closed reports whether f is, and nobody has its file open by another descriptor.
func closed(f *os.File) func() bool {
	return func() bool { _, err := f.Stat(); return err != nil && descriptors(f.Name()) == 0 }
}

// kept reports whether f is open, and nobody has its file open by another descriptor.
func kept(f *os.File) func() bool {
	return func() bool { _, err := f.Stat(); return err == nil && descriptors(f.Name()) <= 1 }
}

// descriptors returns by how many this process has a file open, on Linux, or 0.
func descriptors(name string) (n int) {
	links, _ := filepath.Glob("/proc/self/fd/*")
	for _, link := range links {
		if to, err := os.Readlink(link); err == nil && to == name {
			n++
		}
	}
	return n
}

// putting makes a request with this body and no GetBody.
func putting(t testing.TB, body io.ReadCloser) *http.Request {
	req := newRequest(t, "PUT", "http://api.example/", "")
	req.Body = body
	return req
}

// own reads otherwise than the file that it embeds.
type own struct{ *os.File }

func (o own) Read(p []byte) (int, error) {
	n, err := o.File.Read(p)
	copy(p, bytes.ToUpper(p[:n]))
	return n, err
}

func TestABodyThatCannotBeReadAtAnOffsetIsSentOnceAsItIs(t *testing.T) {
	r, w, err := os.Pipe()
	require.NoError(t, err)
	_, err = w.WriteString("in a pipe")
	require.NoError(t, errors.Join(err, w.Close()))
	for name, row := range map[string]struct {
		body io.ReadCloser
		want string
	}{
		"a pipe":               {r, "in a pipe"},
		"a pipe in memory":     {io.NopCloser(io.MultiReader(strings.NewReader("in memory"))), "in memory"},
		"a file read its way":  {own{note(t, "shout")}, "SHOUT"},
		"a pointer to one":     {&own{note(t, "shout")}, "SHOUT"},
		"one that can't seek":  {seeking(0, io.SeekCurrent), ""},
		"a vault inside":       {&struct{ vault }{vault{text: bytes.NewReader([]byte("inside"))}}, "inside"},
		"an empty file":        {note(t, ""), ""},
		"a vault at its end":   {&vault{text: bytes.NewReader(nil)}, ""},
		"a NopCloser of those": {io.NopCloser(struct{ io.Reader }{strings.NewReader("plain")}), "plain"},
	} {
		req := putting(t, row.body)
		assert.False(t, retry.Replayable(req), name)
		s, tr := play(answer(503), answer(200)), new(trail)
		resp, err := retry.New(s, tr.eager(4)).RoundTrip(req)
		require.NoError(t, err, name)
		assert.Equal(t, "body of 503", readAndClose(t, resp), name)
		assert.Equal(t, []string{row.want}, s.texts(), name)
		assert.ErrorIs(t, tr.last().Reason, retry.ErrNotReplayable, name)
		assert.Same(t, req, s.sent[0].req, name)
	}
}

func TestAFileThatBecomesTooShortFailsTheAttempt(t *testing.T) {
	for _, proto := range []httpfault.Protocol{httpfault.HTTP1, httpfault.HTTP2} {
		for _, declared := range []int64{0, *uploadSize} {
			p := pack(t, *uploadSize)
			truncate := func(_ http.ResponseWriter, r *http.Request) {
				_, _ = io.CopyN(io.Discard, r.Body, 1)
				assert.NoError(t, os.Truncate(p.name, p.size-1))
				_, _ = io.Copy(io.Discard, r.Body)
				panic(http.ErrAbortHandler)
			}
			s := httpfault.Config{Protocol: proto, Pipe: true}.NewServer(t, httpfault.HandleFunc(truncate))
			req := newRequest(t, "PUT", s.URL, "")
			req.Body, req.ContentLength = p.open(t), declared
			_, err := retry.New(s.Transport(), new(trail).eager(1)).RoundTrip(req)
			assert.ErrorIs(t, err, io.ErrUnexpectedEOF, "%v, %d", proto, declared)
			assert.ErrorContains(t, err, fmt.Sprintf("request body ended after %d of %d bytes", p.size-1-preface, p.size))
		}
	}
}

func TestAFileIsSentAsItWasWhateverBecomesOfIt(t *testing.T) {
	grow := func(f *os.File) { _, err := f.WriteAt([]byte(" more"), 6); assert.NoError(t, err) }
	cut := func(to int64) func(*os.File) { return func(f *os.File) { assert.NoError(t, f.Truncate(to)) } }
	remove := func(f *os.File) { _ = os.Remove(f.Name()) }
	for name, row := range map[string]struct {
		declared int64
		change   func(*os.File) // after each attempt
		text     string
		ended    string // where there is no retry, so that the response in hand is returned
	}{
		"it grows":                              {0, grow, "note", ""},
		"it grows, declared":                    {4, grow, "note", ""},
		"declared to be shorter":                {3, grow, "not", ""},
		"it is removed":                         {0, remove, "note", ""},
		"it becomes shorter, but not too short": {3, cut(5), "not", ""},
		"it becomes too short":                  {0, cut(5), "note", "3 of 4 bytes"},
		"it ends where it begins":               {0, cut(2), "note", "0 of 4 bytes"},
		"it ends before it begins":              {0, cut(1), "note", "0 of 4 bytes"},
	} {
		f, p := note(t, "a note"), noWait
		_, err := f.Seek(2, io.SeekStart)
		require.NoError(t, err)
		p.OnAttempt = func(retry.Attempt, retry.Decision) { row.change(f) }
		var d retry.Decision
		req := putting(t, f).WithContext(retry.WithDecision(t.Context(), &d))
		req.ContentLength = row.declared
		s := play(answer(503), answer(503), answer(200))
		resp, err := retry.New(s, p).RoundTrip(req)
		require.NoError(t, err, name)
		page, texts := "body of 200", []string{row.text, row.text, row.text}
		if row.ended != "" {
			page, texts = "body of 503", texts[:1]
			assert.EqualError(t, d.Reason, "request body not replayable: retry: request body ended after "+row.ended)
		}
		assert.Equal(t, page, readAndClose(t, resp), name)
		assert.Equal(t, texts, s.texts(), name)
		assert.True(t, closed(f)(), name)
		assert.True(t, req.Body == f && req.GetBody == nil, "%s: the caller's request is as it was", name)
	}
}

// shut returns a gate that holds the authority of putting for a minute.
func shut(t testing.TB) *retry.Gate {
	p := retry.Policy{Gate: new(retry.Gate)}
	a := retry.Attempt{Request: putting(t, nil), Response: &http.Response{
		StatusCode: 503, Header: http.Header{"Retry-After": {"60"}},
	}}
	require.True(t, p.Decide(a, time.Now()).Retry)
	return p.Gate
}

// Promise 4: "Every body is closed: the caller's on every path, also when nothing is sent."
func TestABodyLikeAFileIsClosedOnEveryPath(t *testing.T) {
	done, cancel := context.WithCancel(t.Context())
	cancel()
	for name, row := range map[string]struct {
		ctx  context.Context
		base http.RoundTripper
		p    retry.Policy
	}{
		"success":       {t.Context(), play(answer(200)), retry.Policy{}},
		"one attempt":   {t.Context(), play(answer(503)), retry.Policy{MaxAttempts: 1}},
		"exhausted":     {t.Context(), play(answer(503)), noWait},
		"timeout":       {t.Context(), play(answer(200)), retry.Policy{AttemptTimeout: time.Hour}},
		"context ended": {done, &http.Transport{}, retry.Policy{}},
		"panic": {t.Context(), play(answer(503)), retry.Policy{OnAttempt: func(retry.Attempt, retry.Decision) {
			panic("so what")
		}}},
		"held by a gate": {t.Context(), play(answer(200)), retry.Policy{Gate: shut(t), MaxRetryAfter: time.Second}},
		"panic at a gate": {t.Context(), play(answer(200)), retry.Policy{
			Gate: shut(t), MaxRetryAfter: time.Second, OnAttempt: func(retry.Attempt, retry.Decision) { panic("so what") },
		}},
	} {
		for _, declared := range []int64{0, 9} { // of which the latter is more than there is
			v := &vault{text: bytes.NewReader([]byte("text"))}
			func() {
				defer func() { _ = recover() }()
				req := putting(t, v).WithContext(row.ctx)
				req.ContentLength = declared
				resp, err := retry.New(row.base, row.p).RoundTrip(req)
				if err == nil {
					assert.NoError(t, resp.Body.Close())
				}
			}()
			assert.Eventually(t, v.over(t), 10*time.Second, time.Millisecond, "%s, %d", name, declared)
		}
	}
}

// A base reads by a buffer of its own, so that nothing else is allocated than what an attempt costs.
func TestAFileCostsNoMemory(t *testing.T) {
	p, buf := pack(t, *uploadSize), make([]byte, 32<<10)
	tr := retry.New(roundTripperFunc(func(req *http.Request) (*http.Response, error) {
		n, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{req.Body}, buf)
		assert.NoError(t, err)
		assert.Equal(t, p.size, n)
		return &http.Response{StatusCode: 503, Body: http.NoBody, Request: req}, req.Body.Close()
	}), noWait)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	resp, err := tr.RoundTrip(putting(t, p.open(t)))
	runtime.ReadMemStats(&after)
	require.NoError(t, err)
	assert.Equal(t, 4, retry.AttemptNumber(resp.Request.Context()))
	assert.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(64<<10))
}

// The first attempt that asks has the descriptor that the call has anyway, each other one of its own.
func TestHowOftenAFileIsOpenForTheKernel(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux can open a file again by its descriptor")
	}
	f, open := note(t, "a note"), []int(nil)
	_, err := retry.New(roundTripperFunc(func(req *http.Request) (*http.Response, error) {
		_, err := req.Body.(syscall.Conn).SyscallConn()
		open = append(open, descriptors(f.Name()))
		assert.NoError(t, errors.Join(err, req.Body.Close()))
		return &http.Response{StatusCode: 503, Body: http.NoBody, Request: req}, nil
	}), noWait).RoundTrip(putting(t, f))
	require.NoError(t, err)
	assert.Equal(t, []int{2, 3, 3, 3}, open)
	assert.True(t, closed(f)())
}
