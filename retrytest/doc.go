// Package retrytest has a conformance kit for RoundTrippers that retry, or that wrap another one for any other reason.
//
// [TestRoundTripper] checks yours against the contract of net/http and the promises that one which retries should
// keep. Each is a subtest whose failure says what was promised, what happened, and why it matters:
//
//	func TestMine(t *testing.T) {
//		wrap := func(base http.RoundTripper) http.RoundTripper { return mine.New(base) }
//		retrytest.TestRoundTripper(t, wrap, retrytest.Claims{})
//	}
//
// What it does not promise is said in [Claims], so that only the rest is asked for. The kit takes seconds: most of its
// subtests run in a bubble of testing/synctest, where minutes of backoff pass in no time.
//
// The base that a wrapper is given is scripted, or net/http over pipes in memory. A base of another protocol is put in
// its place by Claims.Serve.
//
// A server that fails by a script, for tests of clients, is in package httpfault beside this one.
package retrytest
