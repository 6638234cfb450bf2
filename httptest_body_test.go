package retry_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"time"

	"github.com/seed-e3550de8/retry"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// An inbox is a handler that reads requests whole, after it has refused as many as it is told to.
type inbox struct {
	mu      sync.Mutex
	refuse  int // how many are answered 503 before a byte of their body is read
	whole   [][sha256.Size]byte
	trailer http.Header
}

func (in *inbox) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	in.mu.Lock()
	refuse := in.refuse > 0
	in.refuse--
	in.mu.Unlock()
	if refuse {
		http.Error(w, "not now", http.StatusServiceUnavailable)
		return
	}
	sum := sha256.New()
	if _, err := io.Copy(sum, r.Body); err != nil {
		return
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	in.whole = append(in.whole, [sha256.Size]byte(sum.Sum(nil)))
	in.trailer = r.Trailer
}

// The server answers without reading, so that the first attempt still writes its body while the second begins: whoever
// rewinds one reader instead of taking another from GetBody sends garbage, or has a race.
func TestALargeUploadThatIsRefusedEarlyArrivesIntact(t *testing.T) {
	const uploads = 40
	payload := bytes.Repeat([]byte("8 MiB or more than any buffer on the way. "), 8<<20/42+1)
	want := sha256.Sum256(payload)
	for _, proto := range []string{http1, http2} {
		t.Run(proto, func(t *testing.T) {
			in := new(inbox)
			ts := httptest.NewUnstartedServer(in)
			if ts.EnableHTTP2 = proto == http2; ts.EnableHTTP2 {
				ts.StartTLS()
			} else {
				ts.Start()
			}
			defer ts.Close()
			client := ts.Client()
			client.Transport = retry.New(client.Transport, retry.Policy{Backoff: retry.Constant(0), Budget: retry.Unlimited})
			for range uploads {
				in.mu.Lock()
				in.refuse = 1
				in.mu.Unlock()
				resp, err := client.Do(newUpload(t, ts.URL, payload))
				require.NoError(t, err)
				require.NoError(t, resp.Body.Close())
				require.Equal(t, http.StatusOK, resp.StatusCode)
				require.Equal(t, 2, retry.AttemptNumber(resp.Request.Context()))
				require.Equal(t, proto == http2, resp.ProtoMajor == 2)
			}
			require.Len(t, in.whole, uploads)
			for i, got := range in.whole {
				assert.Equal(t, want, got, "upload %d", i+1)
			}
		})
	}
}

func newUpload(t *testing.T, url string, payload []byte) *http.Request {
	req, err := http.NewRequestWithContext(t.Context(), "PUT", url, bytes.NewReader(payload))
	require.NoError(t, err)
	return req
}

func TestABodyWithoutGetBodyIsSentOnce(t *testing.T) {
	overBoth(t, func(t *testing.T, proto string) {
		in, tr := &inbox{refuse: 1}, new(trail)
		s := serve(t, proto, in.ServeHTTP)
		r, w := io.Pipe()
		go func() {
			_, err := io.WriteString(w, "body")
			w.CloseWithError(err)
		}()
		req, err := http.NewRequestWithContext(t.Context(), "PUT", "http://example.com/", r)
		require.NoError(t, err)
		resp, err := retry.New(s.base, tr.eager(4)).RoundTrip(req)
		require.NoError(t, err)
		assert.Equal(t, "not now\n", readAndClose(t, resp), "the response is unread")
		require.Len(t, tr.steps, 1)
		assert.ErrorIs(t, tr.last().Reason, retry.ErrNotReplayable)
	})
}

func TestAFileIsOpenedAgainByGetBody(t *testing.T) {
	payload := bytes.Repeat([]byte("file "), 1<<16)
	name := filepath.Join(t.TempDir(), "upload")
	require.NoError(t, os.WriteFile(name, payload, 0o600))
	in := &inbox{refuse: 2}
	ts := httptest.NewServer(in)
	defer ts.Close()
	opened := 0
	open := func() (io.ReadCloser, error) { opened++; return os.Open(name) }
	body, err := open()
	require.NoError(t, err)
	req, err := http.NewRequestWithContext(t.Context(), "PUT", ts.URL, body)
	require.NoError(t, err)
	req.ContentLength, req.GetBody = int64(len(payload)), open
	resp, err := retry.New(ts.Client().Transport, new(trail).eager(4)).RoundTrip(req)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	assert.Equal(t, [][sha256.Size]byte{sha256.Sum256(payload)}, in.whole)
	assert.Equal(t, 3, opened)
}

// http.Client makes a request of its own for each redirect, with a body from GetBody; the first of either may fail.
func TestARedirectKeepsItsBodyThroughRetries(t *testing.T) {
	for _, code := range []int{http.StatusTemporaryRedirect, http.StatusPermanentRedirect} {
		overBoth(t, func(t *testing.T, proto string) {
			in, gate := &inbox{refuse: 1}, perhaps(503, code)
			mux := http.NewServeMux()
			mux.Handle("/new", in)
			mux.HandleFunc("/old", func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Location", "/new")
				gate(w, r)
			})
			s := serve(t, proto, mux.ServeHTTP)
			client := &http.Client{Transport: retry.New(s.base, new(trail).eager(4))}
			resp, err := client.Do(newRequest(t, "PUT", "http://example.com/old", "body"))
			require.NoError(t, err)
			require.NoError(t, resp.Body.Close())
			assert.Equal(t, http.StatusOK, resp.StatusCode)
			assert.Equal(t, "/new", resp.Request.URL.Path)
			assert.Equal(t, [][sha256.Size]byte{sha256.Sum256([]byte("body"))}, in.whole)
		})
	}
}

// net/http fills the caller's Trailer map while it sends the body: a deep copy of the request would lose them.
func TestTrailersGoBothWaysThroughARetry(t *testing.T) {
	overBoth(t, func(t *testing.T, proto string) {
		in := &inbox{refuse: 1}
		s := serve(t, proto, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Trailer", "Declared")
			in.ServeHTTP(w, r)
			_, _ = io.WriteString(w, "page")
			w.Header().Set("Declared", "1")
			w.Header().Set(http.TrailerPrefix+"Undeclared", "2")
		})
		trailer := http.Header{"Sum": nil}
		body := func() (io.ReadCloser, error) {
			return io.NopCloser(&atEnd{strings.NewReader("body"), func() { trailer.Set("Sum", "3") }}), nil
		}
		first, _ := body()
		req, err := http.NewRequestWithContext(t.Context(), "PUT", "http://example.com/", first)
		require.NoError(t, err)
		req.Trailer, req.GetBody = trailer, body
		resp, err := retry.New(s.base, new(trail).eager(4)).RoundTrip(req)
		require.NoError(t, err)
		assert.Equal(t, "page", readAndClose(t, resp))
		assert.Equal(t, 2, retry.AttemptNumber(resp.Request.Context()))
		assert.Equal(t, http.Header{"Sum": {"3"}}, in.trailer)
		assert.Equal(t, http.Header{"Declared": {"1"}, "Undeclared": {"2"}}, resp.Trailer)
	})
}

type atEnd struct {
	io.Reader
	do func()
}

func (r *atEnd) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	if err == io.EOF {
		r.do()
	}
	return n, err
}

var errBroken = errors.New("the disk is gone")

// A body's own error looks like the network's, and a fresh body may do better.
func TestABodyWhoseReadFailsIsTransient(t *testing.T) {
	overBoth(t, func(t *testing.T, proto string) {
		for method, want := range map[string]int{"PUT": 3, "POST": 1} {
			s, tr := serve(t, proto, new(inbox).ServeHTTP), new(trail)
			body := func() (io.ReadCloser, error) {
				return io.NopCloser(io.MultiReader(strings.NewReader("half"), iotest.ErrReader(errBroken))), nil
			}
			first, _ := body()
			req, err := http.NewRequestWithContext(t.Context(), method, "http://example.com/", first)
			require.NoError(t, err)
			req.GetBody = body
			_, err = retry.New(s.base, tr.eager(3)).RoundTrip(req)
			require.ErrorIs(t, err, errBroken, method)
			require.Len(t, tr.steps, want, method)
			assert.Equal(t, retry.Transient, tr.last().Class, method)
			checkOutcome(t, tr, err)
		}
	})
}

func TestAGetBodyThatFailsLaterEndsTheRequest(t *testing.T) {
	overBoth(t, func(t *testing.T, proto string) {
		s, tr := serve(t, proto, perhaps(503, 503, 503)), new(trail)
		req := newRequest(t, "PUT", "http://example.com/", "body")
		calls, getBody := 0, req.GetBody
		req.GetBody = func() (io.ReadCloser, error) {
			if calls++; calls == 2 {
				return nil, errBroken
			}
			return getBody()
		}
		resp, err := retry.New(s.base, tr.eager(4)).RoundTrip(req)
		require.NoError(t, err, "the caller has what there would be without retries")
		assert.Equal(t, 503, resp.StatusCode)
		page, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		assert.NotEmpty(t, page)
		require.NoError(t, resp.Body.Close())
		assert.Len(t, tr.steps, 2)
	})
}

func TestAPostThatTimesOutIsOneRequest(t *testing.T) {
	overBoth(t, func(t *testing.T, proto string) {
		var arrived atomic.Int32
		s := serve(t, proto, func(w http.ResponseWriter, r *http.Request) {
			arrived.Add(1)
			stall(w, r)
		})
		s.base.ResponseHeaderTimeout = time.Second
		client := &http.Client{Transport: retry.New(s.base, new(trail).eager(4))}
		_, err := client.Post("http://example.com/", "text/plain", strings.NewReader("body"))
		require.Error(t, err)
		assert.EqualValues(t, 1, arrived.Load())
	})
}

// A connection of MaxConnsPerHost is free again before the wait, or the retry would wait for it for ever.
func TestTheOnlyConnectionOfAHostServesTheRetry(t *testing.T) {
	overBoth(t, func(t *testing.T, proto string) {
		s := serve(t, proto, perhaps(503, 500))
		s.base.MaxConnsPerHost = 1
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		resp, err := retry.New(s.base, new(trail).eager(4)).RoundTrip(newRequest(t, "GET", "http://example.com/", "").WithContext(ctx))
		require.NoError(t, err)
		assert.Equal(t, "OK", readAndClose(t, resp))
		assert.Equal(t, 1, s.dialed())
	})
}
