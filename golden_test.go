package retry_test

import (
	"flag"
	"go/ast"
	"go/doc"
	"go/parser"
	"go/printer"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
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
