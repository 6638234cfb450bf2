// Package realworld has tests of retry and resume with servers and clients that others wrote: nginx and haproxy, which
// the tests start on the loopback interface and end, toxiproxy, an S3 fake and a container registry; go-github, oauth2,
// go-containerregistry, the AWS SDK, connect, coder/websocket and httputil.ReverseProxy. It has nothing to import.
package realworld
