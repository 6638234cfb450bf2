// Package retry makes an HTTP client survive failures that pass, without making a bad day worse.
//
// A [Transport] is an [http.RoundTripper] that wraps another one:
//
//	client := &http.Client{Transport: retry.New(nil, retry.Policy{})}
//	resp, err := client.Get("https://api.example.com/orders")
//	if err != nil {
//		return err // after several attempts it wraps an *Error
//	}
//	defer resp.Body.Close()
//	attempts := retry.AttemptNumber(resp.Request.Context())
//
// It sends idempotent requests whose body can be sent again once more if the response is 408, 425, 429 or 500 to 599, or
// if there is none because of the network. It waits as long as the server's Retry-After asks and adds a truncated
// exponential backoff, with jitter drawn anew for each attempt. It stops at four attempts, at the deadline of the
// request's context, and when the [Budget] of the server is spent. A [Policy] changes each of these, for a Transport or,
// by [WithPolicy], for a request.
//
// # What is retried
//
// An attempt is repeated if its class is [Unprocessed], or if it is [Transient] and the request is [Idempotent]; and if
// the request is [Replayable]. [Classify] and [ClassifyStatus] say which failure has which class. If several things
// forbid the retry, Decision.Reason is the first of: the request's context is done; the failure is Final; the request is
// not idempotent; it is not replayable; the attempts are exhausted; Retry-After is beyond MaxRetryAfter; the deadline is
// before the end of the wait; the budget is spent.
//
// # Promises
//
//  1. The base is asked at least once and at most MaxAttempts times. (A request that a Gate holds for longer
//     than it can wait is the exception: it is not sent.)
//  2. The caller's request is not modified. Attempt 1 sends that very pointer; each retry a shallow copy with a new body
//     from GetBody. No body is buffered, and none is wrapped on the way down. (With AttemptTimeout attempt 1 is a shallow
//     copy too.)
//  3. No reader that an earlier attempt may still be reading is touched. A body that cannot be replayed is sent once,
//     unchanged, and that is no error.
//  4. Every body is closed: the caller's on every path, also when nothing is sent; one from GetBody also when it is not
//     used; every response but the one returned, also when a function of the policy panics.
//  5. The response returned is the last one, unread, with a nil error, whatever its status. It is the base's own
//     pointer, and its Request is the one that was sent.
//  6. An error after one attempt is the base's own value, unwrapped (but for that of an AttemptTimeout). After more, or
//     when the context ended a wait, it is an [*Error] that matches the last attempt's error, the reason, and the
//     context's error and cause, and that has Timeout and Temporary.
//  7. A request that is not idempotent is not sent twice unless the first sending was certainly unprocessed.
//  8. No retry comes earlier than Retry-After asks.
//  9. Nothing is sent after the context is done, and nothing waits past its deadline. (If it is done before the first
//     attempt, it is the base that refuses, as [http.Transport] does.)
//  10. No goroutine, timer, connection or context outlives its request. (A base's body whose Close does not end a pending
//     Read keeps the goroutine that reads it.)
//  11. A discarded body is drained within a bound in bytes and in time, then closed, before the rest of the wait, and
//     the drain counts towards it: its connection serves the next attempt, and an endless or dripping body makes no
//     retry later than its backoff, or than 10ms if that is longer.
//  12. 101 responses and their writable bodies pass untouched; trailers, 1xx, Expect: 100-continue, HEAD, CONNECT and
//     http.NoBody are as without this package.
//  13. Nested Transports retry in one layer: the total stays within one MaxAttempts. A retry's context tells the inner
//     one; a response or an error that took several attempts tells the outer one.
//  14. Nothing is printed, and no error text of this package holds a URL's path, query or user, a header or a body.
//  15. A request that succeeds at once costs no allocation.
//
// # Layers
//
// What must see each attempt goes inside, as the base: authentication that signs requests, tracing of attempts. What
// must see one call goes outside: caching, a circuit breaker, tracing of calls. net/http has retries of its own below
// this package: an HTTP/1 request on a kept connection that turns out dead, and an HTTP/2 stream that was refused, are
// sent again inside one attempt; a server that answers every stream with PROTOCOL_ERROR is asked until the context, or an
// AttemptTimeout, ends it.
//
// [http.Client.Timeout] bounds the whole call, its waits included. Use Policy.AttemptTimeout to bound an attempt.
//
// # Compatibility
//
// The package follows semantic versioning. A change of what is retried, or of a default, is never a patch release. It
// supports the two latest releases of Go.
package retry
