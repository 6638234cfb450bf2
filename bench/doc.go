// Package bench sets retry beside the other ways to repeat an HTTP request in Go.
//
// Every library is made into an [http.RoundTripper] by an adapter as thin as its API allows, and every case is set up
// alike: the same number of retries, no wait unless the case is about waiting, no logging, and no option turned on that
// its documentation does not ask for. What an adapter adds is said at the adapter.
//
// The benchmarks are ordinary ones:
//
//	go test -run '^$' -bench 'Success/' .
//
// The report takes medians over interleaved passes of them and writes RESULTS.md and the charts:
//
//	go run ./cmd/report
//
// The package conformance, and CONFORMANCE.md, run the kit of retrytest over the libraries that are RoundTrippers,
// and send the same answers, uploads and downloads through those that can be told what to repeat.
package bench
