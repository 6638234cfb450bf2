// Package otelretry shows the attempts of a [retry.Transport] in OpenTelemetry: a span for each attempt, and metrics of
// the retries, of the waits and of the budget.
//
//	client := &http.Client{Transport: otelretry.New(nil, retry.Policy{}, otelretry.Config{})}
//
// # Spans
//
// Each attempt is a client span by [otelhttp], which stands inside, as the base of the Transport. From the second
// attempt on it has http.request.resend_count, which counts from 1 and over redirects too. With Config.CallSpan there
// is an internal span around all attempts of a call, with an event for each retry, and with retry.attempts and
// retry.reason.
//
// otelhttp records url.full and the text of the error, as the semantic conventions ask for. What a URL's query must not
// show is for the exporter to remove.
//
// # Metrics
//
// Beside otelhttp's http.client.request.duration, which is measured per attempt:
//
//   - retry.attempts counts attempts: http.request.method, http.response.status_code or error.type, retry.class
//     ("final", "transient", "unprocessed"), retry.outcome ("response", "error").
//   - retry.decisions counts what became of the failures: http.request.method, retry.class, retry.decision ("retry",
//     "give_up"), and for "give_up" retry.reason: "max_attempts", "budget", "not_idempotent", "not_replayable",
//     "retry_after", "deadline", "canceled", "deadline_exceeded" or "_OTHER". A failure that is final without a reason
//     is in retry.attempts only. Retries that the budget suppressed are those with "budget".
//   - retry.wait.duration is a histogram of waits in seconds, by retry.wait.source: "backoff", "server" if the wait has
//     a Retry-After in it, and "gate" for how long a [retry.Gate] held a request.
//   - retry.held.requests counts requests that a Gate held, by retry.outcome: "sent", or "refused" and then
//     retry.reason.
//   - retry.budget.balance is a gauge: how many retries the [retry.Budget] has left for each server. An
//     [retry.Unlimited] one has none.
//
// All have server.address and server.port, of at most Config.Servers servers; a host that is not UTF-8 is "_OTHER",
// like those beyond that. error.type is a status of 400 or more, or one of "canceled", "timeout",
// "name_resolution_error", "tls_error", "connect_error", "connection_lost" and "_OTHER". A method that the conventions
// do not know is "_OTHER". No attribute has a URL or the text of an error. otelhttp's own metric is bounded only by the
// cardinality limit of the SDK.
//
// A retry that was decided on counts as one even if the context ends the wait for it; whether it was sent,
// retry.attempts says. The names that begin with "retry." are this package's own, as the conventions, of version 1.43
// here, have none.
//
// # Cost
//
// If both providers are those of the noop packages, New returns a plain [retry.Transport]: a success costs the same
// time and allocations as without this package. BenchmarkSuccess has that, and, on two cores with other work, Go
// 1.26.8: 5 µs and 18 allocations a success with global providers that nobody has set, nearly all of it otelhttp's; 10
// µs and 29 with spans and metrics recorded, of which otelhttp alone takes 9 µs and 23.
//
// [otelhttp]: https://pkg.go.dev/go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp
package otelretry
