// Package realworld has tests of retry and resume against servers that others wrote: nginx and haproxy, which the tests
// start on the loopback interface and end, toxiproxy, an S3 fake and a container registry. It has nothing to import.
package realworld
