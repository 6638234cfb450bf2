// Package docs_test compiles and runs the code of the pages in this folder.
package docs_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestTheCodeOfThePageOnTestingIsTheCodeThatRunsHere(t *testing.T) {
	code := read(t, "testing_test.go") + read(t, "testing_go127_test.go")
	blocks := regexp.MustCompile("(?s)```go\n(.*?)```").FindAllStringSubmatch(read(t, "testing.md"), -1)
	require.Greater(t, len(blocks), 5)
	for _, block := range blocks {
		assert.True(t, strings.Contains(code, block[1]), "no test has this code:\n%s", block[1])
	}
}

func read(t *testing.T, name string) string {
	text, err := os.ReadFile(name)
	require.NoError(t, err)
	return string(text)
}
