package idempotency_test

import (
	"context"
	"io"
	"maps"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seed-e3550de8/retry"
	"github.com/seed-e3550de8/retry/idempotency"
)

// A baseFunc is a base that is one function.
type baseFunc func(*http.Request) (*http.Response, error)

func (f baseFunc) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// recorded returns a base that answers everything by 200 and records what it was given.
func recorded(got *[]*http.Request) baseFunc {
	return func(req *http.Request) (*http.Response, error) {
		*got = append(*got, req)
		return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody, Request: req}, nil
	}
}

// sent is what the base was given for req.
func sent(t *testing.T, tr idempotency.Transport, req *http.Request) *http.Request {
	t.Helper()
	var got []*http.Request
	tr.Base = recorded(&got)
	resp, err := tr.RoundTrip(req)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Len(t, got, 1)
	return got[0]
}

func request(t *testing.T, method string) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, "http://example.com/orders", strings.NewReader("order"))
	require.NoError(t, err)
	return req
}

func fixed(key string) func(*http.Request) string { return func(*http.Request) string { return key } }

func TestWhichRequestsGetAKey(t *testing.T) {
	const name = "Idempotency-Key"
	const other = "X-Idempotency-Key"
	tests := []struct {
		name   string
		tr     idempotency.Transport
		method string
		header http.Header // the caller's
		want   http.Header // what is added to it
	}{
		{"POST", idempotency.Transport{}, "POST", nil, http.Header{name: {"k"}}},
		{"PATCH", idempotency.Transport{}, "PATCH", nil, http.Header{name: {"k"}}},
		{"POST among other fields", idempotency.Transport{}, "POST", http.Header{"A": {"b"}}, http.Header{name: {"k"}}},
		{"GET", idempotency.Transport{}, "GET", nil, nil},
		{"PUT", idempotency.Transport{}, "PUT", nil, nil},
		{"no method is GET", idempotency.Transport{}, "", nil, nil},
		{"no method is GET, which is named", idempotency.Transport{Methods: []string{"GET"}}, "", nil,
			http.Header{name: {"k"}}},
		{"GET is no method, which is named", idempotency.Transport{Methods: []string{""}}, "GET", nil,
			http.Header{name: {"k"}}},
		{"methods are case-sensitive", idempotency.Transport{}, "post", nil, nil},
		{"an empty list is the default", idempotency.Transport{Methods: []string{}}, "POST", nil,
			http.Header{name: {"k"}}},
		{"a named method", idempotency.Transport{Methods: []string{"PUT", "LINK"}}, "LINK", nil,
			http.Header{name: {"k"}}},
		{"a method that is not named", idempotency.Transport{Methods: []string{"PUT"}}, "POST", nil, nil},

		{"a name of the server's", idempotency.Transport{Header: "request-ID"}, "POST", nil,
			http.Header{"Request-Id": {"k"}}},
		{"quoted", idempotency.Transport{Quoted: true}, "POST", nil, http.Header{name: {`"k"`}}},

		{"the caller's key", idempotency.Transport{}, "POST", http.Header{name: {"mine"}}, nil},
		{"the caller's key in another casing", idempotency.Transport{}, "POST",
			http.Header{"idempotency-KEY": {"mine"}}, nil},
		{"the caller's key by its other name", idempotency.Transport{}, "POST", http.Header{other: {"mine"}}, nil},
		{"the other way round", idempotency.Transport{Header: other}, "POST",
			http.Header{"idempotency-key": {"mine"}}, nil},
		{"the caller's two keys", idempotency.Transport{}, "POST", http.Header{name: {"a", "b"}}, nil},
		{"an empty key", idempotency.Transport{}, "POST", http.Header{name: {""}}, nil},
		{"the mark that is not sent", idempotency.Transport{}, "POST", http.Header{name: nil}, nil},
		{"its other form", idempotency.Transport{}, "POST", http.Header{other: {}}, nil},
		{"a name of the server's, the caller's key", idempotency.Transport{Header: "Request-Id"}, "POST",
			http.Header{"request-id": {"mine"}}, nil},
		{"a name of the server's, a key under another", idempotency.Transport{Header: "Request-Id"}, "POST",
			http.Header{name: {"mine"}}, http.Header{"Request-Id": {"k"}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			req := request(t, tt.method)
			req.Method, req.Header = tt.method, tt.header
			before := tt.header.Clone()
			tt.tr.Key = fixed("k")

			got := sent(t, tt.tr, req)
			want := http.Header{}
			maps.Copy(want, before)
			maps.Copy(want, tt.want)
			assert.Equal(t, len(want), len(got.Header))
			for key, values := range want {
				assert.Equal(t, values, got.Header[key], key)
			}
			assert.Equal(t, before, req.Header, "the caller's header map")
			if tt.want == nil && retry.Idempotent(req) {
				assert.Same(t, req, got)
			}
		})
	}
}

func TestARequestWithAKeyIsIdempotentForRetry(t *testing.T) {
	tests := []struct {
		name      string
		tr        idempotency.Transport
		header    http.Header
		untouched bool // the context
	}{
		{"our key", idempotency.Transport{}, http.Header{}, true},
		{"our key, X-", idempotency.Transport{Header: "X-Idempotency-Key"}, http.Header{}, true},
		{"our key under the server's name", idempotency.Transport{Header: "Request-Id"}, http.Header{}, false},
		{"the caller's key", idempotency.Transport{}, http.Header{"Idempotency-Key": {"mine"}}, true},
		{"the caller's key, X-", idempotency.Transport{}, http.Header{"X-Idempotency-Key": {"mine"}}, true},
		{"the caller's key in lower case", idempotency.Transport{}, http.Header{"idempotency-key": {"mine"}}, false},
		{"the caller's key under the server's name", idempotency.Transport{Header: "Request-Id"},
			http.Header{"Request-Id": {"mine"}}, false},
		{"no header map", idempotency.Transport{}, nil, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			req := request(t, http.MethodPost)
			req.Header = tt.header
			got := sent(t, tt.tr, req)
			assert.True(t, retry.Idempotent(got))
			assert.Equal(t, tt.untouched, got.Context() == req.Context())
		})
	}
	t.Run("a method that is not covered", func(t *testing.T) {
		got := sent(t, idempotency.Transport{Methods: []string{"PATCH"}}, request(t, http.MethodPost))
		assert.False(t, retry.Idempotent(got))
	})
}

type contextKey struct{}

func TestNothingElseOfTheRequestChanges(t *testing.T) {
	req := request(t, http.MethodPost)
	*req = *req.WithContext(context.WithValue(req.Context(), contextKey{}, "value"))
	req.Header.Set("Content-Type", "application/json")
	req.Trailer = http.Header{"Sum": nil}
	req.Close, req.Host, req.TransferEncoding = true, "other.example", []string{"chunked"}
	body := &watchedBody{Reader: strings.NewReader("order")}
	req.Body = body
	before := *req

	got := sent(t, idempotency.Transport{}, req)
	assert.NotSame(t, req, got)
	assert.NotContains(t, req.Header, "Idempotency-Key")

	got.Trailer.Set("Sum", "1")
	assert.Equal(t, "1", req.Trailer.Get("Sum"), "the caller fills in this very map while the body is read")
	assert.Same(t, body, got.Body)
	assert.Zero(t, body.closed)
	require.NotNil(t, got.GetBody)
	again, err := got.GetBody()
	require.NoError(t, err)
	text, err := io.ReadAll(again)
	require.NoError(t, err)
	assert.Equal(t, "order", string(text))

	assert.Equal(t, "value", got.Context().Value(contextKey{}))
	rest := *got
	rest.Header, rest.GetBody, before.GetBody = before.Header, nil, nil
	assert.Equal(t, before, rest)

	got.Header.Set("A", "b")
	assert.NotContains(t, req.Header, "A")
}

func TestEachCallHasAKeyOfItsOwn(t *testing.T) {
	seen := make(map[string]bool)
	for range 1000 {
		key := sent(t, idempotency.Transport{}, request(t, http.MethodPost)).Header.Get("Idempotency-Key")
		assert.GreaterOrEqual(t, len(key)*5, 128, "rand.Text has five bits in each character")
		seen[key] = true
	}
	assert.Len(t, seen, 1000)
}

func TestTheZeroTransportSendsThroughTheDefaultOne(t *testing.T) {
	saved := http.DefaultTransport
	defer func() { http.DefaultTransport = saved }()
	var got []*http.Request
	http.DefaultTransport = recorded(&got)

	client := &http.Client{Transport: new(idempotency.Transport)}
	resp, err := client.Post("http://example.com/", "text/plain", strings.NewReader("order"))
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Len(t, got, 1)
	assert.Equal(t, got[0].Header.Get("Idempotency-Key"), resp.Request.Header.Get("Idempotency-Key"))
	assert.NotEmpty(t, got[0].Header.Get("Idempotency-Key"))
}

type closer struct {
	baseFunc
	closed int
}

func (c *closer) CloseIdleConnections() { c.closed++ }

func TestCloseIdleConnectionsReachesTheBase(t *testing.T) {
	base := &closer{}
	client := &http.Client{Transport: &idempotency.Transport{Base: retry.New(base, retry.Policy{})}}
	client.CloseIdleConnections()
	assert.Equal(t, 1, base.closed)

	assert.NotPanics(t, (&idempotency.Transport{Base: baseFunc(nil)}).CloseIdleConnections)
}

func TestWhoLooksForTheTransportInsideFindsIt(t *testing.T) {
	assert.Same(t, http.DefaultTransport, new(idempotency.Transport).WrappedRoundTripper())
	base := &closer{}
	assert.Same(t, base, (&idempotency.Transport{Base: base}).WrappedRoundTripper())
}
