package hint

import (
	"bytes"
	"net/http"
	"time"

	"github.com/seed-e3550de8/retry"
)

// leastGitHub is for how long at least a client is to stay away that is told nothing better.
const leastGitHub = time.Minute

// GitHub is the wait that GitHub asks for ("Rate limits for the REST API" in its documentation, and "... GraphQL API").
// With a 403 or a 429 that is a rate limit, it is the first of these that there is:
//   - Retry-After;
//   - X-RateLimit-Reset, if X-RateLimit-Remaining is 0: the primary limit, an hour's at most;
//   - a minute, twice that at the second attempt, four times at the third: a secondary limit, which says no more.
//
// A 403 is a rate limit if it has one of the first two, or a body that says so; other ones are about permission. A 200
// of GraphQL is one if nothing remains and the body says so. Any other response asks for what its Retry-After does.
//
// GitHub answers 403 more often than 429, so use GitHubLimit with it. Set MaxRetryAfter to what you would wait: with
// the default, a minute, most responses to an exhausted primary limit are returned at once. With go-github, set
// DisableRateLimitCheck of its client, or it refuses by itself what would be sent when the limit is over.
func GitHub(resp *http.Response, now time.Time) (time.Duration, bool) {
	if d, ok := retryAfter(resp, now); ok || !limitedByGitHub(resp) {
		return d, ok
	}
	if remaining, ok := read(resp.Header.Get("X-Ratelimit-Remaining")); ok && remaining == 0 {
		if _, ok := read(resp.Header.Get("X-Ratelimit-Reset")); ok {
			d, _ := until(resp.Header, "X-Ratelimit-Reset", UnixSeconds, now)
			return d, true // 0 if the window has ended meanwhile
		}
	}
	number := 1
	if resp.Request != nil {
		number = retry.AttemptNumber(resp.Request.Context())
	}
	return leastGitHub << min(max(number-1, 0), 20), true
}

// GitHubLimit returns a Classify function for which a response that is a rate limit of GitHub's is [retry.Transient],
// whatever its status; see [GitHub]. The others are up to next; nil means [retry.Classify]. If next has proof that the
// server did not act, that stands.
func GitHubLimit(next func(retry.Attempt) retry.Class) func(retry.Attempt) retry.Class {
	return func(a retry.Attempt) retry.Class {
		c := otherwise(next, a)
		if limitedByGitHub(a.Response) {
			return orTransient(c)
		}
		return c
	}
}

func limitedByGitHub(resp *http.Response) bool {
	if resp == nil {
		return false
	}
	remaining, ok := read(resp.Header.Get("X-Ratelimit-Remaining"))
	_, asked := retryAfter(resp, time.Time{})
	exhausted := asked || ok && remaining == 0
	switch resp.StatusCode {
	case http.StatusTooManyRequests:
		return true
	case http.StatusForbidden:
		return exhausted || says(resp, "rate limit", "abuse detection")
	case http.StatusOK:
		graphQL := resp.Header.Get("X-Ratelimit-Resource") == "graphql"
		return graphQL && exhausted && says(resp, `"rate_limited"`, "secondary rate limit")
	}
	return false
}

// says returns whether the beginning of the body has one of the words, in capitals or not.
func says(resp *http.Response, words ...string) bool {
	page, _ := retry.Peek(resp, 4<<10)
	page = bytes.ToLower(page)
	for _, word := range words {
		if bytes.Contains(page, []byte(word)) {
			return true
		}
	}
	return false
}
