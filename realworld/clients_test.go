package realworld_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/google/go-github/v75/github"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/seed-e3550de8/retry"
	"github.com/seed-e3550de8/retry/hint"
	"github.com/seed-e3550de8/retry/httpfault"
)

var atOnce = retry.Policy{Backoff: retry.Constant(0)}

const repository = `{"id": 1296269, "full_name": "octocat/hello-world"}`

// The limit of GitHub is over at once: its reset is a second that has passed.
func TestGoGitHubWaitsForItsLimit(t *testing.T) {
	limit := httpfault.Status(http.StatusForbidden).Header("X-RateLimit-Remaining", "0").
		Header("X-RateLimit-Reset", strconv.FormatInt(time.Now().Unix(), 10)).
		Body(`{"message": "API rate limit exceeded"}`)
	for name, row := range map[string]struct {
		policy   retry.Policy
		requests int
	}{
		"with the hint":    {retry.Policy{RetryAfter: hint.GitHub, Classify: hint.GitHubLimit(nil)}, 4},
		"without the hint": {retry.Policy{}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			steps := []httpfault.Step{limit}
			if row.requests > 1 {
				steps = append(steps, httpfault.Status(502), httpfault.Reset(), httpfault.OK(repository))
			}
			server := httpfault.NewServer(t, steps...)
			row.policy.Backoff = retry.Constant(0)
			client := github.NewClient(&http.Client{Transport: retry.New(server.Transport(), row.policy)})
			client.DisableRateLimitCheck = true
			base, err := url.Parse(server.URL + "/")
			require.NoError(t, err)
			client.BaseURL = base
			repo, _, err := client.Repositories.Get(t.Context(), "octocat", "hello-world")
			assert.Len(t, server.Requests(), row.requests)
			if row.requests == 1 {
				var limited *github.RateLimitError
				require.ErrorAs(t, err, &limited, "the response is go-github's to read")
				return
			}
			require.NoError(t, err)
			assert.Equal(t, "octocat/hello-world", repo.GetFullName())
		})
	}
}

// An issue that may have been made is not made again; one whose connection was refused is.
func TestGoGitHubMakesAnIssueOnce(t *testing.T) {
	for name, row := range map[string]struct {
		fault    httpfault.Step
		requests int
		succeeds bool
	}{
		"503":                 {httpfault.Status(503), 1, false},
		"reset":               {httpfault.Reset(), 1, false},
		"connection refused":  {httpfault.Refuse(), 1, true},
		"200, and no trouble": {httpfault.Status(201).Body(`{"number": 7}`), 1, true},
	} {
		t.Run(name, func(t *testing.T) {
			config := httpfault.Config{Default: httpfault.Status(201).Body(`{"number": 7}`)}
			server := config.NewServer(t, row.fault)
			client := github.NewClient(&http.Client{Transport: retry.New(server.Transport(), atOnce)})
			base, err := url.Parse(server.URL + "/")
			require.NoError(t, err)
			client.BaseURL = base
			issue, _, err := client.Issues.Create(t.Context(), "octocat", "hello-world", &github.IssueRequest{})
			assert.Len(t, server.Requests(), row.requests)
			if !row.succeeds {
				require.Error(t, err)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, 7, issue.GetNumber())
		})
	}
}

// The token is added inside: each attempt has one, and each is valid when it is sent.
func TestOAuth2GivesEachAttemptAToken(t *testing.T) {
	tokens := httpfault.NewServer(t, httpfault.OK(`{"access_token": "secret", "expires_in": 3600}`).
		Header("Content-Type", "application/json"))
	server := httpfault.NewServer(t, httpfault.Status(503), httpfault.Reset(), httpfault.OK("hello"))
	config := clientcredentials.Config{ClientID: "id", ClientSecret: "s", TokenURL: tokens.URL + "/token"}
	signing := &oauth2.Transport{Source: config.TokenSource(t.Context()), Base: server.Transport()}
	client := &http.Client{Transport: retry.New(signing, atOnce)}
	require.NoError(t, exchange(t, client, http.MethodPut, server.URL, "hello"))
	require.Len(t, server.Requests(), 3)
	for _, r := range server.Requests() {
		assert.Equal(t, "Bearer secret", r.Header.Get("Authorization"))
	}
	assert.Len(t, tokens.Requests(), 1)
}

func TestAWebSocketIsOpenedByARetry(t *testing.T) {
	echo := httpfault.HandleFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, err := websocket.Accept(w, r, nil)
		if !assert.NoError(t, err) {
			return
		}
		defer conn.CloseNow()
		kind, message, err := conn.Read(r.Context())
		assert.NoError(t, err)
		assert.NoError(t, conn.Write(r.Context(), kind, message))
	})
	server := httpfault.NewServer(t, httpfault.Status(503), httpfault.Reset(), echo)
	options := &websocket.DialOptions{HTTPClient: &http.Client{Transport: retry.New(server.Transport(), atOnce)}}
	conn, _, err := websocket.Dial(t.Context(), server.URL, options)
	require.NoError(t, err)
	defer conn.CloseNow()
	require.NoError(t, conn.Write(t.Context(), websocket.MessageText, []byte("hello")))
	_, message, err := conn.Read(t.Context())
	require.NoError(t, err)
	assert.Equal(t, "hello", string(message))
	assert.Len(t, server.Requests(), 3)
}

// A gateway has bodies as they come from its clients: they are sent once. What has no body is repeated.
func TestAReverseProxyRepeatsWhatItCan(t *testing.T) {
	for name, row := range map[string]struct {
		method, body string
		status       int
		requests     int
	}{
		"GET":              {http.MethodGet, "", 200, 3},
		"DELETE":           {http.MethodDelete, "", 200, 3},
		"PUT with a body":  {http.MethodPut, "hello", 503, 1},
		"POST with a body": {http.MethodPost, "hello", 503, 1},
		"POST without one": {http.MethodPost, "", 503, 1},
	} {
		t.Run(name, func(t *testing.T) {
			steps := []httpfault.Step{httpfault.Status(503), httpfault.Reset(), httpfault.OK("hello")}[:row.requests]
			server := httpfault.NewServer(t, steps...)
			target, err := url.Parse(server.URL)
			require.NoError(t, err)
			gateway := httptest.NewServer(&httputil.ReverseProxy{
				Rewrite:   func(r *httputil.ProxyRequest) { r.SetURL(target) },
				Transport: retry.New(server.Transport(), atOnce),
			})
			defer gateway.Close()
			req, err := http.NewRequestWithContext(t.Context(), row.method, gateway.URL, strings.NewReader(row.body))
			require.NoError(t, err)
			resp, err := gateway.Client().Do(req)
			require.NoError(t, err)
			defer resp.Body.Close()
			_, err = io.Copy(io.Discard, resp.Body)
			require.NoError(t, err)
			assert.Equal(t, row.status, resp.StatusCode)
			assert.Len(t, server.Requests(), row.requests)
		})
	}
}
