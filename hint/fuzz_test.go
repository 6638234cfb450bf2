package hint_test

import (
	"bufio"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/seed-e3550de8/retry"
	"github.com/seed-e3550de8/retry/hint"
)

// FuzzWaits: no answer makes a wait panic, or negative, or shorter than Retry-After asks for.
func FuzzWaits(f *testing.F) {
	for _, file := range []string{"github.txt", "google.txt", "ratelimit.txt", "reset.txt"} {
		for _, one := range answers(f, file) {
			f.Add(one.raw)
		}
	}
	f.Fuzz(func(t *testing.T, raw string) {
		resp, err := http.ReadResponse(bufio.NewReader(strings.NewReader(raw)), nil)
		if err != nil {
			return
		}
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			return
		}
		asked, ok := retry.ParseRetryAfter(resp.Header, now)
		for name, wait := range everyWait {
			resp.Body = io.NopCloser(strings.NewReader(string(body)))
			d, says := wait(resp, now)
			if d < 0 || d < asked || !says && (ok || d != 0) {
				t.Fatalf("%s: %v, %v, and Retry-After: %v, %v", name, d, says, asked, ok)
			}
			if left, err := readAll(resp); err != nil || left != string(body) {
				t.Fatalf("%s left %q of %q: %v", name, left, body, err)
			}
		}
	})
}

var everyWait = map[string]func(*http.Response, time.Time) (time.Duration, bool){
	"GitHub":              hint.GitHub,
	"RetryInfo":           hint.RetryInfo,
	"RateLimit":           hint.RateLimit,
	"seconds":             hint.Reset("X-RateLimit-Reset", hint.Seconds),
	"milliseconds":        hint.Reset("X-RateLimit-Reset", hint.Milliseconds),
	"since 1970":          hint.Reset("X-RateLimit-Reset", hint.UnixSeconds),
	"since 1970, in ms":   hint.Reset("X-RateLimit-Reset", hint.UnixMilliseconds),
	"the longest of some": hint.Longest(nil, hint.GitHub, hint.RateLimit),
}

// FuzzReset: seconds are what they would be in Retry-After, and no shorter where they are taken for time since 1970 and
// cannot be that. What comes twice is as long as once.
func FuzzReset(f *testing.F) {
	for _, value := range []string{
		"0", "30", "1.5", "6m0s", "1795176030", "1795176030000", "2026-11-20T12:00:30Z", "-1", "7, 7",
	} {
		f.Add(value, "9", now.Unix())
	}
	f.Fuzz(func(t *testing.T, value, other string, unix int64) {
		at := time.Unix(unix%253402300800, 0)
		ask := func(value string, unit hint.Unit) (time.Duration, bool) {
			resp := &http.Response{StatusCode: 429, Header: http.Header{"X-Reset": {value}}}
			return hint.Reset("X-Reset", unit)(resp, at)
		}
		seconds, ok := retry.ParseRetryAfter(http.Header{"Retry-After": {value}}, at)
		if d, says := ask(value, hint.Seconds); d != seconds || says != ok {
			t.Fatalf("%q: %v, %v, and in Retry-After %v, %v", value, d, says, seconds, ok)
		}
		if ok && seconds < 500e6*time.Second {
			for _, unit := range []hint.Unit{hint.UnixSeconds, hint.UnixMilliseconds} {
				if d, _ := ask(value, unit); d < seconds && strings.Trim(value, "0123456789") == "" {
					t.Fatalf("%q cannot be since 1970, and is %v", value, d)
				}
			}
		}
		one, _ := ask(value, hint.UnixSeconds)
		two, _ := ask(value+","+value, hint.UnixSeconds)
		if one != two {
			t.Fatalf("%q: once %v, twice %v", value, one, two)
		}
		_, _ = ask(value+","+other, hint.UnixMilliseconds)
	})
}

// FuzzDirectives: only the proxy that is asked about proves anything, and whatever a server says, a POST goes once.
func FuzzDirectives(f *testing.F) {
	f.Add(502, `egress; error=connection_refused; details="UF"`, "true", "{}")
	f.Add(503, `egress;error=dns_error, cdn`, "false", `{"error":{"errors":[{"reason":"dailyLimitExceeded"}]}}`)
	f.Add(403, `x`, " TRUE ", `{"message":"API rate limit exceeded"}`)
	f.Add(429, "", "true,false", `[{"error":{"details":[{"@type":"google.rpc.RetryInfo","retryDelay":{"nanos":-1}}]}}]`)
	f.Fuzz(func(t *testing.T, status int, proxyStatus, directive, body string) {
		attempt := func() retry.Attempt {
			a := answered(status, "X-Should-Retry", directive)
			a.Response.Header["Proxy-Status"] = []string{proxyStatus}
			a.Response.Body = io.NopCloser(strings.NewReader(body))
			return a
		}
		for name, class := range map[string]func(retry.Attempt) retry.Class{
			"Directed":    hint.Directed("X-Should-Retry", nil),
			"GitHubLimit": hint.GitHubLimit(nil),
			"GoogleQuota": hint.GoogleQuota(nil),
		} {
			if c := class(attempt()); c != retry.Final && c != retry.Transient {
				t.Fatalf("%s: %v", name, c)
			}
		}
		if hint.ProxyStatus("egress", nil)(attempt()) != retry.Unprocessed {
			return
		}
		named := strings.Contains(proxyStatus, "egress") && strings.Contains(proxyStatus, "error=")
		if status < 502 || status > 504 || !named {
			t.Fatalf("%d with %q proves nothing", status, proxyStatus)
		}
	})
}
