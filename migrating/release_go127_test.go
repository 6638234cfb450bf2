//go:build go1.27

package migrating

// loopPosts is how often a loop around client.Do sends the body of one request.
const loopPosts = 4
