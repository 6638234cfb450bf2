// Package layers runs clients that retry by themselves over a retry.Transport. Its tests are the source of
// docs/layers.md: they count what arrives at a server, with either layer on or off, and compile each recipe.
package layers
