package main

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func fixture(t *testing.T) *report {
	b, err := os.ReadFile(filepath.Join("testdata", "report.json"))
	require.NoError(t, err)
	r := new(report)
	require.NoError(t, json.Unmarshal(b, r))
	return r
}

func TestEachFigureIsOneFileWithItsTitlesLabelsAndLegend(t *testing.T) {
	dir := t.TempDir()
	for _, f := range fixture(t).Figures {
		require.NoError(t, f.draw(dir))
		b, err := os.ReadFile(filepath.Join(dir, f.File+".svg"))
		require.NoError(t, err)
		require.NoError(t, wellFormed(string(b)))
		svg := string(b)
		for _, p := range f.Panels {
			assert.Contains(t, svg, p.Title)
			assert.Contains(t, svg, p.Y)
			assert.Equal(t, p.Never > 0, strings.Contains(svg, ">never<"), f.File)
			for _, l := range p.Lines {
				assert.Equal(t, !p.Dots, strings.Contains(svg, l.Name), l.Name)
			}
		}
		assert.Contains(t, svg, f.Panels[len(f.Panels)-1].X)
		assert.Contains(t, svg, "fill:#FFFFFF", "the ground is opaque")
	}
}

func wellFormed(s string) error {
	for d := xml.NewDecoder(strings.NewReader(s)); ; {
		if _, err := d.Token(); err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
	}
}

func TestAFigureWithoutAFolderIsAnError(t *testing.T) {
	require.Error(t, fixture(t).Figures[0].draw(filepath.Join(t.TempDir(), "missing")))
}

func TestTablesReplaceWhatStoodInTheirPlace(t *testing.T) {
	page := filepath.Join(t.TempDir(), "page.md")
	require.NoError(t, os.WriteFile(page, []byte("before\n"+begin+"old\n"+end+"after\n"), 0o600))
	for range 2 {
		require.NoError(t, fill(page, "new\n"))
		b, err := os.ReadFile(page)
		require.NoError(t, err)
		assert.Equal(t, "before\n"+begin+"new\n"+end+"after\n", string(b))
	}
}

func TestAPageWithoutAPlaceForTheTablesIsLeftAlone(t *testing.T) {
	page := filepath.Join(t.TempDir(), "page.md")
	require.Error(t, fill(page, "new"))
	require.NoError(t, os.WriteFile(page, []byte("text"), 0o600))
	require.Error(t, fill(page, "new"))
	b, err := os.ReadFile(page)
	require.NoError(t, err)
	assert.Equal(t, "text", string(b))
}

func TestAFailingSimulationIsAnError(t *testing.T) {
	require.ErrorContains(t, run(t.TempDir(), io.Discard), "go test")
}

func TestThePageHasAPlaceForTheTables(t *testing.T) {
	b, err := os.ReadFile(filepath.Join("..", "..", "docs", "overload.md"))
	require.NoError(t, err)
	assert.Equal(t, 1, strings.Count(string(b), begin))
	assert.Equal(t, 1, strings.Count(string(b), end))
}
