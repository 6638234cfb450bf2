// Package kubernetes has tests of retry under client-go, with an API server of its own that holds config maps and meets
// faults. It is a module of its own because client-go takes long to compile. It has nothing to import.
package kubernetes
