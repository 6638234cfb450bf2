package main

import (
	"bytes"
	"context"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-e3550de8/retry/httpfault"
)

// TestMain makes the test's own program the command, if it is asked to.
func TestMain(m *testing.M) {
	if os.Getenv("FETCH_AS_COMMAND") != "" {
		main()
	}
	os.Exit(m.Run())
}

// A result is what became of a command line.
type result struct {
	status   int
	out, log string
	took     time.Duration
}

// inBubble runs the command with the flags and the server's URL, against a server in memory, where time is free.
func inBubble(t *testing.T, flags string, steps []httpfault.Step, check func(*testing.T, result, []httpfault.Request)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		server := httpfault.Config{Pipe: true}.NewServer(t, steps...)
		var out, log bytes.Buffer
		p := program{out: &out, log: &log, base: server.Transport()}
		start := time.Now()
		status := p.run(t.Context(), append(strings.Fields(flags), server.URL+"/file"))
		check(t, result{status, out.String(), log.String(), time.Since(start)}, server.Requests())
	})
}

var (
	busy    = httpfault.Status(http.StatusServiceUnavailable)
	content = httpfault.OK("").BodySize(200_000).Header("ETag", `"1"`)
)

type script = []httpfault.Step

var hello = httpfault.OK("hello")

var flagRows = []struct {
	what, flags string
	steps       script
	status      int
	requests    int
	least, most time.Duration
	log         string
}{
	{"no attempts given are four", "", script{busy.Times(4)}, 1, 4, 0, 7 * time.Second,
		"fetch: the server says 503 Service Unavailable, at attempt 4: attempts exhausted\n"},
	{"0 attempts are four", "-attempts 0",
		script{busy.Times(3), hello}, 0, 4, 0, 7 * time.Second, "attempt 3: 503"},
	{"1 attempt is one", "-attempts 1",
		script{busy}, 1, 1, 0, 0, "at attempt 1: attempts exhausted\n"},
	{"6 attempts are six", "-attempts 6",
		script{busy.Times(5), hello}, 0, 6, 0, 31 * time.Second, "attempt 5: 503"},
	{"1 attempt continues nothing", "-attempts 1",
		script{content.CutBody(100_000)}, 1, 1, 0, 0, "unexpected EOF"},

	{"no attempt timeout waits for an hour", "-attempt-timeout 0",
		script{hello.Latency(time.Hour)}, 0, 1,
		time.Hour, time.Hour, "5 bytes in 1h0m0s, 1 requests\n"},
	{"an attempt timeout ends an attempt that hangs", "-attempt-timeout 10s",
		script{httpfault.Hang(), hello}, 0, 2,
		10 * time.Second, 11 * time.Second, "attempt 1: "},
	{"an attempt timeout ends a body that stalls", "-attempt-timeout 10s",
		script{content.StallBody(100_000), rest},
		0, 2, 10 * time.Second, 11 * time.Second, "broke off at 100000 bytes of 200000 bytes: nothing came for 10s: "},
	{"an attempt timeout lets a slow body be", "-attempt-timeout 2s",
		script{content.Drip(50_000, time.Second)}, 0, 1,
		3 * time.Second, time.Minute, "200000 bytes in "},

	{"no timeout waits for hours", "-timeout 0", script{hello.Latency(3 * time.Hour)}, 0, 1,
		3 * time.Hour, 3 * time.Hour, "5 bytes"},
	{"a timeout ends a request that hangs", "-timeout 20s",
		script{httpfault.Hang()}, 1, 1,
		20 * time.Second, 20 * time.Second, "context deadline exceeded"},
	{"a timeout ends a body that stalls", "-timeout 20s",
		script{content.StallBody(9)}, 1, 1,
		20 * time.Second, 20 * time.Second, "context deadline exceeded"},
	{"no wait begins that the timeout would end", "-timeout 20s",
		script{busy.RetryAfter(30 * time.Second)}, 1, 1,
		0, 0, "at attempt 1: deadline before the end of the wait\n"},

	{"a small backoff hardly waits", "-backoff 1ms",
		script{busy.Times(3), hello}, 0, 4, 0, 7 * time.Millisecond, ""},
	{"a server is obeyed whatever the backoff", "-backoff 1ms",
		script{busy.RetryAfter(30 * time.Second), hello}, 0, 2,
		30 * time.Second, 30*time.Second + time.Millisecond, "; again in 30"},
}

func TestTheFlagsDoWhatTheySay(t *testing.T) {
	for _, row := range flagRows {
		t.Run(row.what, func(t *testing.T) {
			inBubble(t, row.flags, row.steps, func(t *testing.T, r result, requests []httpfault.Request) {
				assert.Equal(t, row.status, r.status, r.log)
				assert.Len(t, requests, row.requests, r.log)
				assert.Contains(t, r.log, row.log)
				assert.GreaterOrEqual(t, r.took, row.least)
				assert.LessOrEqual(t, r.took, row.most)
			})
		})
	}
}

// rest answers the range of content that is asked for.
var rest = httpfault.HandleFunc(func(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("ETag", `"1"`)
	http.ServeContent(w, r, "", time.Time{}, strings.NewReader(letters(200_000)))
})

func letters(n int) string { return strings.Repeat("abcdefghijklmnopqrstuvwxyz", n/26+1)[:n] }

func TestABrokenDownloadIsContinued(t *testing.T) {
	steps := []httpfault.Step{content.CutBody(70_000), busy, rest}
	inBubble(t, "", steps, func(t *testing.T, r result, requests []httpfault.Request) {
		require.Zero(t, r.status, r.log)
		assert.Equal(t, letters(200_000), r.out)
		require.Len(t, requests, 3)
		assert.Equal(t, "bytes=70000-", requests[2].Header.Get("Range"))
		assert.Equal(t, "identity", requests[0].Header.Get("Accept-Encoding"))
		assert.Regexp(t, `(?s)^broke off at 70000 bytes of 200000 bytes: unexpected EOF; the rest in .*\n`+
			`attempt 1: 503 Service Unavailable; again in .*\n200000 bytes in .*, 3 requests\n$`, r.log)
	})
}

func TestAFinalStatusIsAnErrorAtOnce(t *testing.T) {
	inBubble(t, "", []httpfault.Step{httpfault.Status(404)}, func(t *testing.T, r result, _ []httpfault.Request) {
		assert.Equal(t, result{1, "", "fetch: the server says 404 Not Found\n", 0}, r)
	})
}

func TestALongDownloadTellsHowFarItIs(t *testing.T) {
	steps := []httpfault.Step{content.Drip(50_000, 9*time.Second)}
	inBubble(t, "", steps, func(t *testing.T, r result, _ []httpfault.Request) {
		assert.Contains(t, r.log, " bytes of 200000 bytes\n")
		assert.NotContains(t, r.log, "\r", "a line that is written over is for terminals")
	})
	var log bytes.Buffer
	p := &progress{out: &log, live: true, total: 2_000_000}
	p.Write(make([]byte, 1_500_000))
	p.line("broke off")
	assert.Equal(t, "\r\x1b[K1.5 MB of 2.0 MB\r\x1b[Kbroke off\n", log.String())
}

func TestTheFileIsThereWholeOrNotAtAll(t *testing.T) {
	for name, row := range map[string]struct {
		step   httpfault.Step
		before string
		status int
		want   string
	}{
		"whole":                        {httpfault.OK("new"), "", 0, "new"},
		"whole, in place of another":   {httpfault.OK("new"), "old", 0, "new"},
		"empty":                        {httpfault.OK(""), "old", 0, ""},
		"broken, and nothing to go on": {content.Header("Accept-Ranges", "none").CutBody(9), "", 1, ""},
		"broken, the other is kept":    {content.Header("Accept-Ranges", "none").CutBody(9), "old", 1, "old"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			file := filepath.Join(dir, "file")
			if row.before != "" {
				require.NoError(t, os.WriteFile(file, []byte(row.before), 0o600))
			}
			inBubble(t, "-o "+file, []httpfault.Step{row.step}, func(t *testing.T, r result, _ []httpfault.Request) {
				assert.Equal(t, row.status, r.status, r.log)
				assert.Empty(t, r.out)
			})
			assert.NoFileExists(t, file+".part")
			if row.before == "" && row.status != 0 {
				assert.NoFileExists(t, file)
				return
			}
			got, err := os.ReadFile(file)
			require.NoError(t, err)
			assert.Equal(t, row.want, string(got))
		})
	}
}

func TestADashIsStandardOutput(t *testing.T) {
	inBubble(t, "-o -", []httpfault.Step{httpfault.OK("hello")}, func(t *testing.T, r result, _ []httpfault.Request) {
		assert.Equal(t, "hello", r.out)
		assert.NoFileExists(t, "-")
	})
}

func TestAFileThatCannotBeWrittenEndsItBeforeAnythingIsSent(t *testing.T) {
	dir := t.TempDir()
	taken := filepath.Join(dir, "taken")
	require.NoError(t, os.WriteFile(taken+".part", []byte("somebody's"), 0o600))
	for file, want := range map[string]string{
		taken:                             "taken.part: ",
		dir:                               dir + ": ",
		filepath.Join(dir, "no", "where"): "where.part: ",
	} {
		inBubble(t, "-o "+file, nil, func(t *testing.T, r result, requests []httpfault.Request) {
			assert.Equal(t, 1, r.status)
			assert.Contains(t, r.log, want)
			assert.Empty(t, requests)
		})
	}
	got, err := os.ReadFile(taken + ".part")
	require.NoError(t, err)
	assert.Equal(t, "somebody's", string(got))
}

func TestAProgramThatIsInterruptedHasStatus130(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := httpfault.Config{Pipe: true}.NewServer(t, content.StallBody(9))
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		file := filepath.Join(t.TempDir(), "file")
		var log bytes.Buffer
		p := program{log: &log, base: server.Transport()}
		assert.Equal(t, 130, p.run(ctx, []string{"-o", file, server.URL}))
		assert.Equal(t, "fetch: interrupted\n", log.String())
		assert.NoFileExists(t, file+".part")
	})
}
