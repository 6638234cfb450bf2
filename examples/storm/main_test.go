package main

import (
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-e3550de8/retry/internal/storm"
)

// fixture is a report of two small figures.
func fixture() *storm.Report {
	return &storm.Report{
		Short: "short\n",
		Long:  "long\n",
		Figures: []storm.Figure{
			{File: "lines", Panels: []storm.Panel{
				{Title: "Above", X: "x", Y: "seconds", YMax: 200, Never: 190, Lines: []storm.Line{
					{Name: "first", Points: [][2]float64{{0, 1}, {1, 190}}},
					{Name: "second", Points: [][2]float64{{0, 2}, {1, 3}}},
				}},
				{Title: "Below", X: "load", Y: "seconds", YMax: 200, Never: 190, Lines: []storm.Line{
					{Name: "first", Points: [][2]float64{{0, 1}, {1, 4}}},
				}},
			}},
			{File: "dots", Panels: []storm.Panel{
				{Title: "Delays", X: "retry", Y: "delay", YMax: 34, Dots: true, Lines: []storm.Line{
					{Name: "unnamed", Points: [][2]float64{{1, 1}, {2, 30}}},
				}},
			}},
		},
	}
}

func TestEachFigureIsOneFileWithItsTitlesLabelsAndLegend(t *testing.T) {
	dir := t.TempDir()
	for _, f := range fixture().Figures {
		require.NoError(t, draw(f, dir))
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
	}
}

func TestAFigureCanBeReadOnADarkPageAndInAnotherFont(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, draw(fixture().Figures[0], dir))
	b, err := os.ReadFile(filepath.Join(dir, "lines.svg"))
	require.NoError(t, err)
	svg := string(b)
	assert.Contains(t, svg, "prefers-color-scheme: dark")
	assert.Contains(t, svg, "fill:#FFFFFF", "the ground is opaque")
	assert.Equal(t, strings.Count(svg, "<text "), strings.Count(svg, "textLength="), "labels that keep their room")
	assert.Greater(t, widthOf("wider", 12), widthOf("wide", 12))
	assert.InDelta(t, 2*widthOf("wide", 12), widthOf("wide", 24), 0.01)
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

func TestAReportGoesIntoThePagesAndThePlotsBesideThem(t *testing.T) {
	docs := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(docs, "img"), 0o700))
	for _, page := range []string{"overload.md", "overload-figures.md"} {
		old := []byte("before\n" + begin + "old\n" + end + "after\n")
		require.NoError(t, os.WriteFile(filepath.Join(docs, page), old, 0o600))
	}
	for range 2 {
		var printed strings.Builder
		require.NoError(t, publish(fixture(), docs, &printed))
		assert.Equal(t, "short\n\nlong\n", printed.String())
	}
	for page, tables := range map[string]string{"overload.md": "short\n", "overload-figures.md": "long\n"} {
		b, err := os.ReadFile(filepath.Join(docs, page))
		require.NoError(t, err)
		assert.Equal(t, "before\n"+begin+tables+end+"after\n", string(b))
	}
	assert.FileExists(t, filepath.Join(docs, "img", "lines.svg"))
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

func TestWhatCannotBeWrittenIsAnError(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "missing")
	require.Error(t, draw(fixture().Figures[0], missing))
	require.Error(t, publish(fixture(), missing, io.Discard))
}

func TestDefaultsThatDoNotShowWhatTheyHaveToAreAnError(t *testing.T) {
	met, not := storm.Row{Met: true}, storm.Row{What: "retries", Wanted: "few", Measured: "many"}
	require.NoError(t, unmet([]storm.Row{met}))
	require.EqualError(t, unmet([]storm.Row{met, not}), "retries: wanted few, measured many")
}

func TestProgressIsToldOfEveryTenthSimulationAndOfTheLast(t *testing.T) {
	var told strings.Builder
	for i := range 12 {
		progress(&told)(i+1, 12, "a kind")
	}
	assert.Equal(t, 2, strings.Count(told.String(), "of 12 simulations"))
}

func TestThePagesHaveAPlaceForTheTables(t *testing.T) {
	for _, page := range []string{"overload.md", "overload-figures.md"} {
		b, err := os.ReadFile(filepath.Join("..", "..", "docs", page))
		require.NoError(t, err)
		assert.Equal(t, 1, strings.Count(string(b), begin), page)
		assert.Equal(t, 1, strings.Count(string(b), end), page)
	}
}
