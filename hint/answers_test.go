package hint_test

import (
	"bufio"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-e3550de8/retry"
	"github.com/seed-e3550de8/retry/hint"
)

// now is when the answers of this package's tests arrive, on the client's clock.
var now = time.Date(2026, time.November, 20, 12, 0, 0, 0, time.UTC)

// An answer is one of a file in testdata: a heading, and what came over the wire.
type answer struct {
	name string
	want []string // a wait as a Duration prints itself, or "none"; a class
	raw  string
}

func (a answer) response(t *testing.T) *http.Response {
	t.Helper()
	resp, err := http.ReadResponse(bufio.NewReader(strings.NewReader(a.raw)), nil)
	require.NoError(t, err, a.name)
	return resp
}

// answers reads a file of answers, whose first lines say what is in it.
func answers(t testing.TB, file string) (all []answer) {
	t.Helper()
	content, err := os.ReadFile("testdata/" + file)
	require.NoError(t, err)
	for _, one := range strings.Split(string(content), "\n== ")[1:] {
		heading, raw, _ := strings.Cut(one, "\n")
		want, name, named := strings.Cut(heading, " | ")
		require.True(t, named, heading)
		all = append(all, answer{name, strings.Fields(want), raw + "\n"})
	}
	require.NotEmpty(t, all)
	return all
}

func inWords(d time.Duration, ok bool) string {
	if !ok {
		return "none"
	}
	return d.String()
}

func TestTheAnswersOfServersAreReadAsTheyAreMeant(t *testing.T) {
	for file, by := range map[string]struct {
		wait  func(*http.Response, time.Time) (time.Duration, bool)
		class func(retry.Attempt) retry.Class
	}{
		"github.txt":       {hint.GitHub, hint.GitHubLimit(nil)},
		"google.txt":       {hint.RetryInfo, hint.GoogleQuota(nil)},
		"ratelimit.txt":    {hint.RateLimit, nil},
		"directed.txt":     {nil, hint.Directed("stripe-should-retry", nil)},
		"proxy_status.txt": {nil, hint.ProxyStatus("egress", nil)},
	} {
		for _, one := range answers(t, file) {
			var got []string
			if by.wait != nil {
				got = append(got, inWords(by.wait(one.response(t), now)))
			}
			if by.class != nil {
				got = append(got, by.class(retry.Attempt{Number: 1, Response: one.response(t)}).String())
			}
			assert.Equal(t, one.want, got, "%s: %s", file, one.name)
		}
	}
}

func TestAResetIsReadInItsUnit(t *testing.T) {
	units := map[string]hint.Unit{
		"Seconds": hint.Seconds, "Milliseconds": hint.Milliseconds, "UnixSeconds": hint.UnixSeconds,
		"UnixMilliseconds": hint.UnixMilliseconds, "Unit(-1)": -1,
	}
	for _, one := range answers(t, "reset.txt") {
		require.Len(t, one.want, 3, one.name)
		unit, known := units[one.want[2]]
		require.True(t, known, one.name)
		wait := hint.Reset(one.want[1], unit)
		assert.Equal(t, one.want[0], inWords(wait(one.response(t), now)), one.name)
	}
}

func TestWhatIsPeekedAtIsLeftForTheCaller(t *testing.T) {
	for file, class := range map[string]func(retry.Attempt) retry.Class{
		"github.txt": hint.GitHubLimit(nil), "google.txt": hint.GoogleQuota(nil),
	} {
		for _, one := range answers(t, file) {
			resp := one.response(t)
			class(retry.Attempt{Number: 1, Response: resp})
			hint.RetryInfo(resp, now)
			hint.GitHub(resp, now)
			body, err := readAll(resp)
			require.NoError(t, err, one.name)
			want, err := readAll(one.response(t))
			require.NoError(t, err, one.name)
			assert.Equal(t, want, body, one.name)
		}
	}
}

func TestWithoutAResponseThereIsNothingToRead(t *testing.T) {
	refused := retry.Attempt{Number: 1, Err: assert.AnError}
	for name, wait := range map[string]func(*http.Response, time.Time) (time.Duration, bool){
		"GitHub": hint.GitHub, "RetryInfo": hint.RetryInfo, "RateLimit": hint.RateLimit,
		"Reset": hint.Reset("X-RateLimit-Reset", hint.Seconds), "Longest": hint.Longest(nil, hint.GitHub),
	} {
		for _, resp := range []*http.Response{nil, {}, {StatusCode: 403}, {StatusCode: 500}} {
			assert.Equal(t, "none", inWords(wait(resp, now)), name)
		}
	}
	for name, class := range map[string]func(retry.Attempt) retry.Class{
		"GitHubLimit": hint.GitHubLimit(nil), "GoogleQuota": hint.GoogleQuota(nil),
		"Directed": hint.Directed("X-Should-Retry", nil), "ProxyStatus": hint.ProxyStatus("proxy", nil),
	} {
		assert.Equal(t, retry.Transient, class(refused), name)
		assert.Equal(t, retry.Final, class(retry.Attempt{Number: 1, Response: &http.Response{StatusCode: 404}}), name)
	}
}
