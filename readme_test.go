package retry_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func readmeText(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("README.md")
	require.NoError(t, err)
	return string(text)
}

// Tables and links are as long as they are.
func TestTheREADMEFitsIntoAHundredColumns(t *testing.T) {
	for line := range strings.Lines(readmeText(t)) {
		if !strings.HasPrefix(line, "|") {
			assert.LessOrEqual(t, utf8.RuneCountInString(strings.TrimRight(line, "\n")), 100, line)
		}
	}
}

func TestTheLinksOfTheREADMELeadToFiles(t *testing.T) {
	for _, link := range regexp.MustCompile(`\]\(([^)]*)\)`).FindAllStringSubmatch(readmeText(t), -1) {
		if path, _, _ := strings.Cut(link[1], "#"); path != "" && !strings.Contains(path, "://") {
			assert.FileExists(t, path)
		}
	}
}

// An example that a table of the README names stands in the file that it links to.
func TestTheExamplesOfTheREADMEExist(t *testing.T) {
	names := regexp.MustCompile(`\| \[([A-Z]\w*)\]\((\w+_test\.go)\) \|`).FindAllStringSubmatch(readmeText(t), -1)
	require.Greater(t, len(names), 9)
	for _, name := range names {
		file, err := os.ReadFile(name[2])
		require.NoError(t, err)
		assert.Contains(t, string(file), "func Example"+name[1]+"() {")
	}
	for _, hint := range regexp.MustCompile("`hint\\.(\\w+)").FindAllStringSubmatch(readmeText(t), -1) {
		file, err := os.ReadFile("hint/example_test.go")
		require.NoError(t, err)
		assert.Contains(t, string(file), "func Example"+hint[1]+"() {")
	}
}

// The README has six rows by hand, and docs/decisions.md the whole.
func TestTheREADMEsTableOfWhatIsRetriedIsTrue(t *testing.T) {
	text, all := readmeText(t), decisions(t)
	phrase := regexp.MustCompile(`^(\d{3}) .*`)
	for _, row := range []struct{ what, outcomes, idempotent, post string }{
		{"2xx, 3xx, 4xx but the three below", `[23]..|4(0[^8]|1.|2[^59]|[3-9].)`, "returned", "returned"},
		{"408, 425, 429, 5xx", `408|425|429|5..`, "repeated", "returned"},
		{"could not connect", `connection refused|dial timeout|proxy refused`, "repeated", "repeated"},
		{"connection lost, or timed out", `connection reset|broken pipe|end of file|.*header timeout|attempt timeout`,
			"repeated", "returned"},
		{"certificate, unknown host, bad request", `certificate (unknown|expired)|host not found|not sent: nil URL`,
			"returned", "returned"},
	} {
		assert.Contains(t, text, fmt.Sprintf("| %s | %s | %s |\n", row.what, row.idempotent, row.post))
		found, is := 0, regexp.MustCompile(`^(`+row.outcomes+`)$`)
		for _, d := range all {
			if !is.MatchString(phrase.ReplaceAllString(d.outcome, "$1")) {
				continue
			}
			found++
			assert.Equal(t, row.idempotent == "repeated", d.idempotent == "retry", "%s: %s", row.what, d.outcome)
			assert.Equal(t, row.post == "repeated", d.post == "retry", "%s: %s", row.what, d.outcome)
		}
		assert.GreaterOrEqual(t, found, 3, row.what)
	}
}

// The code is compiled in a module of its own, whose go.mod has the lines that the README gives for it.
func TestTheCodeOfTheREADMECompiles(t *testing.T) {
	root, err := filepath.Abs(".")
	require.NoError(t, err)
	text := readmeText(t)
	lines := regexp.MustCompile(`(?m)^    ((?:require|replace) .*)$`).FindAllStringSubmatch(text, -1)
	require.Len(t, lines, 2, "the README says how to require the module and how to replace it")
	require.Contains(t, lines[1][1], "=> ../retry")

	dir := t.TempDir()
	mod, err := os.ReadFile("go.mod")
	require.NoError(t, err)
	tidied := regexp.MustCompile(`github.com/hashicorp/go-cleanhttp v\S+`).FindString(string(mod))
	readmeWrite(t, dir, "go.mod", fmt.Sprintf("module readme\n\ngo 1.26\n\n%s\n%s\n\nrequire %s // indirect\n",
		lines[0][1], strings.Replace(lines[1][1], "../retry", root, 1), tidied))
	sums, err := os.ReadFile("go.sum")
	require.NoError(t, err)
	readmeWrite(t, dir, "go.sum", string(sums))
	blocks := regexp.MustCompile("(?s)\n```go\n(.*?)```\n").FindAllStringSubmatch(text, -1)
	require.NotEmpty(t, blocks)
	for i, block := range blocks {
		readmeWrite(t, dir, fmt.Sprintf("block%d/block.go", i), readmeProgram(block[1]))
	}

	vet := exec.Command("go", "vet", "./...")
	vet.Dir = dir
	vet.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "GOWORK=off", "GOPROXY=off")
	out, err := vet.CombinedOutput()
	require.NoError(t, err, string(out))
}

func readmeWrite(t *testing.T, dir, name, content string) {
	t.Helper()
	path := filepath.Join(dir, name)
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o777))
	require.NoError(t, os.WriteFile(path, []byte(content), 0o666))
}

// readmePackages are those that a block of the README may use without importing them.
var readmePackages = map[string]string{
	"context": "context", "http": "net/http", "io": "io", "os": "os", "slog": "log/slog", "testing": "testing",
	"time": "time", "retry": "github.com/seed-e3550de8/retry", "httpfault": "github.com/seed-e3550de8/retry/httpfault",
	"require": "github.com/stretchr/testify/require",
}

// readmeGiven is what a block may use without declaring it.
const readmeGiven = "ctx context.Context, req *http.Request, body io.Reader, path, url string, " +
	"signing, caching func(http.RoundTripper) http.RoundTripper, fetchOrder func(context.Context, int) (string, error)"

// readmeProgram makes a file of a block: one that is a whole program, a list of declarations, or a list of statements,
// whose variables need not be used.
func readmeProgram(block string) string {
	if strings.HasPrefix(block, "package ") {
		return block
	}
	if !strings.HasPrefix(block, "func ") {
		for _, left := range regexp.MustCompile(`(?m)^(\w[\w, ]*) :=`).FindAllStringSubmatch(block, -1) {
			for name := range strings.SplitSeq(left[1], ", ") {
				block += "_ = " + name + "\n"
			}
		}
		block = "func _(" + readmeGiven + ") {\n{\n" + block + "}\n}\n"
	}
	imports := ""
	for name, path := range readmePackages {
		if regexp.MustCompile(`\b` + name + `\.[A-Z]`).MatchString(block) {
			imports += fmt.Sprintf("import %q\n", path)
		}
	}
	return "package p\n" + imports + block
}
