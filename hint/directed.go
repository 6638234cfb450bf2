package hint

import (
	"net/http"
	"strings"

	"github.com/seed-e3550de8/retry"
)

// Directed returns a Classify function that follows a field in which the server itself says whether another attempt is
// worth it, such as X-Should-Retry of OpenAI and Anthropic, or Stripe-Should-Retry.
//
// With an error status (400 and above), "false" is [retry.Final] and "true" is [retry.Transient], whatever next says;
// but where next has proof that the server did not act, "true" leaves that as it is. It never is such proof by itself:
// the field does not make a POST go twice. If the field comes twice, "false" wins. Without the field, with any other
// value, with any other status, or without a response, next decides; nil means [retry.Classify].
func Directed(header string, next func(retry.Attempt) retry.Class) func(retry.Attempt) retry.Class {
	header = http.CanonicalHeaderKey(header)
	return func(a retry.Attempt) retry.Class {
		c := otherwise(next, a)
		if a.Response == nil || a.Response.StatusCode < 400 {
			return c
		}
		for _, value := range a.Response.Header[header] {
			for member := range strings.SplitSeq(value, ",") {
				switch strings.ToLower(strings.Trim(member, " \t")) {
				case "false":
					return retry.Final
				case "true":
					c = orTransient(c)
				}
			}
		}
		return c
	}
}
