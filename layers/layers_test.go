package layers_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-e3550de8/retry/internal/sdktest"
)

func TestTheTableIsWhatArrivesAtADeadServer(t *testing.T) {
	for _, c := range clients {
		t.Run(c.Name, func(t *testing.T) { c.Row(t, page(t)) })
	}
}

func TestEachLineOfCodeInThePageIsCompiledHere(t *testing.T) {
	compiled := make(map[string]bool)
	files, err := filepath.Glob("*_test.go")
	require.NoError(t, err)
	files = append(files, "../internal/sdktest/sdktest.go", "../realworld/kubernetes/counts_test.go")
	for _, file := range append(files, "../realworld/push_test.go") {
		for _, line := range strings.Split(sdktest.Read(t, file), "\n") {
			compiled[strings.TrimSpace(line)] = true
		}
	}
	blocks := strings.Split(page(t), "\n```")
	require.Greater(t, len(blocks), 2)
	for _, block := range blocks {
		code, isGo := strings.CutPrefix(block, "go\n")
		for _, line := range strings.Split(code, "\n") {
			assert.True(t, !isGo || compiled[strings.TrimSpace(line)], line)
		}
	}
}

func page(t *testing.T) string { return sdktest.Read(t, "../docs/layers.md") }
