package main

import (
	"bytes"
	"fmt"
	"regexp"
	"strconv"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
)

// dark is what a reader sees who asks for dark pages: the ground as well, so that it does not depend on the page
// around.
const dark = `
<style>
@media (prefers-color-scheme: dark) {
	[style*="fill:#FFFFFF"] { fill: #0d1117 !important }
	text { fill: #d1d7e0 }
	[style*="stroke:#000000"], [style*="stroke:#111111"] { stroke: #d1d7e0 !important }
	[style*="stroke:#DDDDDD"] { stroke: #30363d !important }
	[style*="stroke:#5F6B7A"] { stroke: #9aa5b1 !important }
	[style*="stroke:#0072B2"] { stroke: #56b4e9 !important }
	[style*="fill:#0072B2"] { fill: #56b4e9 !important }
	[style*="stroke:#D55E00"] { stroke: #f08a3c !important }
	[style*="stroke:#008F68"] { stroke: #2fc79a !important }
	[style*="stroke:#B04F8C"] { stroke: #dd8bbf !important }
}
</style>`

var (
	opening = regexp.MustCompile(`<svg[^>]*>`)
	label   = regexp.MustCompile(`<text ([^>]*font-size:([0-9.]+)px[^>]*)>([^<]*)</text>`)
)

// portable makes a drawing readable on dark pages, and without the font that it was drawn with: that is on few systems,
// and another is up to a sixth wider. Each label is told the width that it was given room for.
func portable(svg []byte) []byte {
	svg = label.ReplaceAllFunc(svg, func(b []byte) []byte {
		m := label.FindSubmatch(b)
		size, err := strconv.ParseFloat(string(m[2]), 64)
		if err != nil || len(m[3]) == 0 {
			return b
		}
		room := widthOf(string(m[3]), size)
		return fmt.Appendf(nil, `<text textLength="%.2f" lengthAdjust="spacingAndGlyphs" %s>%s</text>`, room, m[1], m[3])
	})
	svg = bytes.ReplaceAll(svg, []byte("Liberation Sans"), []byte("Liberation Sans,Arial,Helvetica,sans-serif"))
	at := opening.FindIndex(svg)[1]
	return bytes.Join([][]byte{svg[:at], svg[at:]}, []byte(dark))
}

// widthOf is how wide a text is in the font that it is drawn with, in points.
func widthOf(s string, size float64) float64 {
	f := font.From(plot.DefaultFont, font.Length(size))
	f.Variant = "Sans"
	w, _, _ := plot.DefaultTextHandler.Box(s, f)
	return w.Points()
}
