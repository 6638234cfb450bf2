package githubtest

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-github/v75/github"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-e3550de8/retry"
	"github.com/seed-e3550de8/retry/hint"
	"github.com/seed-e3550de8/retry/internal/memnet"
)

// A fake is a GitHub with a primary limit of some requests an hour, and perhaps a secondary one.
type fake struct {
	limit     int
	secondary time.Time // until then each request is refused by it

	mu        sync.Mutex
	remaining int
	reset     time.Time
	refused   map[string]int // by path
	served    []string
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if now := time.Now(); !now.Before(f.reset) {
		f.remaining, f.reset = f.limit, now.Truncate(time.Second).Add(time.Hour)
	}
	secondary := time.Now().Before(f.secondary)
	refuse := secondary || f.remaining == 0
	if !refuse {
		f.remaining--
	}
	h := w.Header()
	h.Set("Content-Type", "application/json; charset=utf-8")
	h.Set("X-Ratelimit-Limit", strconv.Itoa(f.limit))
	h.Set("X-Ratelimit-Remaining", strconv.Itoa(f.remaining))
	h.Set("X-Ratelimit-Reset", strconv.FormatInt(f.reset.Unix(), 10))
	h.Set("X-Ratelimit-Resource", "core")
	if !refuse {
		f.served = append(f.served, r.URL.Path)
		_ = json.NewEncoder(w).Encode(map[string]string{"full_name": r.URL.Path[len("/repos/"):]})
		return
	}
	f.refused[r.URL.Path]++
	message := "API rate limit exceeded for user ID 1."
	if secondary {
		message = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."
	}
	w.WriteHeader(http.StatusForbidden)
	_ = json.NewEncoder(w).Encode(map[string]string{"message": message})
}

// client starts the fake in the bubble of the test and returns a client of it.
func (f *fake) client(t *testing.T) *github.Client {
	f.refused = make(map[string]int)
	time.Sleep(700 * time.Millisecond) // dates have no fractions, and clocks have
	listener := memnet.Listen()
	server := &http.Server{Handler: f}
	go func() { _ = server.Serve(listener) }()
	base := &http.Transport{DialContext: listener.DialContext}
	t.Cleanup(func() {
		base.CloseIdleConnections()
		_ = server.Close()
	})
	client := github.NewClient(&http.Client{Transport: retry.New(base, retry.Policy{
		RetryAfter:    hint.GitHub,
		Classify:      hint.GitHubLimit(nil),
		MaxRetryAfter: time.Hour,
	})})
	var err error
	client.BaseURL, err = client.BaseURL.Parse("http://example.com/")
	require.NoError(t, err)
	// Its own check would refuse a request that the Transport sends when the limit is over.
	client.DisableRateLimitCheck = true
	return client
}

func get(t *testing.T, client *github.Client, name string) {
	repository, _, err := client.Repositories.Get(context.Background(), "octocat", name)
	if assert.NoError(t, err, name) {
		assert.Equal(t, "octocat/"+name, repository.GetFullName())
	}
}

func TestThreeRequestsIntoThePrimaryLimitAreRefusedOnceAtMost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{limit: 4}
		client := f.client(t)
		begin := time.Now()
		for _, name := range []string{"a", "b", "c", "d"} {
			get(t, client, name)
		}
		require.Empty(t, f.refused)
		for _, name := range []string{"e", "f", "g"} {
			get(t, client, name)
		}
		assert.Equal(t, map[string]int{"/repos/octocat/e": 1}, f.refused)
		assert.Len(t, f.served, 7)
		assert.InDelta(t, time.Hour.Seconds(), time.Since(begin).Seconds(), 5)
	})
}

func TestThreeRequestsAtOnceIntoThePrimaryLimitAreRefusedOnceEach(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{limit: 3}
		client := f.client(t)
		for _, name := range []string{"a", "b", "c"} {
			get(t, client, name)
		}
		var all sync.WaitGroup
		for _, name := range []string{"d", "e", "f"} {
			all.Go(func() { get(t, client, name) })
		}
		all.Wait()
		assert.Equal(t, map[string]int{"/repos/octocat/d": 1, "/repos/octocat/e": 1, "/repos/octocat/f": 1}, f.refused)
		assert.Len(t, f.served, 6)
	})
}

func TestASecondaryLimitIsWaitedForWithoutAnyFieldThatSaysHowLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{limit: 60}
		client := f.client(t)
		get(t, client, "a")
		f.secondary = time.Now().Add(time.Minute)
		for _, name := range []string{"b", "c", "d"} {
			get(t, client, name)
		}
		assert.Equal(t, map[string]int{"/repos/octocat/b": 1}, f.refused)
	})
}

func TestASecondaryLimitThatLastsIsAskedAfterGrowingWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{limit: 60}
		client := f.client(t)
		f.secondary = time.Now().Add(6 * time.Minute)
		begin := time.Now()
		get(t, client, "a")
		assert.Equal(t, map[string]int{"/repos/octocat/a": 3}, f.refused, "after 1, 2 and 4 minutes")
		assert.InDelta(t, (7 * time.Minute).Seconds(), time.Since(begin).Seconds(), 15)
	})
}

func TestALimitThatIsTooLongIsTheErrorThatGoGitHubKnows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{limit: 1}
		client := f.client(t)
		get(t, client, "a")
		ctx := retry.WithPolicy(context.Background(), retry.Policy{MaxRetryAfter: time.Minute})
		_, _, err := client.Repositories.Get(ctx, "octocat", "b")
		var limit *github.RateLimitError
		require.True(t, errors.As(err, &limit), "%v", err)
		assert.Equal(t, f.reset.Unix(), limit.Rate.Reset.Unix())
		assert.Equal(t, map[string]int{"/repos/octocat/b": 1}, f.refused)
	})
}

func TestAnAnswerAboutPermissionIsNoLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		listener := memnet.Listen()
		requests := 0
		server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			requests++
			w.WriteHeader(http.StatusForbidden)
			_, _ = w.Write([]byte(`{"message":"Resource not accessible by integration"}`))
		})}
		go func() { _ = server.Serve(listener) }()
		base := &http.Transport{DialContext: listener.DialContext}
		defer func() {
			base.CloseIdleConnections()
			_ = server.Close()
		}()
		client := github.NewClient(&http.Client{Transport: retry.New(base, retry.Policy{
			RetryAfter: hint.GitHub, Classify: hint.GitHubLimit(nil),
		})})
		client.BaseURL, _ = client.BaseURL.Parse("http://example.com/")
		_, _, err := client.Repositories.Get(context.Background(), "octocat", "a")
		var refused *github.ErrorResponse
		require.True(t, errors.As(err, &refused), "%v", err)
		assert.Equal(t, "Resource not accessible by integration", refused.Message)
		assert.Equal(t, 1, requests)
	})
}
