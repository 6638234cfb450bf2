// Package retry makes an HTTP client survive failures that pass, without making a bad day worse.
//
// A [Transport] is an [http.RoundTripper] that wraps another one:
//
//	client := &http.Client{Transport: retry.New(nil, retry.Policy{})}
//	resp, err := client.Get("https://api.example.com/orders")
//	if err != nil {
//		return err // after several attempts it wraps an *Error, unless Client.Timeout ended the request
//	}
//	defer resp.Body.Close()
//	attempts := retry.AttemptNumber(resp.Request.Context())
//
// It repeats a request that is idempotent and can be sent again if the response is 408, 425, 429 or 5xx, or if the
// network failed before there was one. It waits as long as the server's Retry-After asks and adds a truncated
// exponential backoff, with jitter drawn anew for each attempt. It stops at four attempts, at the deadline of the
// request's context, and when the [Budget] of the server is spent. A [Policy] changes each of these, for a Transport
// or, by [WithPolicy], for a request. [Do] repeats a whole operation under the same Policy.
//
// # What is retried
//
// An attempt is repeated if its class is [Unprocessed], or if it is [Transient] and the request is [Idempotent]; and if
// the request is [Replayable]. [Classify] and [ClassifyStatus] say which failure has which class. If several things
// forbid the retry of a failure, Decision.Reason is the first of: the request's context is done; the failure is Final
// (which has no reason); the request is not idempotent; it is not replayable; the attempts are exhausted; the server
// asks for more than MaxRetryAfter; the deadline is before the end of the wait; a [Gate] holds it for too long; the
// budget is spent.
//
// # Promises
//
//  1. The base is asked at least once and at most MaxAttempts times, unless a Gate holds the request for too long.
//  2. The caller's request is not modified. Attempt 1 sends that very pointer, each retry a shallow copy with a new
//     body from GetBody. (The fields AttemptTimeout and http.Request.Trailer say when attempt 1 is a copy too, and so
//     does [Replayable] of a file, which is sent as a section of it.)
//  3. Nothing that an earlier attempt may still use is touched or shared: not its body, not its trailers. A body that
//     cannot be replayed is sent once, unchanged, and that is no error.
//  4. Every body is closed once: the caller's by the attempt that has it, or here if nothing is sent; one from GetBody
//     also if it is not used; every response but the one returned. If a server answers before it has read the
//     request's body, the base closes that when its pending Read returns: nobody else may, since the Read is still
//     using it.
//  5. The response returned is the last one, unread, with a nil error, whatever its status, also if a retry that was
//     decided on cannot be made because GetBody fails. It is the base's own pointer, and nothing is written into it.
//     (A copy is returned if the base left its Request nil; Policy.AttemptTimeout wraps the body.)
//  6. An error after one attempt and no wait is the base's own value, unless a response came with it that says more.
//     Otherwise it is an [*Error] that matches the last attempt's error, the reason, and the context's error and cause,
//     and that has Timeout and Temporary.
//  7. A request that is not idempotent is not sent twice unless the first sending was certainly unprocessed.
//  8. No retry comes earlier than the server asks, also through nested Transports and operations, and if the response
//     that asks comes too late for its AttemptTimeout.
//  9. Nothing is sent after the context is done, and nothing waits past its deadline. (If it is done before the first
//     attempt, it is the base that refuses, as [http.Transport] does.)
//  10. No goroutine, timer, connection or context outlives its request, but for what code that is not ours does not
//     return from: a Read that its Close does not end, a Close, a GetBody.
//  11. A discarded body makes no retry later than its backoff, or than 10ms if that is longer, and is not read after it
//     was given up. Up to Go 1.26 it is drained within that time and 256 KiB, so that its connection serves the next
//     attempt; since Go 1.27 net/http does so by itself.
//  12. 101 responses and their writable bodies pass untouched; trailers, 1xx, Expect: 100-continue, HEAD, CONNECT and
//     http.NoBody are as without this package.
//  13. Transports that wrap one another retry in one layer: the total stays within one MaxAttempts. A retry's context
//     tells the inner one, which knows the request by its method and URL. The outer one is told by the response's
//     Request, or by the [*Error], under the condition that what stands between them keeps either: a RoundTripper that
//     replaces resp.Request, or makes a new error of the old one's text, hides the attempts. Other requests under the
//     context of a retry, a token or the next page, have attempts of their own.
//  14. Nothing is printed, and no error text of this package holds a URL's path, query or user, a header or a body.
//     (What a base's own error says is printed as it is: net/http quotes a malformed header line, and a Location.)
//  15. A request that succeeds at once under a plain policy costs no allocation, but for files, and for the first ones
//     to a new authority.
//
// # Layers
//
// What must see each attempt goes inside, as the base: authentication that signs requests, tracing of attempts. A base
// that adds a header field must do so in a copy, as the contract of [http.RoundTripper] has it: one that adds it to the
// request's own map adds it once per attempt. What must see one call goes outside: caching, a circuit breaker, tracing
// of calls.
//
// net/http has retries of its own below this package: an HTTP/1 request on a kept connection that turns out dead, and
// an HTTP/2 stream that was refused, are sent again inside one attempt. Up to Go 1.26 a server that answers every
// stream with PROTOCOL_ERROR is asked until the context, or an AttemptTimeout, ends it.
//
// [http.Client.Timeout] bounds the whole call, its waits included. Use Policy.AttemptTimeout to bound an attempt.
//
// # What a retry changes
//
//   - A cookie that is set by a response which is retried never reaches the client's Jar.
//   - A request with If-None-Match: * whose answer was lost comes back as 412: its first sending has made the resource.
//     A DELETE likewise ends in 404.
//   - A Retry-After in a 3xx binds the redirected request (RFC 9110 section 10.2.3), which is a call of its own; it is
//     not waited for.
//
// # Compatibility
//
// The package follows semantic versioning. A change of what is retried, or of a default, is never a patch release. It
// supports the two latest releases of Go.
package retry
