package retry_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"go/ast"
	"go/doc"
	"go/parser"
	"go/printer"
	"go/token"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"text/tabwriter"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-e3550de8/retry"
)

var update = flag.Bool("update", false, "write the golden files of testdata anew")

// golden demands that got is what the file in testdata says.
func golden(t *testing.T, file, got string) {
	t.Helper()
	path := filepath.Join("testdata", file)
	if *update {
		require.NoError(t, os.MkdirAll("testdata", 0o755))
		require.NoError(t, os.WriteFile(path, []byte(got), 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err, "go test -update . writes it")
	assert.Equal(t, strings.Split(string(want), "\n"), strings.Split(got, "\n"), "%s: go test -update . writes it anew",
		file)
}

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

func TestTheExportedAPIIsThatOfTheGoldenFile(t *testing.T) {
	fset := token.NewFileSet()
	entries, err := fs.Glob(os.DirFS("."), "*.go")
	require.NoError(t, err)
	var files []*ast.File
	for _, name := range entries {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(fset, name, nil, 0)
		require.NoError(t, err)
		files = append(files, file)
	}
	p, err := doc.NewFromFiles(fset, files, "github.com/seed-e3550de8/retry")
	require.NoError(t, err)
	golden(t, "api.txt", exported(t, fset, p))
}

// exported prints the declarations of a package as go doc -all does, without the comments.
func exported(t *testing.T, fset *token.FileSet, p *doc.Package) string {
	var b strings.Builder
	style := printer.Config{Mode: printer.UseSpaces | printer.TabIndent, Tabwidth: 8}
	write := func(decl ast.Decl) {
		if f, ok := decl.(*ast.FuncDecl); ok {
			f.Body = nil
		}
		require.NoError(t, style.Fprint(&b, fset, decl))
		b.WriteString("\n\n")
	}
	values := func(all []*doc.Value) {
		for _, v := range all {
			if slices.ContainsFunc(v.Names, ast.IsExported) {
				write(v.Decl)
			}
		}
	}
	functions := func(all []*doc.Func) {
		for _, f := range all {
			write(f.Decl)
		}
	}
	values(p.Consts)
	values(p.Vars)
	functions(p.Funcs)
	for _, one := range p.Types {
		write(one.Decl)
		values(one.Consts)
		values(one.Vars)
		functions(one.Funcs)
		functions(one.Methods)
	}
	// The comments that stood between two fields are gone.
	return strings.ReplaceAll(strings.TrimSuffix(b.String(), "\n"), "\n\n\t", "\n\t")
}
