package retry_test

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"text/tabwriter"

	"github.com/seed-e3550de8/retry"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const decisionsHeading = `# What becomes of a request after its first attempt, under the zero Policy.
# "any" stands for every method and every body. A body that can be sent "again" has a GetBody; one that can be sent
# "once" has none. Columns are two blanks apart or more.

`

// A kind is a method, with or without an Idempotency-Key, and a body.
type kind struct{ method, body string }

func (k kind) order() *order {
	method, _, keyed := strings.Cut(k.method, " ")
	o := place(method, map[string]string{"again": "payload", "once": "payload"}[k.body])
	if k.body == "once" {
		o.GetBody = nil
	}
	if keyed {
		o.Header = http.Header{"Idempotency-Key": {"1"}}
	}
	return o
}

var (
	someKinds = []kind{{"GET", "none"}, {"PUT", "again"}, {"PUT", "once"}, {"POST", "again"}, {"POST with key", "again"},
		{"POST with key", "once"}}
	statuses = []int{
		101, 200, 201, 202, 204, 206, 301, 302, 303, 304, 307, 308, 400, 401, 402, 403, 404, 405, 407, 408, 409, 410,
		411, 412, 413, 416, 417, 418, 421, 422, 423, 424, 425, 426, 428, 429, 431, 451, 499, 500, 501, 502, 503, 504,
		505, 506, 507, 508, 510, 511, 520, 599, 600, 999,
	}
)

func allKinds() (all []kind) {
	for _, method := range []string{"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE", "QUERY", "POST", "POST with key",
		"PATCH", "PATCH with key", "CONNECT", "get"} {
		for _, body := range []string{"none", "again", "once"} {
			all = append(all, kind{method, body})
		}
	}
	return all
}

func TestTheDecisionsAreThoseOfTheGoldenFile(t *testing.T) {
	var b bytes.Buffer
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprint(w, decisionsHeading, "outcome\tmethod\tbody\tclass\tdecision\n")
	for _, code := range statuses {
		name := strings.TrimSpace(fmt.Sprint(code, " ", http.StatusText(code)))
		kinds := someKinds
		if code == 503 {
			kinds = allKinds()
		}
		writeDecisions(t, w, name, answer(code), kinds)
	}
	writeDecisions(t, w, "202 Accepted, Retry-After", answer(202, "Retry-After", "1"), someKinds)
	writeDecisions(t, w, "404 Not Found, Retry-After", answer(404, "Retry-After", "1"), someKinds)
	together := func(req *http.Request) (*http.Response, error) {
		resp, _ := answer(503)(req)
		return resp, errDialRefused
	}
	writeDecisions(t, w, "response and refusal, together", together, someKinds)
	for _, row := range errorRows {
		writeDecisions(t, w, row.name, fail(row.err), someKinds, row.on)
	}
	for _, row := range alertRows {
		name := fmt.Sprintf("TLS alert %d %s", row.number, row.name)
		writeDecisions(t, w, name, fail(&net.OpError{Op: "remote error", Err: row.number}), someKinds)
	}
	for _, d := range refusals {
		writeDecisions(t, w, "not sent: "+d.name, fail(d.provoke(t)), someKinds, d.spoil)
	}
	require.NoError(t, w.Flush())
	golden(t, "decisions.txt", b.String())
}

// writeDecisions writes a line for each kind, or one for all if they fare alike.
func writeDecisions(t *testing.T, w *tabwriter.Writer, outcome string, first reply, kinds []kind,
	on ...func(*http.Request)) {
	var results []string
	for _, k := range kinds {
		o := k.order()
		for _, change := range on {
			if change != nil {
				change(o.Request)
			}
		}
		results = append(results, decisionOn(t, first, o))
	}
	if len(slices.Compact(slices.Clone(results))) == 1 {
		kinds = []kind{{"any", "any"}}
	}
	for i, k := range kinds {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", outcome, k.method, k.body, results[i])
	}
}

// decisionOn returns the class and the decision on a first attempt.
func decisionOn(t *testing.T, first reply, o *order) (result string) {
	synctest.Test(t, func(t *testing.T) {
		var p retry.Policy
		decisions := told(&p)
		resp, _ := retry.New(play(first, answer(200)), p).RoundTrip(o.Request)
		drop(resp)
		d := (*decisions)[0]
		result = d.Class.String() + "\t"
		switch {
		case d.Retry:
			result += "retry"
		case errors.Is(d.Reason, retry.ErrNotIdempotent):
			result += "return, not idempotent"
		case errors.Is(d.Reason, retry.ErrNotReplayable):
			result += "return, not replayable"
		default:
			assert.NoError(t, d.Reason)
			result += "return"
		}
		assert.Equal(t, d.Retry, len(*decisions) == 2)
	})
	return result
}

const decisionsPage = "docs/decisions.md"

func TestTheDecisionsPageIsThatOfTheGoldenFile(t *testing.T) {
	want := "# What is retried\n\nWhat becomes of a request after its first attempt, under the zero `Policy`; `go test -update .` writes this page from\n" +
		"`testdata/decisions.txt`. *Idempotent* and *not idempotent* requests have a body that can be sent again, or none.\n\n" + decisionsTable(t)
	if *update {
		require.NoError(t, os.WriteFile(decisionsPage, []byte(want), 0o644))
	}
	have, err := os.ReadFile(decisionsPage)
	require.NoError(t, err)
	assert.Equal(t, want, string(have), "go test -update . writes it anew")
}

// decisions are the rows of the golden file, those of one outcome in one.
func decisions(t *testing.T) (all []outcomeRow) {
	t.Helper()
	file, err := os.ReadFile("testdata/decisions.txt")
	require.NoError(t, err)
	_, lines, _ := strings.Cut(string(file), "\noutcome ")
	_, lines, _ = strings.Cut(lines, "\n")
	for line := range strings.Lines(lines) {
		cells := regexp.MustCompile(` {2,}`).Split(strings.TrimSpace(line), -1)
		require.Len(t, cells, 5, line)
		if len(all) == 0 || all[len(all)-1].outcome != cells[0] {
			all = append(all, outcomeRow{outcome: cells[0], class: cells[3]})
		}
		all[len(all)-1].add(cells[1]+" "+cells[2], cells[4])
	}
	return all
}

// decisionsTable puts the outcomes that fare alike into one row. It does so for statuses and errors apart. Of codes
// that follow each other in the file it names the first and the last.
func decisionsTable(t *testing.T) string {
	t.Helper()
	var keys []string
	names := map[string][]string{} // by key
	var before outcomeRow
	for _, r := range decisions(t) {
		key, name := r.key(), r.outcome
		if r.isCode() {
			name = name[:3]
		}
		of := names[key]
		if of == nil {
			keys = append(keys, key)
		} else if r.isCode() && before.isCode() && before.key() == key {
			name, of = of[len(of)-1][:3]+" to "+name, of[:len(of)-1]
		}
		names[key], before = append(of, name), r
	}
	table := "| outcome | class | idempotent | not idempotent | body cannot be sent again |\n|---|---|---|---|---|\n"
	for _, key := range keys {
		_, decided, _ := strings.Cut(key, ": ")
		table += "| " + strings.Join(names[key], "; ") + " | " + decided + " |\n"
	}
	return table
}

// An outcomeRow is what the golden file says of one outcome.
type outcomeRow struct {
	outcome, class         string
	idempotent, post, once string
}

func (r *outcomeRow) add(kind, decision string) {
	switch kind {
	case "any any":
		r.idempotent, r.post, r.once = decision, decision, decision
	case "PUT again":
		r.idempotent = decision
	case "POST again":
		r.post = decision
	case "PUT once":
		r.once = decision
	}
}

// isCode reports whether the outcome is a status and nothing else.
func (r outcomeRow) isCode() bool { return r.isStatus() && !strings.Contains(r.outcome, ",") }

func (r outcomeRow) isStatus() bool {
	return r.outcome != "" && r.outcome[0] >= '0' && r.outcome[0] <= '9'
}

func (r outcomeRow) key() string {
	return fmt.Sprint(r.isStatus(), ": ", strings.Join([]string{r.class, r.idempotent, r.post, r.once}, " | "))
}
