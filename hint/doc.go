// Package hint reads what servers say outside of Retry-After: when to come back, and whether.
//
// A wait is for Policy.RetryAfter, a directive for Policy.Classify:
//
//	client := &http.Client{Transport: retry.New(nil, retry.Policy{
//		RetryAfter:    hint.GitHub,
//		Classify:      hint.GitHubLimit(nil), // a 403 that is a rate limit may pass
//		MaxRetryAfter: time.Hour,             // a minute is the default, and GitHub's window is an hour
//	})}
//
// Which servers mean which:
//
//	GitHub              GitHub, GitHubLimit
//	Google, Gemini      RetryInfo, GoogleQuota
//	RateLimit field     RateLimit, of draft-ietf-httpapi-ratelimit-headers in its old forms and its new one
//	Shopify             nothing: ParseRetryAfter reads its fractions
//	Discord             Reset("X-RateLimit-Reset-After", Seconds)
//	OpenAI              Reset("X-RateLimit-Reset-Requests", Seconds), Directed("X-Should-Retry", nil)
//	Anthropic           Reset("Anthropic-RateLimit-Requests-Reset", UnixSeconds), Directed("X-Should-Retry", nil)
//	Stripe              Directed("Stripe-Should-Retry", nil)
//	AWS                 Reset("X-Amz-Retry-After", Milliseconds)
//	X (Twitter), Okta   Reset("X-Rate-Limit-Reset", UnixSeconds)
//	Zalando, throttled  Reset("X-RateLimit-Reset", Seconds)
//	Envoy               Reset("X-RateLimit-Reset", Seconds), and with care ProxyStatus
//
// Each wait honours Retry-After, as [retry.ParseRetryAfter] reads it, on every response. Where a response has both,
// Retry-After is the wait, because it says when one more request is welcome, and a reset when all of them are again;
// but for RetryInfo, where the longer one is. None of the waits is negative, and none is shorter than what is asked.
//
// A hint that stands in the body is read by [retry.Peek], and what is peeked at is left for the caller. That waits for
// the bytes, as long as the request's context allows.
package hint
