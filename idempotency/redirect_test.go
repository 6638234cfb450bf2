package idempotency_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-e3550de8/retry"
	"github.com/seed-e3550de8/retry/idempotency"
)

// redirects returns a base that answers by the status that a URL's path begins with, with the rest of the path as
// Location, and by 200 otherwise. It appends the key of each request to keys.
func redirects(keys *[]string) baseFunc {
	return func(req *http.Request) (*http.Response, error) {
		*keys = append(*keys, req.Header.Get("Idempotency-Key"))
		resp := &http.Response{StatusCode: http.StatusOK, Body: http.NoBody, Request: req, Header: make(http.Header)}
		if status, location, ok := strings.Cut(strings.TrimPrefix(req.URL.Path, "/"), "/"); ok {
			_, _ = fmt.Sscan(status, &resp.StatusCode)
			resp.Header.Set("Location", location)
		}
		return resp, nil
	}
}

// numbered makes the keys k1, k2, and so on.
func numbered() func(*http.Request) string {
	n := 0
	return func(*http.Request) string {
		n++
		return fmt.Sprintf("k%d", n)
	}
}

func TestTheKeyAlongRedirects(t *testing.T) {
	tests := []struct {
		name   string
		method string
		url    string
		want   []string
	}{
		{"307 on the host", "POST", "http://a.example/307//there", []string{"k1", "k1"}},
		{"308 on the host", "PATCH", "http://a.example/308//there", []string{"k1", "k1"}},
		{"308 twice", "POST", "http://a.example/308//308//there", []string{"k1", "k1", "k1"}},
		{"302 is a GET", "POST", "http://a.example/302//there", []string{"k1", ""}},
		{"303 is a GET", "PATCH", "http://a.example/303//there", []string{"k1", ""}},
		{"the host in capitals", "POST", "http://a.example/308/http://A.Example/there", []string{"k1", "k1"}},
		{"from http to https", "POST", "http://a.example/308/https://a.example/there", []string{"k1", "k1"}},
		{"the scheme's own port", "POST", "http://a.example:80/308/https://a.example:443/there", []string{"k1", "k1"}},
		{"an empty port", "POST", "http://a.example/308/http://a.example:/there", []string{"k1", "k1"}},
		{"IPv6", "POST", "http://[::1]:80/308/http://[::1]/there", []string{"k1", "k1"}},
		{"another host", "POST", "http://a.example/307/http://b.example/there", []string{"k1", "k2"}},
		{"another port", "POST", "http://a.example/307/http://a.example:8080/there", []string{"k1", "k2"}},
		{"another scheme's port", "POST", "http://a.example/307/http://a.example:443/there", []string{"k1", "k2"}},
		{"another scheme's port, backwards", "POST", "http://a.example/307/https://a.example:80/there",
			[]string{"k1", "k2"}},
		{"a host below it", "POST", "http://a.example/307/http://b.a.example/there", []string{"k1", "k2"}},
		{"there and back", "POST", "http://a.example/307/http://b.example/307/http://a.example/there",
			[]string{"k1", "k2", "k3"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var keys []string
			tr := &idempotency.Transport{Base: retry.New(redirects(&keys), retry.Policy{}), Key: numbered()}
			client := &http.Client{Transport: tr}
			req, err := http.NewRequestWithContext(t.Context(), tt.method, tt.url, strings.NewReader("order"))
			require.NoError(t, err)
			resp, err := client.Do(req)
			require.NoError(t, err)
			require.NoError(t, resp.Body.Close())
			assert.Equal(t, tt.want, keys)
		})
	}
}

func TestARedirectKeepsTheKeyThatTheLastAttemptHad(t *testing.T) {
	var keys []string
	attempts := 0
	base := baseFunc(func(req *http.Request) (*http.Response, error) {
		if attempts++; attempts%3 != 0 {
			keys = append(keys, req.Header.Get("Idempotency-Key"))
			return &http.Response{StatusCode: http.StatusServiceUnavailable, Body: http.NoBody, Request: req}, nil
		}
		return redirects(&keys)(req)
	})
	tr := &idempotency.Transport{Base: retry.New(base, retry.Policy{Backoff: retry.Constant(0)}), Key: numbered()}
	client := &http.Client{Transport: tr}
	resp, err := client.Post("http://a.example/308//there", "text/plain", strings.NewReader("order"))
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	assert.Equal(t, http.StatusOK, resp.StatusCode)
	assert.Equal(t, []string{"k1", "k1", "k1", "k1", "k1", "k1"}, keys)
}

func TestAnotherMethodAfterARedirectGetsAKeyOfItsOwn(t *testing.T) {
	var keys []string
	tr := &idempotency.Transport{Base: redirects(&keys), Key: numbered(), Methods: []string{"POST", "GET"}}
	client := &http.Client{Transport: tr}
	resp, err := client.Post("http://a.example/303//there", "text/plain", strings.NewReader("order"))
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	assert.Equal(t, []string{"k1", "k2"}, keys)
}

func TestTheCallersKeyGoesWhereHTTPClientTakesIt(t *testing.T) {
	var keys []string
	client := &http.Client{Transport: &idempotency.Transport{Base: redirects(&keys), Key: numbered()}}
	req := request(t, http.MethodPost)
	req.URL.Path = "/307/http://b.example/there"
	req.Header.Set("Idempotency-Key", "mine")
	resp, err := client.Do(req)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	assert.Equal(t, []string{"mine", "mine"}, keys)
}

func TestABaseThatForgetsTheRequestGetsANewKeyPerRedirect(t *testing.T) {
	for _, forget := range []func(*http.Response){
		func(resp *http.Response) { resp.Request = nil },
		func(resp *http.Response) { resp.Request = &http.Request{Method: http.MethodPost} },
	} {
		var keys []string
		base := baseFunc(func(req *http.Request) (*http.Response, error) {
			resp, err := redirects(&keys)(req)
			forget(resp)
			return resp, err
		})
		client := &http.Client{Transport: &idempotency.Transport{Base: base, Key: numbered()}}
		resp, err := client.Post("http://a.example/308//there", "text/plain", strings.NewReader("order"))
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		assert.Equal(t, []string{"k1", "k2"}, keys)
	}
}
