package conformance

import (
	"net/http"
	"strings"

	"github.com/seed-e3550de8/retry/retrytest"
)

func netHTTP() Subject {
	return Subject{
		Name:  "net/http",
		Setup: "no wrapper: the base itself",
		Wrap:  func(base http.RoundTripper) http.RoundTripper { return base },
		Claims: retrytest.Claims{
			Attempts:         1,
			NotRetried:       []int{408, 429, 500, 502, 503, 504},
			NoErrors:         true,
			NoIdempotencyKey: true,
			NoUnprocessed:    true,
			NoBackoff:        true,
			NoJitter:         true,
			NoRetryAfter:     true,
			NoDeadline:       true,
			NoFiles:          true,
			Unclaimed:        needsRetry(),
		},
	}
}

// needsRetry returns the subtests that cannot pass without a second attempt.
func needsRetry() map[string]string {
	const names = `
		AttemptsBounded ResponseOutlivesCall FreshBodyPerAttempt EarlyReplyUpload IdempotentReplayed
		DiscardBoundedInBytes DiscardBoundedInTime BlockedCloseBounded BlockedUploadHTTP1 BlockedUploadHTTP2
		DiscardGivenUp ConcurrentUse ReplayOnFreshConnection ReplayOverHTTP2 ConnectionReuse SwitchingProtocols Head
		Informational ResponseTrailers RequestTrailers ExpectContinue RedirectsWithBody EarlyReplyUploadHTTP1
		EarlyReplyUploadHTTP2
	`
	unclaimed := map[string]string{}
	for _, name := range strings.Fields(names) {
		unclaimed[name] = "it does not retry"
	}
	return unclaimed
}
