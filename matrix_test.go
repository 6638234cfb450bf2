package retry_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-e3550de8/retry"
	"github.com/seed-e3550de8/retry/httpfault"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A matrixFault is what the server does once, before it is well again.
type matrixFault struct {
	name string
	step httpfault.Step

	only        string // the protocol; both if empty
	kept        bool   // the connection has served a request before
	stalls      bool   // it takes an AttemptTimeout to end it
	early       bool   // the request's body is not read, so that its size matters
	unprocessed bool   // the server says that it did nothing
}

func matrixFaults() []matrixFault {
	ok, unavailable := httpfault.OK(matrixPage), httpfault.Status(503).Body("not now")
	return []matrixFault{
		{name: "none", step: ok},
		{name: "408", step: httpfault.Status(408).Body("not now")},
		{name: "425", step: httpfault.Status(425)},
		{name: "429, Retry-After", step: httpfault.Status(429).RetryAfter(30 * time.Second)},
		{name: "500", step: httpfault.Status(500).BodySize(64 << 10)},
		{name: "503, Retry-After beyond limit", step: unavailable.RetryAfter(time.Hour)},
		{name: "503, endless", step: httpfault.Status(503).EndlessBody()},
		{name: "503, cut", step: httpfault.Status(503).BodySize(1 << 10).CutBody(100)},
		{name: "503, stalled", step: httpfault.Status(503).BodySize(1 << 10).StallBody(100)},
		{name: "503, early", step: unavailable.Early(), early: true},
		// Over HTTP/2, net/http may lose the end of such a page.
		{name: "503, then reads on", step: unavailable.EarlyThenRead(), early: true, only: http1},
		{name: "400", step: httpfault.Status(400).Body("bad")},
		{name: "202, Retry-After", step: httpfault.Status(202).RetryAfter(time.Second)},
		{name: "200, cut", step: httpfault.Status(200).BodySize(1 << 10).CutBody(100)},
		{name: "200, reset", step: httpfault.Status(200).BodySize(1 << 10).ResetBody(100)},
		{name: "refused", step: httpfault.Refuse(), unprocessed: true},
		{name: "reset on accept", step: httpfault.ResetOnAccept(), unprocessed: true},
		{name: "closed on accept", step: httpfault.CloseOnAccept(), unprocessed: true},
		{name: "not accepted", step: httpfault.NoAccept(), unprocessed: true, stalls: true},
		{name: "reset", step: httpfault.Reset()},
		{name: "reset, early", step: httpfault.Reset().Early(), early: true},
		{name: "reset, kept connection", step: httpfault.Reset(), kept: true},
		{name: "closed", step: httpfault.Close()},
		{name: "closed, kept connection", step: httpfault.Close(), kept: true},
		{name: "no answer", step: httpfault.Hang(), stalls: true},
		{name: "malformed status", step: httpfault.MalformedStatus()},
		{name: "malformed header", step: httpfault.MalformedHeader()},
		{name: "closed in header", step: httpfault.CloseInHeader(), only: http1},
		{name: "reset in header", step: httpfault.ResetInHeader(), only: http1},
		{name: "RST REFUSED_STREAM", step: httpfault.RSTStream(httpfault.RefusedStream), only: http2, unprocessed: true},
		{name: "RST INTERNAL_ERROR", step: httpfault.RSTStream(httpfault.InternalError), only: http2},
		{name: "RST CANCEL", step: httpfault.RSTStream(httpfault.Cancel), only: http2},
		{name: "GOAWAY without the stream", step: httpfault.GoAway(0, httpfault.NoError), only: http2, unprocessed: true},
		{name: "GOAWAY with the stream", step: httpfault.GoAway(httpfault.MaxStream, httpfault.NoError), only: http2},
		{name: "no SETTINGS", step: httpfault.StallSettings(), only: http2, unprocessed: true, stalls: true},
		{name: "no WINDOW_UPDATE", step: httpfault.StallUpload(), only: http2, early: true, stalls: true},
	}
}

var (
	matrixPage  = strings.Repeat("page ", 200)
	matrixSmall = bytes.Repeat([]byte("k"), 1<<10)
	matrixLarge = bytes.Repeat([]byte("m"), 8<<20)
)

// A matrixMethod is a column.
type matrixMethod struct {
	name       string
	idempotent bool
}

var matrixMethods = []matrixMethod{
	{"GET", true}, {"HEAD", true}, {"PUT", true}, {"DELETE", true}, {"QUERY", true}, {"POST", false}, {"POST+key", true}, {"PATCH", false},
}

// matrixBodies are those that f is tried with. The largest ones cost time, and differ from small ones only if the
// server does not read them.
func matrixBodies(f matrixFault) []string {
	if f.early {
		return []string{"none", "1 KiB", "8 MiB", "stream"}
	}
	return []string{"none", "1 KiB", "stream"}
}

func (m matrixMethod) request(ctx context.Context, t *testing.T, url, body string) (req *http.Request, sent []byte) {
	var r io.Reader
	switch body {
	case "1 KiB":
		sent = matrixSmall
		r = bytes.NewReader(sent)
	case "8 MiB":
		sent = matrixLarge
		r = bytes.NewReader(sent)
	case "stream":
		sent = matrixSmall
		r = io.MultiReader(bytes.NewReader(sent)) // NewRequest knows no way to read it again
	}
	method, _, keyed := strings.Cut(m.name, "+")
	req, err := http.NewRequestWithContext(ctx, method, url+"/", r)
	require.NoError(t, err)
	if keyed {
		req.Header.Set("Idempotency-Key", "k")
	}
	return req, sent
}

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
	golden(t, "matrix.txt", b.String())
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
	synctest.Test(t, func(t *testing.T) {
		config := httpfault.Config{Pipe: true, Default: httpfault.OK(matrixPage)}
		if proto == http2 {
			config.Protocol = httpfault.H2C
		}
		srv, tr := config.NewServer(t), new(trail)
		base := srv.Transport()
		if f.kept {
			resp, err := base.RoundTrip(newRequest(t, "GET", srv.URL+"/", ""))
			require.NoError(t, err)
			readAndClose(t, resp)
			synctest.Wait()
		}
		before := len(srv.Requests())
		srv.Add(f.step)
		p := tr.eager(4)
		p.Backoff = retry.Constant(time.Second) // so that a dying connection is dead before the retry
		if f.stalls {
			p.AttemptTimeout = 10 * time.Second
		}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		req, sent := m.request(ctx, t, srv.URL, body)
		resp, err := retry.New(base, p).RoundTrip(req)
		outcome := matrixOutcome(cancel, req.Method, resp, err, tr)
		arrived := srv.Requests()[before:]
		acted := 0
		for _, r := range arrived {
			if !f.unprocessed || r.Step != f.step.String() {
				acted++
			}
		}
		what := fmt.Sprintf("%s %s %s %s", f.name, proto, m.name, body)
		if !m.idempotent {
			assert.LessOrEqual(t, acted, 1, "%s: a request that must not be processed twice", what)
		}
		if err == nil && resp.StatusCode == http.StatusOK {
			last := arrived[len(arrived)-1]
			sum := sha256.Sum256(sent)
			assert.Equal(t, hex.EncodeToString(sum[:]), last.SHA256, "%s: the body that arrived", what)
		}
		cell = fmt.Sprintf("%d/%d %s", len(tr.steps), acted, outcome)
	})
	return cell
}

// matrixOutcome reads what RoundTrip returned. A body that stalls ends with the request's context: a Close while a Read
// is pending makes net/http wait for it, since Go 1.27, which no bubble's clock outlives.
func matrixOutcome(cancel func(), method string, resp *http.Response, err error, tr *trail) string {
	outcome := "error"
	if err == nil {
		outcome = fmt.Sprint(resp.StatusCode)
	}
	switch tr.last().Reason {
	case retry.ErrNotIdempotent:
		outcome += " N"
	case retry.ErrNotReplayable:
		outcome += " R"
	case retry.ErrRetryAfter:
		outcome += " A"
	case retry.ErrMaxAttempts:
		outcome += " M"
	}
	if err != nil {
		return outcome
	}
	defer resp.Body.Close()
	defer time.AfterFunc(time.Minute, cancel).Stop() // for one that stalls
	limit := int64(1 << 20)                          // for one without end
	page, err := io.ReadAll(io.LimitReader(resp.Body, limit))
	if err != nil || resp.StatusCode == http.StatusOK && method != http.MethodHead && string(page) != matrixPage {
		outcome += " cut"
	}
	return outcome
}

// It is no row of the table because it depends on the release of Go who sends it again, and what.
func TestARequestThatMetPROTOCOLERRORIsSentAgainByNetHTTPOrByUs(t *testing.T) {
	for method, row := range map[string]struct{ attempts, arrived int }{"PUT": {2, 2}, "POST": {1, 1}} {
		if protocolErrorIsSentAgain {
			row.attempts, row.arrived = 1, 2
		}
		synctest.Test(t, func(t *testing.T) {
			config := httpfault.Config{Pipe: true, Protocol: httpfault.H2C, Default: httpfault.OK(matrixPage)}
			srv, tr := config.NewServer(t, httpfault.RSTStream(httpfault.ProtocolError)), new(trail)
			resp, err := retry.New(srv.Transport(), tr.eager(4)).RoundTrip(newRequest(t, method, srv.URL, "body"))
			assert.Equal(t, row.arrived == 2, err == nil, "%s: %v", method, err)
			drop(resp)
			assert.Len(t, tr.steps, row.attempts, method)
			assert.Equal(t, row.arrived, len(srv.Requests()), method)
			if err != nil {
				assert.Equal(t, retry.Transient, tr.last().Class)
				assert.Equal(t, retry.ErrNotIdempotent, tr.last().Reason)
			}
		})
	}
}
