// Package more is package layers for SDKs that take long to compile. Its tests are the source of their rows in
// docs/layers.md.
package more
