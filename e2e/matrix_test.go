package e2e_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-e3550de8/retry"
	"github.com/seed-e3550de8/retry/httpfault"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write testdata/matrix.txt anew")

var (
	matrixPage  = strings.Repeat("page ", 200)
	matrixSmall = bytes.Repeat([]byte("k"), 1<<10)
	matrixLarge = bytes.Repeat([]byte("m"), 8<<20)
)

// Each cell of the table is one request through a fault: how many attempts were made, how often the server acted on it,
// and what came of it.
func TestTheFaultMatrix(t *testing.T) {
	var b strings.Builder
	b.WriteString(matrixHeading)
	line := func(fault, proto, body string, cells []string) {
		text := fmt.Sprintf("%-30s %-6s %-6s", fault, proto, body)
		for _, c := range cells {
			text += fmt.Sprintf(" %-13s", c)
		}
		b.WriteString(strings.TrimRight(text, " ") + "\n")
	}
	var names []string
	for _, m := range matrixMethods {
		names = append(names, m.name)
	}
	line("fault", "", "body", names)
	for _, f := range matrixFaults() {
		for _, proto := range []string{http1, http2} {
			if f.only != "" && f.only != proto {
				continue
			}
			for _, body := range matrixBodies(f) {
				var cells []string
				for _, m := range matrixMethods {
					cells = append(cells, matrixCell(t, f, proto, body, m))
				}
				line(f.name, proto, body, cells)
			}
		}
	}
	const file = "testdata/matrix.txt"
	if *update {
		require.NoError(t, os.WriteFile(file, []byte(b.String()), 0o644))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err)
	assert.Equal(t, strings.Split(string(want), "\n"), strings.Split(b.String(), "\n"), "go test -update ./e2e writes it anew")
}

const matrixHeading = `# One request through each fault, which the server commits once, under a policy of 4 attempts.
# A cell is: attempts/times that the server acted on the request, and what came of it: a status, or "error". After it,
# why there was no further attempt: N not idempotent, R not replayable, M attempts exhausted, A Retry-After too long; and
# "cut" if the response's body did not arrive whole. "-" is a request that was not tried.
# net/http sends some requests again by itself, within an attempt.
`

func matrixCell(t *testing.T, f matrixFault, proto, body string, m matrixMethod) (cell string) {
	if body == "8 MiB" && m.name != "PUT" && m.name != "POST" {
		return "-"
	}
	what := fmt.Sprintf("%s %s %s %s", f.name, proto, m.name, body)
	synctest.Test(t, func(t *testing.T) {
		srv := matrixServer(t, proto)
		base, last := srv.Transport(), new(told)
		if f.kept {
			resp, err := (&http.Client{Transport: base}).Get(srv.URL)
			require.NoError(t, err)
			require.Equal(t, matrixPage, read(t, resp))
			synctest.Wait()
		}
		before := len(srv.Requests())
		srv.Add(f.step)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		req, sent := m.request(ctx, t, srv.URL, body)
		resp, err := retry.New(base, f.policy(last)).RoundTrip(req)
		outcome := "error" + last.why()
		if err == nil {
			outcome = strconv.Itoa(resp.StatusCode) + last.why() + cut(cancel, req.Method, resp)
		}
		arrived := srv.Requests()[before:]
		acted := f.acted(arrived)
		if !m.idempotent {
			assert.LessOrEqual(t, acted, 1, "%s: a request that must not be processed twice", what)
		}
		if err == nil && resp.StatusCode == http.StatusOK {
			sum := sha256.Sum256(sent)
			assert.Equal(t, hex.EncodeToString(sum[:]), arrived[len(arrived)-1].SHA256, "%s: the body that arrived", what)
		}
		cell = fmt.Sprintf("%d/%d %s", last.attempts, acted, outcome)
	})
	return cell
}

func matrixServer(t *testing.T, proto string, steps ...httpfault.Step) *httpfault.Server {
	config := httpfault.Config{Pipe: true, Default: httpfault.OK(matrixPage)}
	if proto == http2 {
		config.Protocol = httpfault.H2C
	}
	return config.NewServer(t, steps...)
}

// told is what OnAttempt was told last.
type told struct {
	retry.Decision
	attempts int
}

// policy is that of the cells. Its backoff is long enough for a dying connection to be dead before the retry.
func (f matrixFault) policy(last *told) retry.Policy {
	p := retry.Policy{
		Backoff: retry.Constant(time.Second),
		OnAttempt: func(a retry.Attempt, d retry.Decision) {
			last.attempts, last.Decision = a.Number, d
		},
	}
	if f.stalls {
		p.AttemptTimeout = 10 * time.Second
	}
	return p
}

// why is a letter for the reason.
func (d *told) why() string {
	return map[error]string{
		retry.ErrNotIdempotent: " N",
		retry.ErrNotReplayable: " R",
		retry.ErrRetryAfter:    " A",
		retry.ErrMaxAttempts:   " M",
	}[d.Reason]
}

// acted returns how many of the requests that arrived the server acted on.
func (f matrixFault) acted(arrived []httpfault.Request) (n int) {
	for _, r := range arrived {
		if !f.unprocessed || r.Step != f.step.String() {
			n++
		}
	}
	return n
}

// cut is " cut" if the page did not arrive whole. One that stalls ends with the request's context: since Go 1.27, a
// Close while a Read is pending waits for net/http in a way that stops a bubble's clock.
func cut(cancel func(), method string, resp *http.Response) string {
	defer resp.Body.Close()
	defer time.AfterFunc(time.Minute, cancel).Stop()
	const limit = 1 << 20 // for one without end
	page, err := io.ReadAll(io.LimitReader(resp.Body, limit))
	if err != nil || resp.StatusCode == http.StatusOK && method != http.MethodHead && string(page) != matrixPage {
		return " cut"
	}
	return ""
}

func read(t *testing.T, resp *http.Response) string {
	t.Helper()
	page, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	return string(page)
}

// It is no row of the table because it depends on the release of Go who sends it again, and what.
func TestARequestThatMetPROTOCOLERRORIsSentAgainByNetHTTPOrByUs(t *testing.T) {
	for method, row := range map[string]struct{ attempts, arrived int }{"PUT": {2, 2}, "POST": {1, 1}} {
		if netHTTPSendsAgain {
			row.attempts, row.arrived = 1, 2
		}
		synctest.Test(t, func(t *testing.T) {
			f, last := matrixFault{step: httpfault.RSTStream(httpfault.ProtocolError)}, new(told)
			srv := matrixServer(t, http2, f.step)
			req, _ := matrixMethod{name: method}.request(t.Context(), t, srv.URL, "1 KiB")
			resp, err := retry.New(srv.Transport(), f.policy(last)).RoundTrip(req)
			assert.Equal(t, row.arrived == 2, err == nil, "%s: %v", method, err)
			assert.Equal(t, row.attempts, last.attempts, method)
			assert.Equal(t, row.arrived, len(srv.Requests()), method)
			if err == nil {
				assert.Equal(t, matrixPage, read(t, resp))
				return
			}
			assert.Equal(t, retry.Transient, last.Class)
			assert.Equal(t, retry.ErrNotIdempotent, last.Reason)
		})
	}
}
