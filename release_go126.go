//go:build !go1.27

package retry

// closeDrains is false up to Go 1.26: there a Close before the end of a body gives its connection up. This file and its
// counterpart go when Go 1.26 is no longer supported, in February 2027.
const closeDrains = false
