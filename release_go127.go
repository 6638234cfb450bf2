//go:build go1.27

package retry

// closeDrains is true since Go 1.27, whose Body.Close reads on for up to 256 KiB and 50 ms in a goroutine of
// net/http's. To read as well would be to read at the same time, and in a bubble of testing/synctest that stops the
// clock. This file and its counterpart go when Go 1.26 is no longer supported, in February 2027.
const closeDrains = true
