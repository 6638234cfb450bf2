// Package httpfault has a server for tests of HTTP clients. It fails for real, as its script says: it resets, stalls,
// truncates, refuses, answers 503.
//
// A [Server] answers each request by the next [Step] of a script:
//
//	func TestGetSurvives(t *testing.T) {
//		srv := httpfault.NewServer(t,
//			httpfault.Status(503).RetryAfter(time.Second),
//			httpfault.Reset(),
//			httpfault.OK("hello"),
//		)
//		body, err := myclient.Get(srv.URL + "/greeting") // code under test
//		if body != "hello" || err != nil || len(srv.Requests()) != 3 {
//			t.Error(body, err, srv.Requests())
//		}
//	}
//
// The server stops by itself when the test ends. If it then has steps left over, the test fails, with a message
// that shows the script and what arrived. Code that does not take a URL gets a client from [Server.Client], or a
// base for its own RoundTripper from [Server.Transport].
//
// # Steps
//
// A step that answers is made by [Status] or [OK] and its methods: Header, Body, BodySize, Gzip, Chunked,
// Trailer, Informational, RetryAfter, RetryAfterDate, Clock, Latency, Drip, Early, Close.
// [Handle] answers by any handler.
//
// Some answers go wrong: CutBody, ResetBody, StallBody and RSTBody end the content too soon, EndlessBody never;
// CloseIdle and TimeoutIdle end the connection afterwards, while it is in the client's pool.
//
// Others never come: [Reset], [Close], [Hang], [CloseInHeader], [ResetInHeader], [MalformedStatus],
// [MalformedHeader], [Raw]; with HTTP/2, [RSTStream], [GoAway], [StallUpload].
//
// And some steps take a connection before it carries a request: [Refuse], [NoAccept], [ResetOnAccept], [CloseOnAccept],
// [StallSettings], and for TLS [TLSWrongName], [TLSExpired], [TLSUnknownCA], [TLSStall], [TLSAlert], [TLSClearText].
//
// Each step happens once, or as often as [Step.Times] says.
//
// # Without waiting
//
// With [Config].Pipe the connections are in memory. Then server, client and test fit into one bubble of
// testing/synctest, where an hour of latency or of Retry-After passes in no time:
//
//	synctest.Test(t, func(t *testing.T) {
//		cfg := httpfault.Config{Pipe: true}
//		srv := cfg.NewServer(t, httpfault.Status(503).Latency(time.Hour), httpfault.OK("hello"))
//		...
//	})
//
// Without Config.Pipe, a server in a bubble fails the test at once: the clock would stand still.
//
// Mind that net/http sends some requests again by itself: one without a body, say, whose connection from the
// pool is closed before the answer begins. Such requests are in [Server.Requests] like any other.
package httpfault
