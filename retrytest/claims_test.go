package retrytest_test

import (
	"maps"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seed-e3550de8/retry/retrytest"
)

func TestWhatIsNotClaimedIsNotHeldAgainstAWrapper(t *testing.T) {
	t.Parallel()
	for fault, claims := range map[string]retrytest.Claims{
		"retries no errors":                              {NoErrors: true},
		"retries POST":                                   {NoIdempotency: true},
		"does not look at the key":                       {NoIdempotencyKey: true},
		"retries no POST at all":                         {NoUnprocessed: true},
		"retries only 503":                               {NotRetried: []int{408, 429, 500, 502, 504}},
		"ignores Retry-After":                            {NoRetryAfter: true},
		"waits for any Retry-After":                      {LongestRetryAfter: -1},
		"loses the jitter at the cap":                    {NoJitter: true},
		"sleeps past the deadline":                       {NoDeadline: true},
		"returns an error instead of the last response":  {NoLastResponse: true},
		"makes 101 attempts":                             {Attempts: 101, Unclaimed: unclaimed("AttemptsBounded")},
		"closes a discarded response without reading it": {Unclaimed: unclaimed("ConnectionReuse")},
	} {
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			i := slices.IndexFunc(brokenWrappers, func(b broken) bool { return b.fault == fault })
			require.GreaterOrEqual(t, i, 0, "there is such a broken wrapper")
			testReference(t, brokenWrappers[i].change, withoutUploads(claims))
		})
	}
}

func TestAWrapperThatRetriesOnlyOneOtherStatusAtOncePasses(t *testing.T) {
	t.Parallel()
	testReference(t, changed(func(r *reference) {
		r.wait = func(int, *http.Response) time.Duration { return 0 }
		r.discard = func(resp *http.Response, _ time.Duration) { discard(resp, time.Second) }
		r.mayRepeat = func(req *http.Request, resp *http.Response, err error) bool {
			return (err != nil || resp.StatusCode == 429) && mayRepeat(req, resp, err)
		}
	}), withoutUploads(retrytest.Claims{
		FailureStatus: 429,
		NotRetried:    []int{408, 500, 502, 503, 504},
		NoBackoff:     true,
		NoRetryAfter:  true,
	}))
}

// withoutUploads leaves out what takes real time.
func withoutUploads(claims retrytest.Claims) retrytest.Claims {
	const reason = "other tests make the uploads"
	all := map[string]string{"EarlyReplyUploadHTTP1": reason, "EarlyReplyUploadHTTP2": reason}
	maps.Copy(all, claims.Unclaimed)
	claims.Unclaimed = all
	return claims
}

func unclaimed(name string) map[string]string {
	return map[string]string{name: "this test is about it"}
}
