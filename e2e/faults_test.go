package e2e_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/seed-e3550de8/retry/httpfault"
	"github.com/stretchr/testify/require"
)

const http1, http2 = "HTTP/1", "HTTP/2"

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
